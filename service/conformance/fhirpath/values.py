"""Values as they stand in the JSON of resources, and the System values that they are to FHIRPath.

https://hl7.org/fhir/R4/fhirpath.html#types
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service.conformance.fhirpath.kinds import UNTYPED, Kind
from service.conformance.fhirpath.moments import moment
from service.conformance.fhirpath.quantities import quantity
from service.fhir.json import Number


@dataclass(slots=True)
class Node:
    """A value that does not say by itself what FHIRPath has to know of it.

    Values stand as JSON has them, unless their type is known only from where they were found, or unless they are
    primitive and have an id or extensions, which JSON keeps beside them.
    """

    value: Any
    """None where a primitive element has extensions alone."""
    kind: Kind
    beside: dict[str, Any] | None = None
    """What stands under the same name with an underscore."""


_FORMS: dict[str | None, frozenset[type]] = {
    None: frozenset({dict}),
    "Boolean": frozenset({bool}),
    "Integer": frozenset({int, Number}),
    "Decimal": frozenset({int, float, Decimal, Number}),
    "Quantity": frozenset({dict}),
}
_TEXT = frozenset({str})


def forms_of(kind: Kind) -> frozenset[type]:
    """Return the Python types of the JSON values of a type; any other is malformed, and passed over."""
    return _FORMS.get(kind.system, _TEXT)


def reader(kinds: tuple[Kind, ...]) -> Callable[[Any], Any]:
    """Return what takes a value that is of one of ``kinds``, and returns its System value or None.

    Where there are several, the value is a Node.
    """
    if len(kinds) == 1 and kinds[0] is not UNTYPED:
        convert = _CONVERSIONS.get(kinds[0].system, _unchanged)
        return lambda item: convert(item.value if type(item) is Node else item)
    return lambda node: _CONVERSIONS.get(node.kind.system, _unchanged)(node.value)


def _unchanged(value: Any) -> Any:
    return value


def _number(value: Any) -> Any:
    return Decimal(str(value)) if type(value) is float else value


def _moment(value: Any) -> Any:
    return moment(value) if type(value) is str else value


def _quantity(value: Any) -> Any:
    return quantity(value) if type(value) is dict else value


_CONVERSIONS: dict[str | None, Callable[[Any], Any]] = {
    "Integer": _number,
    "Decimal": _number,
    "Date": _moment,
    "DateTime": _moment,
    "Time": _moment,
    "Quantity": _quantity,
}
