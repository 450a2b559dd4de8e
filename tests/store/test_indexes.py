"""The indexes that the search parameters ask for exist, are few, and serve every kind of search."""

from dataclasses import replace
from typing import Any

import pytest

from service.conformance.search_parameters import SearchParameter
from service.search.predicate import All, Member, OneOf
from service.search.source import SortKey, Source
from service.store.document import IndexedType
from service.store.explained import Explained
from service.store.indexes import BUDGET, indexes
from tests.store.conftest import OpenStore

Resource = dict[str, Any]
OURS = "https://w3id.org/recovery-plan/StructureDefinition"
OVERDUE = "next-review=lt2012"


def day(number: int) -> str:
    return f"20{number // 10 + 10}-01-0{number % 9 + 1}"


def plan(number: int) -> Resource:
    """Return a plan of which most is said of it alone; every third day of review is that of a draft."""
    period = {"start": day(number), "end": f"20{number // 10 + 10}-02-01"}
    contained = {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active", "description": {"text": "Swim"}}
    contained["subject"] = {"reference": f"Patient/{number}"}
    agreement = [
        {"url": "party", "valueReference": {"reference": f"Patient/{number}"}},
        {"url": "status", "valueCode": "agree"},
    ]
    return {
        "resourceType": "CarePlan",
        "meta": {"tag": [{"system": "http://tags.example.org", "code": f"t{number}"}]},
        "extension": [
            {"url": f"{OURS}/next-review", "valueDate": day(number)},
            {"url": f"{OURS}/agreement", "extension": agreement},
        ],
        **({"contained": [contained]} if number % 50 == 0 else {}),
        "text": {"status": "generated", "div": f"<div>walk{number} together</div>"},
        "title": f"Plan {number}",
        "status": "draft" if number % 3 == 0 else "active",
        "intent": "order" if number == 7 else "plan",
        "subject": {"reference": f"Patient/{number // 4}"},
        "author": {"reference": f"Organization/{number % 20}"},
        "contributor": [{"reference": f"Practitioner/{number}"}],
        "period": period,
        "activity": [
            {"detail": {"status": "scheduled", "scheduledPeriod": period}},
            {"detail": {"status": "scheduled", "scheduledTiming": {"event": [day(number)]}}},
        ],
    }


def goal(number: int) -> Resource:
    quantity = {"value": number, "system": "http://unitsofmeasure.org", "code": "km" if number % 2 else "m"}
    steps = {"value": number, "system": "http://units.example.org", "code": "step"}
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "planned" if number % 3 == 0 else "active",
        "description": {"text": f"Goal {number}"},
        "subject": {"reference": f"Patient/{number // 4}"},
        "startDate": day(number),
        "target": [
            {"measure": {"text": "walk"}, "detailQuantity": quantity, "dueDate": day(number)},
            {"measure": {"text": "walk"}, "detailQuantity": steps},
        ],
    }


def assessment(number: int) -> Resource:
    return {
        "resourceType": "RiskAssessment",
        "status": "final",
        "subject": {"reference": f"Patient/{number // 4}"},
        "occurrenceDateTime": f"{day(number)}T10:00:00Z",
        "prediction": [{"probabilityDecimal": number / 1000}],
    }


@pytest.fixture
async def filled(opened: OpenStore) -> OpenStore:
    for make in (plan, goal, assessment):
        for number in range(300):
            resource = make(number)
            await opened.store.insert(resource["resourceType"], f"{number:03}", resource, "POST")
            opened.clock.move(minutes=1)
    return opened


async def explained(opened: OpenStore, resource_type: str, query: str) -> tuple[list[Explained], int]:
    """Return what the database did for the first page of a search, and how many it had to find."""
    given = [(name, value) for name, _, value in (item.partition("=") for item in query.split("&"))]
    asked = opened.parser.parse(given, [resource_type])
    store = opened.store.explaining()
    page = await store.search(asked.sources, asked.count)
    return store.explained, len(page.matches) + (page.after is not None)


def test_the_indexes_of_each_type_keep_to_the_budget(indexed_types: dict[str, IndexedType]) -> None:
    assert max(len(indexed.indexes) for indexed in indexed_types.values()) <= BUDGET


def test_more_indexes_than_the_budget_are_refused_at_start(parameters: dict[str, dict[str, SearchParameter]]) -> None:
    status = parameters["CarePlan"]["status"]
    many = [replace(status, code=f"status-{number}") for number in range(BUDGET)]
    with pytest.raises(ValueError, match=f"45 indexes are needed, and the budget is {BUDGET}"):
        indexes(many, [])


async def test_the_indexes_in_the_database_are_those_that_were_asked_for(
    opened: OpenStore, indexed_types: dict[str, IndexedType]
) -> None:
    for name, indexed in indexed_types.items():
        wanted = {index.model.document["name"] for index in indexed.indexes}
        assert set(await opened.database[name].index_information()) == wanted | {"_id_"}


SERVED = [
    ("CarePlan", "patient=Patient/7", "search.patient _id"),
    ("CarePlan", "subject=7", "search.subject _id"),
    ("CarePlan", "status=draft", "search.status _id"),
    ("CarePlan", "status=draft,revoked", "search.status _id"),
    ("CarePlan", "intent=order", "search.intent _id"),
    ("CarePlan", "encounter:missing=false", "search.encounter _id"),
    ("CarePlan", "stipulation-review-by:missing=false", "order.stipulation-review-by.least _id"),
    ("CarePlan", "contributor=Practitioner/7", "words _id"),
    ("CarePlan", "contributor=Practitioner/7,Practitioner/8", "words _id"),
    ("CarePlan", "activity-code:missing=false", "words _id"),
    ("CarePlan", "_tag=http://tags.example.org|t7", "words _id"),
    ("CarePlan", "_tag:text=x", "words _id"),
    ("CarePlan", "_text=walk7", "terms"),
    ("CarePlan", "_content=walk8", "terms"),
    ("CarePlan", "next-review=2015-01-02", "search.next-review.lo _id search.next-review.hi"),
    ("CarePlan", "activity-date=2015-01-01", "search.activity-date.lo search.activity-date.hi"),
    ("CarePlan", "activity-date=gt2038-12-01", "order.activity-date.last _id"),
    ("CarePlan", "_lastUpdated=gt2026-11-01T14:20:00Z", "search._lastUpdated.hi _id search._lastUpdated.lo"),
    (
        "CarePlan",
        "agreement=Patient/7$agree",
        "search.agreement.search.agreement-party search.agreement.search.agreement-status _id",
    ),
    ("CarePlan", "_sort=date", "search.date.lo _id search.date.hi"),
    ("CarePlan", "_sort=-date", "search.date.lo _id search.date.hi"),
    ("CarePlan", "_sort=_lastUpdated", "search._lastUpdated.lo _id search._lastUpdated.hi"),
    ("CarePlan", "_sort=-_lastUpdated", "search._lastUpdated.lo _id search._lastUpdated.hi"),
    ("CarePlan", "_sort=-activity-date", "order.activity-date.most _id"),
    ("CarePlan", "patient=Patient/7&status=active", "search.patient search.status _id"),
    ("CarePlan", "patient=Patient/7&date=2011", "search.patient search.date.lo _id search.date.hi"),
    ("CarePlan", "patient=Patient/7&_sort=-date", "search.patient search.date.lo _id search.date.hi"),
    ("CarePlan", "status=active&date=lt2012", "search.status search.date.lo _id search.date.hi"),
    ("CarePlan", "status=active&_sort=-date", "search.status search.date.lo _id search.date.hi"),
    ("CarePlan", f"status=active&{OVERDUE}", "search.status search.next-review.lo _id search.next-review.hi"),
    (
        "CarePlan",
        f"status=active&{OVERDUE}&_sort=next-review",
        "search.status search.next-review.lo _id search.next-review.hi",
    ),
    (
        "CarePlan",
        f"custodian=Organization/3&status=active&{OVERDUE}",
        "search.custodian search.status search.next-review.lo _id search.next-review.hi",
    ),
    ("Goal", "patient=Patient/7&lifecycle-status=active", "search.patient search.lifecycle-status _id"),
    (
        "Goal",
        "lifecycle-status=active&start-date=lt2012",
        "search.lifecycle-status search.start-date.lo _id search.start-date.hi",
    ),
    (
        "Goal",
        "lifecycle-status=active&target-date=lt2012",
        "search.lifecycle-status order.target-date.least _id",
    ),
    ("Goal", "lifecycle-status=active&_sort=target-date", "search.lifecycle-status order.target-date.least _id"),
    ("Goal", "target-value=gt295", "search.target-value.hi search.target-value.lo"),
    (
        "Goal",
        "target-value=gt295|http://unitsofmeasure.org|km",
        "search.target-value.canonical.unit search.target-value.canonical.hi search.target-value.canonical.lo",
    ),
    ("RiskAssessment", "probability=0.105", "search.probability.lo search.probability.hi"),
    ("RiskAssessment", "_sort=-probability", "order.probability.most _id"),
    ("RiskAssessment", "patient=Patient/7&_sort=-date", "search.patient search.date.lo _id search.date.hi"),
]


async def test_every_kind_of_search_is_served_by_its_index(filled: OpenStore) -> None:
    """Each is answered by the index that is there for it, and reads little more than what it finds."""
    for resource_type, query, index in SERVED:
        commands, found = await explained(filled, resource_type, query)
        told = (query, commands)
        assert index in [name.partition(" having ")[0] for name in commands[0].indexes], told
        assert not any(command.collection_scan for command in commands), told
        assert sum(command.documents_examined or 0 for command in commands) <= max(3 * found, 3), told


async def test_every_prefix_of_a_date_or_number_is_served_by_an_index(filled: OpenStore) -> None:
    for name, early, late in (
        ("CarePlan?next-review", "2010-01-02", "2039-01-08"),
        ("CarePlan?date", "2010-01-02", "2039-01-08"),
        ("CarePlan?activity-date", "2010-01-02", "2039-01-08"),
        ("RiskAssessment?probability", "0.002", "0.297"),
    ):
        resource_type, _, code = name.partition("?")
        for prefix in ("eq", "gt", "lt", "ge", "le", "sa", "eb"):
            value = early if prefix in ("lt", "le", "eb") else late
            commands, _ = await explained(filled, resource_type, f"{code}={prefix}{value}")
            assert all(f".{code}." in index for command in commands for index in command.indexes), commands
            assert not any(command.collection_scan for command in commands), commands


async def test_what_is_contained_is_found_by_its_index(filled: OpenStore) -> None:
    store = filled.store.explaining()
    for part in (OneOf("words", ("description:text=swim",)), OneOf("search.lifecycle-status", ("active",))):
        contained = Member("contained", All((OneOf("type", ("Goal",)), part)))
        page = await store.search([Source("CarePlan", contained, (SortKey("_id"),))], 20)
        assert len(page.matches) == 6
    for command in store.explained:
        assert command.indexes == ("contained.type contained.words _id having contained",)
        assert command.documents_examined == 6


def named(parameters: dict[str, dict[str, SearchParameter]], combination: str) -> list[str]:
    """Return the keys of the indexes of one combination of CarePlan."""
    alone = set(indexes(parameters["CarePlan"].values(), []))
    together = indexes(parameters["CarePlan"].values(), [tuple(combination.split())])
    return [" ".join(index.keys) for index in together if index not in alone]


def test_a_combination_ends_with_what_a_list_can_hold(parameters: dict[str, dict[str, SearchParameter]]) -> None:
    assert named(parameters, "status patient") == ["search.status search.patient _id"]
    assert named(parameters, "status date") == ["search.status search.date.lo _id search.date.hi"]
    assert named(parameters, "status category") == ["search.status words _id"]
    assert named(parameters, "status activity-date") == [
        "search.status search.activity-date.lo _id search.activity-date.hi",
        "search.status order.activity-date.least _id",
    ]
    for wrong in ("date status", "category status", "status category date"):
        with pytest.raises(ValueError, match="Only the last of"):
            named(parameters, wrong)
