"""``ViewDefinition.constant``: values that expressions speak of by name (…-ViewDefinition.html#using-constants)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from service.conformance.fhirpath.collection import Collection, constant
from service.conformance.fhirpath.moments import moment
from service.fhir.outcome import Issue, shown
from service.reporting.views.definition import NAME
from service.reporting.views.faults import ViewError

_TAKEN = {"resource", "rootResource", "context", "ucum", "sct", "loinc", "rowIndex"}
_TEXTS = ["base64Binary", "canonical", "code", "id", "oid", "string", "uri", "url", "uuid"]
_TYPES = (
    {f"value{name[0].upper()}{name[1:]}": "String" for name in _TEXTS}
    | {f"value{name}": "Integer" for name in ("Integer", "Integer64", "PositiveInt", "UnsignedInt")}
    | {"valueBoolean": "Boolean", "valueDecimal": "Decimal", "valueDate": "Date", "valueTime": "Time"}
    | dict.fromkeys(("valueDateTime", "valueInstant"), "DateTime")
)
"""The System type of each ``value[x]``."""


def constants_of(given: tuple[tuple[dict[str, Any], str], ...]) -> dict[str, Collection]:
    """Return what each constant stands for by its name; raises ViewError with every one that is none."""
    issues: list[Issue] = []
    found: dict[str, Collection] = {}
    for item, place in given:
        faults = list(_faults(item, place, found))
        issues += faults
        if not faults:
            ((key, value),) = ((key, value) for key, value in item.items() if key in _TYPES)
            found[item["name"]] = constant(_read(value, _TYPES[key]), _TYPES[key])
    if issues:
        raise ViewError(*issues)
    return found


def _faults(item: dict[str, Any], place: str, others: dict[str, Collection]) -> Iterator[Issue]:
    name = item.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield _fault("A name has letters, digits and _, and starts with a letter", f"{place}.name")
    elif name in others or name in _TAKEN:
        yield _fault(f"The name {shown(name)} is taken", f"{place}.name")
    values = [key for key in item if key in _TYPES]
    for key in item:
        if key not in _TYPES and key not in ("name", "id", "extension"):
            yield _fault(f"No element {shown(key)} is defined here", f"{place}.{shown(key)}")
    if len(values) != 1:
        yield _fault("A constant has one value, such as valueString", place)
    elif _read(item[values[0]], _TYPES[values[0]]) is None:
        yield _fault(f"This is no {_TYPES[values[0]]}", f"{place}.{values[0]}")


def _read(value: Any, system: str) -> Any:
    """Return the System value, or None where ``value`` is none of ``system``."""
    if system == "Boolean":
        return value if type(value) is bool else None
    if system == "Integer":
        return value if type(value) is int else None
    if system == "Decimal":
        if isinstance(value, float):
            return Decimal(str(value))
        return value if isinstance(value, (int, Decimal)) and type(value) is not bool else None
    if type(value) is not str:
        return None
    if system == "String":
        return value
    found = moment(value)
    return found if found is not None and found.is_time_of_day == (system == "Time") else None


def _fault(sentence: str, place: str) -> Issue:
    return Issue("view-definition", sentence, place)
