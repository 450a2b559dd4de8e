"""The operations of a FHIRPath Patch as its Parameters resource lists them (https://hl7.org/fhir/R4/fhirpatch.html)."""

from dataclasses import dataclass
from typing import Any, cast

from service.fhir.outcome import Issue, OutcomeError, shown
from service.patch.values import Given, Values

_PARTS = {
    "type": ("valueCode",),
    "path": ("valueString",),
    "name": ("valueString",),
    "value": (),
    "index": ("valueInteger", "valueUnsignedInt", "valuePositiveInt"),
    "source": ("valueInteger", "valueUnsignedInt", "valuePositiveInt"),
    "destination": ("valueInteger", "valueUnsignedInt", "valuePositiveInt"),
}
"""What an operation can have, and what each is given as; a value as any type."""
_NEEDED = {
    "add": ("name", "value"),
    "insert": ("value", "index"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}
"""The types of operations, and what each has beside its path."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; what its type does not need is empty."""

    number: int
    """Counted from 1."""
    type: str
    path: str
    name: str
    value: Given
    index: int
    source: int
    destination: int

    @property
    def place(self) -> str:
        """Where it stands in the Parameters."""
        return _place(self.number)


def read_operations(parameters: dict[str, Any], values: Values) -> list[Operation]:
    """Return the operations in a valid Parameters resource; raises OutcomeError 400 where it lists anything else."""
    return [_read(number, item, values) for number, item in enumerate(parameters.get("parameter", ()), 1)]


def _read(number: int, parameter: dict[str, Any], values: Values) -> Operation:
    if parameter.get("name") != "operation":
        raise _malformed(number, "Each parameter of a FHIRPath Patch is called operation")
    given: dict[str, Any] = {}
    for part in parameter.get("part", ()):
        name = part.get("name", "")
        if name not in _PARTS:
            raise _malformed(number, f"It has the part {shown(name)!a}, and can have: {', '.join(_PARTS)}")
        if name in given:
            raise _malformed(number, f"The part {name} is given twice")
        given[name] = values.given(part) if name == "value" else _plain(number, name, part)
    kind = given.get("type")
    if kind not in _NEEDED:
        raise _malformed(number, f"Its type is one of: {', '.join(_NEEDED)}")
    missing = [name for name in ("path", *_NEEDED[kind]) if name not in given]
    surplus = [name for name in given if name not in ("type", "path", *_NEEDED[kind])]
    if missing or surplus:
        sentence = f"{kind} needs the part {missing[0]}" if missing else f"{kind} has no part {surplus[0]}"
        raise _malformed(number, sentence)
    positions = [cast(int, given.get(name, 0)) for name in ("index", "source", "destination")]
    if min(positions) < 0:
        raise _malformed(number, "Positions are counted from 0")
    return Operation(number, kind, given["path"], given.get("name", ""), given.get("value", Given(None)), *positions)


def _plain(number: int, name: str, part: dict[str, Any]) -> Any:
    for key in _PARTS[name]:
        if key in part:
            return part[key]
    raise _malformed(number, f"The part {name} is given as {_PARTS[name][0]}")


def _place(number: int) -> str:
    return f"Parameters.parameter[{number - 1}]"


def _malformed(number: int, sentence: str) -> OutcomeError:
    return OutcomeError(Issue("patch-format", f"Operation {number} of the patch: {sentence}", _place(number)))
