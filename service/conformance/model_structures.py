"""Elements of resource types whose StructureDefinition is not held, as the typed models of fhir.resources have them.

R4 4.0.1 is read with the R4B models (https://pypi.org/project/fhir.resources/), which are the same for definitions.
"""

from functools import cache

from service.conformance.structures import Element, Structure


@cache
def model_structure(resource_type: str) -> Structure:
    """Return the elements of a resource type at its top level: which there are, are mandatory, are in a summary."""
    from fhir.resources.R4B import get_fhir_model_class  # importing it takes a while: only where it is needed

    structure = Structure(resource_type)
    for name, field in get_fhir_model_class(resource_type).model_fields.items():
        marks = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        if not marks.get("element_property"):
            continue
        key = field.alias or name
        element = Element(key, f"{resource_type}.{key}", "", False, bool(marks.get("summary_element_property")), "")
        structure.elements[key] = element
        structure.choices.setdefault(str(marks.get("one_of_many", key)), []).append(element)
        if marks.get("element_required"):
            structure.mandatory.append(key)
    return structure
