"""The columns of a view: of which type they are, and how their values are read (…-ViewDefinition.html#column-types).

A value stays as the resource has it: a date as far as it was written, a decimal with its digits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from service.conformance.fhirpath.collection import Collection, EvaluationError, Scope
from service.conformance.fhirpath.kinds import Kind
from service.conformance.fhirpath.moments import Moment
from service.conformance.fhirpath.values import Node
from service.conformance.structures import Structures
from service.fhir.outcome import Issue, shown
from service.reporting.views.definition import ColumnDefinition
from service.reporting.views.faults import ViewError

Form = Literal["boolean", "integer", "decimal", "moment", "instant", "text", "any"]
"""What values are: ``any`` stands for those of a complex type, and those of no type that is known."""
Get = Callable[[Any, Scope], Any]

_FORMS: dict[str, Form] = {
    "boolean": "boolean",
    "integer": "integer",
    "integer64": "integer",
    "positiveInt": "integer",
    "unsignedInt": "integer",
    "decimal": "decimal",
    "date": "moment",
    "dateTime": "moment",
    "time": "moment",
    "instant": "instant",
}
_FITTING: dict[Form, set[str]] = {
    "boolean": {"Boolean"},
    "integer": {"Integer"},
    "decimal": {"Decimal", "Integer"},
    "moment": {"Date", "DateTime", "Time"},
    "instant": {"DateTime"},
    "text": {"String", "Date", "DateTime", "Time"},
}
"""The System types whose values a column of each form takes."""
_PREFIXES = ("http://hl7.org/fhir/StructureDefinition/", "http://hl7.org/fhirpath/System.", "FHIR.", "System.")
_TYPES_OF_FHIRPATH = {name: name[0].lower() + name[1:] for name in ("String", "Boolean", "Integer", "Decimal")} | {
    "Date": "date",
    "DateTime": "dateTime",
    "Time": "time",
}
_LATER = {"integer64"}
"""Primitive types of later versions of FHIR, which constants and columns may have."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    name: str
    type: str
    """The name of the FHIR type; empty where it is not said and not known."""
    form: Form
    is_collection: bool
    description: str
    is_index: bool = False
    """Whether it is ``%rowIndex``, which is 0 where there is no element, and not null."""


def column_of(definition: ColumnDefinition, values: Collection, structures: Structures) -> Column:
    """Return the column that ``values`` make; raises ViewError where they are never of its type."""
    kinds = () if any(kind.is_dynamic for kind in values.kinds) else values.kinds
    inferred = _type_of(kinds[0]) if len(kinds) == 1 else ""
    declared = _without_prefix(definition.type) if definition.type else ""
    form = _form(declared or inferred, structures)
    place = f"{definition.place}.type"
    if declared and form is None:
        raise ViewError(Issue("view-definition", f"There is no type {shown(declared)}", place))
    if form is None or (not declared and values.is_typed):
        form = "any"
    if kinds and form != "any" and not any(kind.system in _FITTING[form] for kind in kinds):
        found = " or ".join(sorted({_type_of(kind) for kind in kinds}))
        raise ViewError(Issue("view-definition", f"The path gives {found}, and no {declared or inferred}", place))
    if form == "instant" and inferred not in ("instant", ""):
        form = "moment"
    if not declared and kinds and not any(kind.is_primitive or kind.name in _TYPES_OF_FHIRPATH for kind in kinds):
        raise ViewError(Issue("view-definition", f"A column of {inferred or 'several types'} says its type", place))
    is_index = definition.path.text.strip() == "%rowIndex"
    return Column(
        definition.name, declared or inferred, form, definition.is_collection, definition.description, is_index
    )


def cell_of(column: Column, values: Collection) -> Get:
    """Return what reads the cell of a row; it raises EvaluationError where the values do not fit ``column``."""
    checked = _checked(column, values)
    if column.is_collection:
        items = values.items
        return lambda focus, scope: [checked(item) for item in items(focus, scope)]
    if len(values.kinds) == 1 and values.kinds[0].system in ("String", "Boolean") and not values.is_typed:
        return values.value
    item = values.item

    def get(focus: Any, scope: Scope) -> Any:
        found = item(focus, scope)
        return None if found is None else checked(found)

    return get


def _checked(column: Column, values: Collection) -> Callable[[Any], Any]:
    """Return what makes of a value what stands in the table; a primitive element of extensions alone is null."""
    fitting = _FITTING.get(column.form) if values.is_typed else None

    def check(item: Any) -> Any:
        value = item
        if type(item) is Node:
            value = item.value
            if fitting is not None and item.kind.system not in fitting and item.kind.system is not None:
                raise EvaluationError(f"a value of the type {item.kind.name}")
        if type(value) is Moment:
            return value.text
        if isinstance(value, dict | tuple) and column.form != "any":
            raise EvaluationError("a value that has elements of its own")
        return value

    return check


def _without_prefix(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return _TYPES_OF_FHIRPATH.get(name, name)


def _type_of(kind: Kind) -> str:
    return _TYPES_OF_FHIRPATH.get(kind.name, kind.name)


def _form(name: str, structures: Structures) -> Form | None:
    """Return the form of values of the type ``name``, or None where there is no such type."""
    if name in _FORMS:
        return _FORMS[name]
    if structures.is_primitive(name):
        return "text"
    head = name.partition(".")[0]
    return "any" if structures.holds(head) or head == "BackboneElement" else None
