"""Criteria hold for what a search with the same parameters finds: each case of the tables that can be one."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from service.compiled import Compiled
from service.conformance.definitions import Definitions
from service.fhir import json
from service.fhir.outcome import OutcomeError
from service.fhir.versions import R4
from service.interactions.subscription.criteria import Criteria, read_criteria
from service.search.memory import holds
from service.settings import Settings
from tests.search.cases import CASES, EARLIER, NAMES, RESOURCES, STORED, entries_of
from tests.subscriptions.asking import ended, person, subscribed, subscription
from tests.subscriptions.receiver import Receiver

Document = dict[str, Any]
UNCERTAIN = ("_lastUpdated",)
"""What the tables say of it depends on when the resources are stored."""


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    base = NAMES["base"].removesuffix("/fhir/R4")
    return Compiled(Definitions(R4), Settings(base_url=base), lambda: datetime.now(UTC))


@pytest.fixture(scope="module")
def documents(compiled: Compiled) -> dict[str, Document]:
    """The documents of the resources of the tables, as they are now."""
    found: dict[str, Document] = {}
    for file in [EARLIER, *(file for file in RESOURCES if file != EARLIER)]:
        for name, entry in zip(entries_of(file), json.parse(file.read_bytes())["entry"], strict=True):
            resource_type, _, resource_id = name.partition("/")
            meta = {**entry["resource"].get("meta", {}), "versionId": "1", "lastUpdated": "2026-11-22T09:30:00.000Z"}
            resource = {**entry["resource"], "id": resource_id, "meta": meta}
            found[name] = {"_id": resource_id, **compiled.indexed_types[resource_type].indexer(resource)}
    return {name: found[name] for name in STORED}


def test_criteria_hold_for_what_the_search_finds(compiled: Compiled, documents: dict[str, Document]) -> None:
    parser, types = compiled.accesses._parser, Definitions(R4).stored_types
    tried: Counter[str] = Counter()
    for case in CASES:
        if case.status is not None or case.survives or case.body is not None or case.prefer is not None:
            continue
        if any(name in case.query for name in UNCERTAIN):
            continue
        criteria: Criteria | None = None
        try:
            criteria = read_criteria(case.address, NAMES["base"], parser, types)
        except OutcomeError:
            continue  # it says how the answer is to look, or asks other resources
        found = [
            name
            for name, document in documents.items()
            if name.startswith(f"{criteria.type}/") and holds(criteria.predicate, document)
        ]
        assert sorted(found) == sorted(case.expected), (case.query, case.why)
        tried[case.theme] += 1
    kinds = {"token", "date", "reference", "quantity", "number", "uri", "composite", "filter", "modifier"}
    assert kinds <= tried.keys()
    assert tried.total() > 300, tried


E2E = (
    "Goal?category=hope,identity",
    "Goal?target-date=ge2026-01-01",
    "Goal?lifecycle-status:not=active",
    "Goal?description:missing=false",
    "CarePlan?category=recovery-plan",
    "CarePlan?_text=sleep",
    "CarePlan?person-agreement=agree",
    "CarePlan?next-review=gt2020",
    "RiskAssessment?probability=gt0.1",
    "RiskAssessment?decision:missing=false",
    "Provenance?agent-type=author",
    "Provenance?",
)


async def test_what_is_written_is_delivered_where_a_search_finds_it(client: httpx.AsyncClient, one: Receiver) -> None:
    asked = [await subscribed(client, subscription(one, query)) for query in E2E]
    tag = {"system": "http://tags.example.org/criteria", "code": person()}
    for file in (each for each in RESOURCES if each != EARLIER):
        bundle = orjson.loads(file.read_bytes())
        for entry in bundle["entry"]:
            entry["resource"]["meta"] = {**entry["resource"].get("meta", {}), "tag": [tag]}
        assert (await client.post("", json=bundle)).status_code == 200
    expected: dict[str, set[str]] = {}
    for each in asked:
        whole = await client.get(f"/{each['criteria']}&_tag={tag['code']}&_count=1000".replace("?&", "?"))
        expected[each["id"]] = {entry["resource"]["id"] for entry in whole.json().get("entry", [])}
    assert all(expected.values())

    def arrived(receiver: Receiver) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for got in receiver.received:
            if got.kind == "event":
                found.setdefault(got.headers["recovery-subscription"], set()).add(got.resource["id"])
        return found

    await one.until(lambda each: all(arrived(each).get(name, set()) >= ids for name, ids in expected.items()))
    assert arrived(one) == expected
    numbers: dict[str, list[int]] = {}
    for got in one.received:
        if got.kind == "event":
            numbers.setdefault(got.headers["recovery-subscription"], []).append(got.number)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    await ended(client, *asked)
