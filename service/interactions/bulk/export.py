"""What an export was asked for, as its job remembers it (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters)."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from service.fhir.outcome import Issue
from service.search.text import escape

EXPORT = "export"
"""The kind of its job."""
PERSON = "Patient"


@dataclass(frozen=True, slots=True)
class People:
    """Whose resources are wanted: everybody's where nobody is named."""

    references: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    """People who are known by a number of another system, as ``system|value``."""

    @classmethod
    def named(cls, references: list[dict[str, Any]]) -> Self:
        """Return the people whom References name; raises ValueError where one names nobody."""
        named = [(item.get("reference"), _token(item.get("identifier", {}))) for item in references]
        if not all(literal or token for literal, token in named):
            raise ValueError("This is a Reference with the reference or the identifier of a patient")
        return cls(
            tuple(dict.fromkeys(literal for literal, _ in named if literal)),
            tuple(dict.fromkeys(token for _, token in named if token)),
        )


@dataclass(frozen=True, slots=True)
class Export:
    """What an export was asked for by a client who calls this service ``base``."""

    url: str
    """The address of the kick-off request, with those of its parameters that are understood."""
    base: str
    types: tuple[str, ...]
    since: datetime | None = None
    filters: tuple[tuple[str, str], ...] = ()
    """Types, and for each a search that what is exported of it fulfils, or another one for the same type."""
    elements: str | None = None
    """The elements that are wanted, with commas between; None for whole resources."""
    people: People | None = None
    """None where it is of all that is stored, whomever it is about."""
    ignored: tuple[Issue, ...] = ()
    """What a lenient client asked for in vain."""
    is_redacted: bool = False
    """Whether the client is not cleared for every label."""

    def to_json(self) -> dict[str, Any]:
        """Return this as JSON and times."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the export that ``to_json`` was called on."""
        people = value["people"]
        parts: dict[str, Any] = {
            "types": tuple(value["types"]),
            "filters": tuple((name, query) for name, query in value["filters"]),
            "people": people and People(tuple(people["references"]), tuple(people["identifiers"])),
            "ignored": tuple(Issue(**issue) for issue in value["ignored"]),
        }
        return cls(**{**value, **parts})


def _token(identifier: dict[str, Any]) -> str | None:
    system, number = identifier.get("system"), identifier.get("value")
    return f"{escape(system)}|{escape(number)}" if system and number else None
