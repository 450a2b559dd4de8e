"""AuditEvents as a table for whoever asks who saw a record: when, who, from where, what, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.fhir.reference import parse_reference
from service.narrative.dates import Dates
from service.narrative.wording import WORDS

Json = dict[str, Any]

_DONE = {"1": "created", "6": "read", "3": "changed", "14": "deleted", "15": "erased"}
"""By the code of ``AuditEvent.entity.lifecycle``."""


_FEW = 3
"""Versions that are told at once where no resource was asked for; the others are told of who wants to know."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event, in words."""

    when: str
    who: str
    application: str
    role: str
    address: str
    outcome: str
    """Why it was refused or failed; empty where it was not."""
    did: list[str]
    """What was done to what was asked about, or if nothing was asked for, to anything."""
    more: list[str]
    """What was done to other records by the same request."""
    purposes: list[str]


class AuditPage:
    """Says events in words; ``about`` are the resources (``Type/id``) that were asked for, none where all were."""

    def __init__(self, about: Sequence[str]) -> None:
        self._about = frozenset(about)
        self._dates = Dates(WORDS)

    def row(self, event: Json) -> Row:
        """Return the row of one event."""
        agents = event["agent"]
        application = next((each for each in agents if "network" in each), agents[0])
        user = next((each for each in agents if each["requestor"] and each is not application), None)
        told = [(*_version(each["what"]["reference"]), each) for each in event.get("entity", ()) if "lifecycle" in each]
        asked = [item for item in told if item[0] in self._about] if self._about else told[:_FEW]
        others = [item for item in told if item not in asked]
        return Row(
            when=self._dates.say(event["recorded"]).replace(" UTC", ""),
            who=_name(user["who"]) if user else WORDS["audit-nobody"],
            application=_name(application["who"]),
            role=_role(user["who"].get("reference"), _people(event)) if user else _role_without_user(application),
            address=application.get("network", {}).get("address", ""),
            outcome="" if event["outcome"] == "0" else event["outcomeDesc"],
            did=list(_did(asked, event)) or [_nothing(event, bool(told))],
            more=[_sentence(*item) for item in others],
            purposes=[_purpose(each) for each in event.get("purposeOfEvent", ())],
        )


def audit_title(about: Sequence[str]) -> str:
    """Return the title of a page on those resources (``Type/id``), or on everything."""
    if not about:
        return WORDS["audit-title"]
    names = ", ".join(about)
    if names.startswith("Patient/"):
        return WORDS["audit-title-person"].format(names)
    return WORDS["audit-title-plan"] if is_plan(about) else WORDS["audit-title-of"].format(names)


def is_plan(about: Sequence[str]) -> bool:
    """Return whether a page is on one plan."""
    return len(about) == 1 and about[0].startswith("CarePlan/")


def audit_caption(number: int, total: int | None) -> str:
    """Return how many events there are: on the page, or in all where it shows all."""
    if total == number:
        return WORDS["audit-one-in-all"] if number == 1 else WORDS["audit-caption-all"].format(number)
    return WORDS["audit-one"] if number == 1 else WORDS["audit-caption"].format(number)


def _did(versions: Sequence[tuple[str, str, Json]], event: Json) -> Iterator[str]:
    code = event.get("subtype", [{}])[0].get("code", "")
    way = WORDS.get(f"audit-how.{code}")
    how = f" ({way})" if way else ""
    for item in versions:
        yield _sentence(*item) + how


def _sentence(name: str, number: str, entity: Json) -> str:
    return WORDS[f"audit-did.{_DONE[entity['lifecycle']['code']]}"].format(name, number)


def _nothing(event: Json, has_others: bool) -> str:
    if event["outcome"] != "0":
        names = [each["what"]["reference"] for each in event.get("entity", ()) if _is_in_vain(each)]
        return WORDS["audit-refused-of"].format(", ".join(names)) if names else WORDS["audit-refused"]
    return WORDS["audit-others-only"] if has_others else WORDS["audit-nothing"]


def _is_in_vain(entity: Json) -> bool:
    """Return whether an entity is a resource that was asked for, and not given."""
    return entity.get("role", {}).get("code") == "4" and "lifecycle" not in entity and "reference" in entity["what"]


def _version(reference: str) -> tuple[str, str]:
    name, _, number = reference.partition("/_history/")
    return name, number


def _people(event: Json) -> set[str]:
    return {each["what"]["reference"] for each in event.get("entity", ()) if each.get("role", {}).get("code") == "1"}


def _name(who: Mapping[str, Any]) -> str:
    return str(who.get("display") or who.get("reference") or who.get("identifier", {}).get("value", ""))


def _role(reference: str | None, people: set[str]) -> str:
    literal = parse_reference(reference) if reference else None
    if literal is None:
        return WORDS["audit-role.unknown"]
    if literal.type == "Patient":
        return WORDS["audit-role.self" if people == {reference} else "audit-role.Patient"]
    return WORDS.get(f"audit-role.{literal.type}", literal.type)


def _role_without_user(application: Json) -> str:
    return WORDS["audit-role.application" if "identifier" in application["who"] else "audit-role.anybody"]


def _purpose(concept: Json) -> str:
    coding = concept.get("coding", [{}])[0]
    return str(coding.get("display") or concept.get("text", ""))
