"""The indexes that the search parameters ask for exist, are few, and are used."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from service.conformance.search_parameters import SearchParameter
from service.store.filter import both, to_filter
from service.store.indexes import BUDGET, index_models
from service.store.pages import segments
from tests.store.conftest import OpenStore

NEXT_REVIEW = "https://w3id.org/recovery-plan/StructureDefinition/next-review"


def stages(plan: Any) -> Iterator[dict[str, Any]]:
    """Yield every stage of a winning plan."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan
        for part in plan.values():
            yield from stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from stages(part)


async def fill(opened: OpenStore) -> None:
    for number in range(200):
        period = {"start": f"20{number // 10 + 10}-01-01", "end": f"20{number // 10 + 10}-02-01"}
        resource = {
            "resourceType": "CarePlan",
            "meta": {"tag": [{"system": "http://tags.example.org", "code": f"t{number}"}]},
            "extension": [{"url": NEXT_REVIEW, "valueDate": f"20{number // 10 + 10}-01-0{number % 9 + 1}"}],
            "status": "draft" if number == 7 else "active",
            "intent": "plan",
            "subject": {"reference": f"Patient/{number}"},
            "contributor": [{"reference": f"Practitioner/{number}"}],
            "period": period,
            "activity": [
                {"detail": {"status": "scheduled", "scheduledPeriod": period}},
                {"detail": {"status": "scheduled", "scheduledTiming": {"event": [f"20{number // 10 + 10}-01-01"]}}},
            ],
        }
        await opened.store.insert("CarePlan", f"{number:03}", resource, "POST")


async def indexes_used(opened: OpenStore, **parameters: str) -> set[str]:
    asked = opened.asked("CarePlan", **parameters)
    (segment, *_) = segments(asked.sort)
    query = both({"deleted": False}, to_filter(asked.predicate), segment.filter)
    explained = await opened.database.command(
        "explain", {"find": "CarePlan", "filter": query, "sort": segment.sort, "limit": 21}
    )
    winning = list(stages(explained["queryPlanner"]["winningPlan"]))
    assert not [stage for stage in winning if stage["stage"] == "COLLSCAN"], (query, winning)
    return {stage["indexName"] for stage in winning if stage["stage"] == "IXSCAN"}


def test_the_indexes_of_each_type_keep_to_the_budget(
    parameters: dict[str, dict[str, SearchParameter]],
) -> None:
    for its_parameters in parameters.values():
        assert len(index_models(its_parameters.values())) <= BUDGET


def test_more_indexes_than_the_budget_are_refused_at_start(
    parameters: dict[str, dict[str, SearchParameter]],
) -> None:
    status = parameters["CarePlan"]["status"]
    many = [replace(status, code=f"status-{number}") for number in range(BUDGET)]
    with pytest.raises(ValueError, match=f"{BUDGET + 1} indexes are needed, and the budget is {BUDGET}"):
        index_models(many)


async def test_the_indexes_in_the_database_are_those_that_were_asked_for(opened: OpenStore) -> None:
    for name, its_parameters in opened.parameters.items():
        wanted = {model.document["name"] for model in index_models(its_parameters.values())}
        assert set(await opened.database[name].index_information()) == wanted | {"_id_"}


async def test_every_plain_search_uses_the_index_of_its_parameter(opened: OpenStore) -> None:
    await fill(opened)
    asked = {
        "patient": ("Patient/7", "search.patient"),
        "subject": ("7", "search.subject"),
        "status": ("draft", "search.status"),
        "contributor": ("Practitioner/7", "words"),
        "_tag": ("http://tags.example.org|t7", "words"),
        "next_review": ("2015-01-02", "search.next-review"),
        "date": ("2015-01", "search.date"),
        "activity_date": ("2015-01-01", "search.activity-date"),
        "_lastUpdated": ("2019", "search._lastUpdated"),
    }
    for name, (value, field) in asked.items():
        (used,) = await indexes_used(opened, **{name: value}, _sort="_id")
        assert used.startswith((f"{field}_1", f"{field}.")), (name, used)


async def test_every_prefix_of_a_date_can_use_an_index(opened: OpenStore) -> None:
    await fill(opened)
    for prefix in ("eq", "gt", "lt", "ge", "le", "sa", "eb"):
        for name in ("next_review", "date", "activity_date"):
            end = "2009-06-01" if prefix in ("lt", "le", "eb") else "2029-06-01"
            found = await indexes_used(opened, **{name: f"{prefix}{end}"})
            assert any(name.replace("_", "-") in index for index in found), (prefix, name, found)
