"""Resources that stand in different places of an order, and the order worked out one key at a time."""

from collections.abc import Sequence
from typing import Any

from service.search.predicate import All, LinkedTo, OneOf, Predicate
from service.search.source import SortKey, Source

Resource = dict[str, Any]

EVERYTHING = All()
ID, STATUS, DATE = SortKey("_id"), SortKey("search.status"), SortKey("search.date.lo")
ACTIVE = OneOf("search.status", ("active",))
CHANGED = SortKey("search._lastUpdated.lo")
WITH_GOAL = LinkedTo("words", "goal=", "Goal", All())


def plan(number: int) -> Resource:
    """Return a plan like some others: of three statuses, on eight days or none, with a goal or without."""
    dated = {"period": {"start": f"2026-01-0{number % 8 + 1}", "end": f"2026-0{number % 3 + 2}-01"}}
    return {
        "resourceType": "CarePlan",
        "status": ("draft", "active", "completed")[number % 3],
        "intent": "plan",
        "subject": {"reference": f"Patient/{number % 2}"},
        **(dated if number % 4 else {}),
        **({"goal": [{"reference": f"Goal/{number:02}"}]} if number % 5 else {}),
    }


def goal(number: int) -> Resource:
    return {"resourceType": "Goal", "lifecycleStatus": "active", "subject": {"reference": f"Patient/{number % 2}"}}


def assessment(number: int) -> Resource:
    dated = {"occurrenceDateTime": f"2026-01-0{number % 8 + 1}"} if number % 3 else {}
    subject = {"reference": f"Patient/{number % 2}"}
    return {"resourceType": "RiskAssessment", "status": "final", "subject": subject, **dated}


def source(resource_type: str, *sort: SortKey, predicate: Predicate = EVERYTHING) -> Source:
    return Source(resource_type, predicate, (*sort, ID))


def down(key: SortKey) -> SortKey:
    return SortKey(key.field, descending=True)


def expected_order(sort: Sequence[SortKey], documents: list[dict[str, Any]]) -> list[str]:
    """Return ids in the order of ``sort``, worked out one key at a time."""

    def value(document: dict[str, Any], key: SortKey) -> Any:
        for name in key.field.split("."):
            document = document.get(name, {})
        return None if document == {} else document

    found = sorted(documents, key=lambda each: each["_id"])
    for key in reversed(sort):
        there = [each for each in found if value(each, key) is not None]
        there.sort(key=lambda each, key=key: value(each, key), reverse=key.descending)
        found = there + [each for each in found if value(each, key) is None]
    return [each["_id"] for each in found]
