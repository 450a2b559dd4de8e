"""Validation by the typed models of fhir.resources, for contained resources whose definition is not held.

R4 4.0.1 is read with the R4B models (https://pypi.org/project/fhir.resources/); they differ in types that no care plan
contains. Slower than the compiled rules, and rarely needed.
"""

from typing import Any

from pydantic import ValidationError

from service.conformance.model_structures import resource_model
from service.fhir.outcome import Issue


def model_issues(resource: dict[str, Any], resource_type: str, place: str) -> list[Issue]:
    """Return what the model of ``resource_type`` refuses in ``resource``, which stands at ``place``."""
    model = resource_model(resource_type)
    if model is None:
        return [Issue("resource-type", "FHIR R4 has no such resource type", f"{place}.resourceType")]
    try:
        model.model_validate(resource)
    except ValidationError as error:
        return [Issue("format", item["msg"], _join(place, item["loc"])) for item in error.errors(include_input=False)]
    return []


def _join(place: str, location: tuple[int | str, ...]) -> str:
    return place + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
