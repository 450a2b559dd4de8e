"""What people write in their own record: a note, an agreement, a disagreement (https://hl7.org/fhir/R4/datatypes.html#Annotation).

It is added after what is there. Whose record it is says its subject, and that is whose words and consent may be added.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from service.conformance.definitions import CANONICAL
from service.fhir import json
from service.fhir.outcome import Issue, OutcomeError, shown
from service.interactions.context import Context

Json = dict[str, Any]
IsContribution = Callable[[Json], bool]

_MAY = "This client adds a note, an agreement or a disagreement of the person, after what is there"
_OF_THE_SERVER = ("versionId", "lastUpdated")
_SPOKEN = ("agree", "disagree")
_FOR_OTHERS_TO_MEND = {"rg-7"}
"""The invariants that a disagreement breaks: that it is recorded must not wait until others have acted on it."""


class _Agreement(NamedTuple):
    """The extension by which somebody agrees or disagrees, and its part that says who."""

    url: str
    party: str


_OF_A_PLAN = _Agreement(f"{CANONICAL}/StructureDefinition/agreement", "party")
_OF_A_GOAL = _Agreement("http://hl7.org/fhir/StructureDefinition/goal-acceptance", "individual")
_AGREEMENTS = {"CarePlan": _OF_A_PLAN, "Goal": _OF_A_GOAL, "RiskAssessment": _OF_A_PLAN}


def refuse_new_resource(context: Context) -> None:
    """Raise OutcomeError 403 where the client may do no more than contribute to what is there."""
    if context.access.writes_contributions_only:
        raise OutcomeError(Issue("forbidden", f"{_MAY}, and stores nothing else"))


def as_told_to_contributors(issues: list[Issue], context: Context) -> list[Issue]:
    """Return ``issues``, of which some only warn a client that may do no more than contribute."""
    if not context.access.writes_contributions_only:
        return issues
    return [replace(issue, severity="warning") if issue.rule in _FOR_OTHERS_TO_MEND else issue for issue in issues]


def check_contribution(before: Json, after: Json, context: Context, *, is_patch: bool = False) -> None:
    """Raise OutcomeError 403, naming what differs, unless ``after`` is ``before`` with contributions of its subject.

    A narrative of the service follows by itself. A patch leaves out one that says no more than the data, as it does
    for every client.
    """
    wrong = list(dict.fromkeys(_differences(before, after, context, is_patch)))
    if wrong:
        raise OutcomeError(*(Issue("forbidden", f"{_MAY}; this differs in something else", place) for place in wrong))


def signed(before: Json, after: Json) -> Json:
    """Return ``after`` with its subject as the author of each note that was added and names none."""
    notes, known = after.get("note", []), len(before.get("note", []))
    if len(notes) == known:
        return after
    own = {"authorReference": after["subject"]}
    added = [note if any(key.startswith("author") for key in note) else own | note for note in notes[known:]]
    return {**after, "note": [*notes[:known], *added]}


def _differences(before: Json, after: Json, context: Context, is_patch: bool) -> Iterator[str]:
    resource_type = before["resourceType"]
    adding = _contributions(before, context)
    for key in dict.fromkeys((*before, *after)):
        place = _place(resource_type, key, context)
        old, new = before.get(key), after.get(key)
        if key == "meta":
            yield from _in_meta(old or {}, new or {}, place)
        elif key == "text":
            if not _is_same_narrative(before, after, context, is_patch):
                yield place
        elif key in adding:
            yield from _in_list(old or [], new or [], place, adding[key])
        elif not _is_same(old, new):
            yield place


def _contributions(resource: Json, context: Context) -> dict[str, IsContribution]:
    """Return by element what may be added to it."""
    subject = resource.get("subject", {})
    agreement = _AGREEMENTS.get(resource["resourceType"])
    if agreement is None:
        return {}

    def is_subject(reference: Json) -> bool:
        """Return whether a reference leads to the subject, and calls it by no other name."""
        others = {key: value for key, value in reference.items() if key not in ("reference", "type")}
        return context.related.is_same(reference, subject) and others.items() <= subject.items()

    def is_own_note(item: Json) -> bool:
        authors = [key for key in item if key.removeprefix("_").startswith("author")]
        return not authors or (authors == ["authorReference"] and is_subject(item["authorReference"]))

    def is_own_agreement(item: Json) -> bool:
        parts = [(part.get("url"), part) for part in item.get("extension", ())]
        parties = [part.get("valueReference", {}) for url, part in parts if url == agreement.party]
        said = [part.get("valueCode") for url, part in parts if url == "status"]
        is_own = len(parties) == 1 and is_subject(parties[0])
        return item.get("url") == agreement.url and is_own and len(said) == 1 and said[0] in _SPOKEN

    return {"note": is_own_note, "extension": is_own_agreement}


def _in_list(old: list[Any], new: list[Any], place: str, is_contribution: IsContribution) -> Iterator[str]:
    for number in range(max(len(old), len(new))):
        is_right = (
            number < len(new) and (_is_same(old[number], new[number]))
            if number < len(old)
            else is_contribution(new[number])
        )
        if not is_right:
            yield f"{place}[{number}]"


def _in_meta(old: Json, new: Json, place: str) -> Iterator[str]:
    for key in dict.fromkeys((*old, *new)):
        if key not in _OF_THE_SERVER and not _is_same(old.get(key), new.get(key)):
            yield f"{place}.{shown(key).removeprefix('_')}"


def _is_same_narrative(before: Json, after: Json, context: Context, is_patch: bool) -> bool:
    old, new = (None if context.narratives.wrote_text_of(each) else each.get("text") for each in (before, after))
    may_go = is_patch and new is None and old is not None and old.get("status") != "additional"
    return may_go or _is_same(old, new)


def _is_same(old: Any, new: Any) -> bool:
    """Return whether two values are written with the same members and the same digits."""
    return json.dump_sorted({"": old}) == json.dump_sorted({"": new})


def _place(resource_type: str, key: str, context: Context) -> str:
    element = context.structures.of_type(resource_type).elements.get(key.removeprefix("_"))
    return element.path.removesuffix("[x]") if element else f"{resource_type}.{shown(key)}"
