"""$evaluate-measure, as those meet it who ask: what is published, what is exact, and for whom."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.measurereport import MeasureReport
from pymongo import AsyncMongoClient

from service.compiled import Compiled
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.conformance.xml import Xml
from service.fhir import json as fhir_json
from service.reporting.measures import kept
from service.reporting.measures.disclosure import FEWEST, STEP
from service.reporting.measures.results import ALL, POPULATIONS
from service.settings import Settings
from service.store.document import make_document
from service.store.driver import Driver
from service.store.erasure import Erasure
from tests.measures.known import known
from tests.measures.support import ADDRESSES, DEFINITIONS, structures
from tests.measures.traits import Drawn
from tests.measures.written import BASE, Writer
from tests.support.app import client_of
from tests.support.issuer import bearer, token_settings

Json = dict[str, Any]
PEOPLE = 70
ONE = "/Measure/recovery-orientation-audit/$evaluate-measure"
OCTOBER = {"periodStart": "2026-10-01", "periodEnd": "2026-10-31"}
REPORTS = bearer("recovery/reports.read")
ALL_OF_IT = bearer("system/*.cruds system/AuditEvent.rs", clearance="*")


class Clock:
    """A clock that goes on by a millisecond whenever somebody looks."""

    now = datetime(2026, 10, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass
class World:
    """A service that holds what was drawn, written in October 2026; now it is November."""

    client: httpx.AsyncClient
    clock: Clock
    settings: Settings
    drawn: Drawn

    async def ask(self, headers: dict[str, str], status: int = 200, path: str = ONE, **parameters: str) -> Json:
        response = await self.client.get(path, params={**OCTOBER, **parameters}, headers=headers)
        assert response.status_code == status, response.text[:2000]
        answer: Json = response.json()
        return answer

    async def refused(self, headers: dict[str, str], status: int, **parameters: str) -> str:
        (issue,) = (await self.ask(headers, status, **parameters))["issue"]
        return str(issue["diagnostics"])


@pytest.fixture(scope="module")
async def world(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    settings = Settings(
        mongodb_uri=mongodb_uri,
        mongodb_database="test_reports",
        base_url=BASE.removesuffix("/fhir/R4"),
        profiles="off",
        references="never",
        narrative="off",
        **token_settings(tmp_path_factory.mktemp("keys")),
    )
    clock, drawn = Clock(), Drawn(5, PEOPLE)
    async with client_of(settings, clock=clock) as client:
        await store(settings, clock, drawn)
        clock.now = datetime(2026, 11, 3, tzinfo=UTC)
        yield World(client, clock, settings, drawn)


async def store(settings: Settings, clock: Clock, drawn: Drawn) -> None:
    """Store what was drawn, all at once."""
    types = Compiled(DEFINITIONS, settings, clock).indexed_types
    by_type: dict[str, list[Json]] = {}
    for resource in Writer(5).resources(drawn):
        name = resource["resourceType"]
        document = make_document(resource, types[name], resource["id"], 1, clock(), "PUT")
        by_type.setdefault(name, []).append(document)
    driver = Driver("pymongo", str(settings.mongodb_uri), settings.mongodb_database)
    for name, documents in by_type.items():
        await driver.collection(name).insert_many(documents)
    await driver.close()


@cache
def validator() -> Validator:
    return Validator(DEFINITIONS, structures(), Terminology(DEFINITIONS), ADDRESSES.same_reference, "off")


def numbers(report: Json) -> dict[tuple[str, str, str, str], int | None]:
    """Return every count of a report, by stratifier, stratum, indicator and population; None where it is withheld."""
    found: dict[tuple[str, str, str, str], int | None] = {}
    for group in report["group"]:
        code = group["code"]["coding"][0]["code"]
        parts = [("", "", group)]
        for stratifier in group.get("stratifier", ()):
            name = stratifier["code"][0]["coding"][0]["code"]
            parts += [(name, each["value"]["text"], each) for each in stratifier["stratum"]]
        for name, value, part in parts:
            for population in part["population"]:
                assert ("count" in population) != ("_count" in population)
                found[name, value, code, population["code"]["coding"][0]["code"]] = population.get("count")
    return found


def exact_totals(drawn: Drawn) -> dict[tuple[str, str], int]:
    return {(each[2], POPULATIONS[each[3]]): count for each, count in known(drawn).items() if each[:2] == ALL}


async def test_what_is_published_is_rounded_and_has_no_small_counts(world: World) -> None:
    report = await world.ask(REPORTS)
    assert (report["type"], report["status"], report["period"]) == (
        "summary",
        "complete",
        {"start": "2026-10-01", "end": "2026-10-31"},
    )
    exact = exact_totals(world.drawn)
    shown = 0
    for (_, stratum, indicator, population), count in numbers(report).items():
        assert count is None or (count > 0 and count % STEP == 0)
        if not stratum:
            truth = exact.get((indicator, population), 0)
            assert count is None or (truth >= FEWEST and abs(count - truth) <= 5 * STEP)
            shown += count is not None
    assert shown > 60


async def test_shares_are_those_of_the_rounded_counts(world: World) -> None:
    report = await world.ask(REPORTS)
    for group in report["group"]:
        for part in (group, *(each for by in group["stratifier"] for each in by["stratum"])):
            _, whole, counted = (each.get("count") for each in part["population"])
            if counted is None:
                assert "measureScore" not in part
            else:
                assert part["measureScore"]["value"] == pytest.approx(100 * counted / whole, abs=0.06)
                assert part["measureScore"]["value"] <= 100


async def test_each_group_agrees_with_the_measure_and_says_which_way_is_better(world: World) -> None:
    report, measure = await world.ask(REPORTS), DEFINITIONS.of_type("Measure")[0]
    assert report["measure"] == f"{measure['url']}|{measure['version']}"
    for group, defined in zip(report["group"], measure["group"], strict=True):
        assert group["code"] == defined["code"]
        assert [each["code"] for each in group["population"]] == [each["code"] for each in defined["population"]]
        assert [each["code"] for each in group["stratifier"]] == [[each["code"]] for each in defined["stratifier"]]
        directions = [
            [each["valueCodeableConcept"] for each in part.get("extension", ()) if "improvement" in each["url"]]
            for part in (group, defined)
        ]
        assert directions[0] == directions[1]
    text = report["text"]["div"]
    assert "more is better" in text
    assert "where people disagree that is information and no failure" in text


@pytest.mark.parametrize("parameters", [{}, {"reportType": "subject-list", "indicator": "M5"}, {"subject": "who"}])
async def test_reports_are_valid(world: World, parameters: dict[str, str]) -> None:
    asked = {key: world.drawn.plans[0].person if value == "who" else value for key, value in parameters.items()}
    report = fhir_json.parse(json.dumps(await world.ask(ALL_OF_IT, **asked)).encode())
    assert list(validator().issues(report)) == []
    MeasureReport.model_validate_json(json.dumps(await world.ask(ALL_OF_IT, **asked)))


async def test_a_report_as_xml_is_the_same(world: World) -> None:
    by_xml = {**REPORTS, "Accept": "application/fhir+xml"}
    answer = await world.client.get(ONE, params=OCTOBER, headers=by_xml)
    found = Xml(structures()).read(answer.content)
    assert numbers(fhir_json.parse(fhir_json.dump(found))) == numbers(await world.ask(REPORTS))


async def test_a_figure_stays_the_same_whoever_asks_and_however_often(world: World) -> None:
    first = await world.ask(REPORTS)
    again = await world.ask(ALL_OF_IT, path="/Measure/$evaluate-measure", measure=first["measure"])
    posted = await world.client.post(
        ONE,
        json={
            "resourceType": "Parameters",
            "parameter": [{"name": name, "valueDate": day[:7]} for name, day in OCTOBER.items()],
        },
        headers=REPORTS,
    )
    await forget(world)
    anew = await world.ask(REPORTS)
    assert numbers(first) == numbers(again) == numbers(posted.json()) == numbers(anew)


async def test_a_longer_period_has_the_same_figures_for_the_same_plans(world: World) -> None:
    month, year = await world.ask(REPORTS), await world.ask(REPORTS, periodStart="2025-11")
    of_plans = [key for key in numbers(month) if key[2] in ("M1", "M2", "M7", "M10", "M18")]
    assert of_plans
    assert [numbers(month)[key] for key in of_plans] == [numbers(year)[key] for key in of_plans]


async def test_it_takes_the_scope_and_nothing_else(world: World) -> None:
    sentence = "This takes the scope recovery/reports.read"
    for headers in (bearer("openid"), bearer("system/*.rs"), bearer("user/*.rs", fhirUser="Practitioner/1")):
        assert await world.refused(headers, 403) == sentence
    await world.ask(bearer("system/Goal.r recovery/reports.read"))
    contradicting = bearer("recovery/reports.read", patient="a", fhirUser="Patient/b")
    assert await world.refused(contradicting, 403) == sentence
    assert (await world.client.get(ONE, params=OCTOBER)).status_code == 401
    assert (await world.client.get("/Goal", headers=REPORTS)).status_code == 403


async def test_lists_of_what_was_counted_are_exact(world: World) -> None:
    report = await world.ask(ALL_OF_IT, reportType="subject-list")
    exact = exact_totals(world.drawn)
    told = {(code, name): count for (by, _, code, name), count in numbers(report).items() if not by}
    assert {key: count for key, count in told.items() if count} == exact
    lists = {each["id"]: each for each in report["contained"]}
    used = set()
    for group in report["group"]:
        for population in group["population"]:
            name = population.get("subjectResults", {"reference": "#"})["reference"][1:]
            used.add(name)
            entries = lists[name]["entry"] if name else []
            references = {entry["item"]["reference"] for entry in entries}
            assert len(references) == len(entries) <= population["count"]
            if group["code"]["coding"][0]["code"] not in ("M15", "M15-legal", "M16", "M19", "M24"):
                assert len(entries) == population["count"]
    assert used - {""} == lists.keys()
    reference = lists["M1-numerator"]["entry"][0]["item"]["reference"]
    assert (await world.client.get(f"/{reference}", headers=ALL_OF_IT)).status_code == 200


async def test_lists_are_for_who_may_read_everything(world: World) -> None:
    for headers in (REPORTS, bearer("system/*.rs"), bearer("system/CarePlan.rs system/Goal.rs", clearance="*")):
        assert "cannot be limited" in await world.refused(headers, 403, reportType="subject-list")


async def test_lists_of_some_indicators_alone(world: World) -> None:
    report = await world.ask(ALL_OF_IT, reportType="subject-list", indicator="M1")
    assert {each["id"].partition("-")[0] for each in report["contained"]} == {"M1"}
    sentence = await world.refused(ALL_OF_IT, 400, reportType="subject-list", indicator="M99")
    assert sentence == "indicator: 'M99' is no indicator of this Measure"


async def test_a_person_sees_their_own_report_exactly_and_nobody_elses(world: World) -> None:
    plan = next(each for each in world.drawn.plans if each.is_active and each.goals)
    person, other = plan.person, next(each.person for each in world.drawn.plans if each.person != plan.person)
    own = bearer("patient/*.rs", patient=person.removeprefix("Patient/"), fhirUser=person)
    report = await world.ask(own, subject=person)
    plans = [each for each in world.drawn.plans if each.person == person and each.is_active]
    assert (report["type"], report["subject"]) == ("individual", {"reference": person})
    assert numbers(report)["", "", "M1", "denominator"] == len(plans)
    names = {each["reference"].partition("/_history/")[0] for each in report["evaluatedResource"]}
    assert {f"CarePlan/{each.id}" for each in plans} <= names
    assert set(numbers(await world.ask(own, subject=other)).values()) == {0}
    assert "stratifier" not in report["group"][0]


async def test_a_report_on_a_person_is_within_what_the_client_may_see(world: World) -> None:
    person = world.drawn.plans[0].person
    assert "Goal.r" in await world.refused(bearer("system/CarePlan.rs"), 403, subject=person)
    assert "CarePlan" in await world.refused(REPORTS, 403, subject=person)
    labelled = await world.ask(bearer("system/*.rs"), subject=person)
    everything = await world.ask(ALL_OF_IT, subject=person)
    assert numbers(labelled) == numbers(everything)


async def test_who_asked_is_recorded_and_what_was_disclosed(world: World) -> None:
    for parameters, is_disclosed in (({}, False), ({"subject": world.drawn.plans[0].person}, True)):
        report = await world.ask(ALL_OF_IT, **parameters)
        events = await world.client.get("/AuditEvent?_count=1", headers=ALL_OF_IT)
        event = events.json()["entry"][0]["resource"]
        assert any("tests" in json.dumps(agent) for agent in event["agent"])
        told = json.dumps(event["entity"])
        queries = [b64decode(each["query"]).decode() for each in event["entity"] if "query" in each]
        assert any("$evaluate-measure?periodStart=2026-10-01" in query for query in queries)
        counted = [each["reference"] for each in report.get("evaluatedResource", ())]
        assert bool(counted) == is_disclosed
        assert all(reference in told for reference in counted)
        assert is_disclosed or "/_history/" not in told


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"practitioner": "Practitioner/1"}, "practitioner: There is no figure by practitioner here"),
        ({"practitioner": "Practitioner/1", "subject": "Patient/1"}, "practitioner: There is no figure"),
        ({"lastReceivedOn": "2026-10-01"}, "lastReceivedOn: A report names all that was counted"),
        ({"periodStart": "2026-10-02"}, "periodStart: A period begins with the first day of a month"),
        ({"periodEnd": "2026-10-30"}, "periodEnd: A period ends with the last day of a month"),
        ({"periodEnd": "2026-11-30"}, "periodEnd: A period has 1, 3, 6 or 12 months; this one has 2"),
        ({"periodEnd": "2026-09-30"}, "periodEnd: A period has 1, 3, 6 or 12 months; this one has 0"),
        ({"periodStart": "2026-11", "periodEnd": "2026-11"}, "the last month that can be reported is 2026-10"),
        ({"periodStart": "2026-13"}, "periodStart: There is no such day in the calendar"),
        ({"periodStart": "last month"}, "periodStart: This is no date"),
        ({"reportType": "individual"}, "reportType: This is none of: subject, subject-list, population"),
        ({"reportType": "subject"}, "reportType: A report on one person names who that is"),
        ({"reportType": "population", "subject": "Patient/1"}, "subject: A report on one person has the reportType"),
        ({"subject": "Practitioner/1"}, "subject: The subject is one person"),
        ({"indicator": "M1"}, "indicator: Only a report of the reportType subject-list"),
        ({"measure": "Measure/other"}, "measure: The address names the Measure already"),
    ],
)
async def test_what_cannot_be_reported_is_refused_with_the_reason(
    world: World, parameters: dict[str, str], sentence: str
) -> None:
    assert sentence in await world.refused(ALL_OF_IT, 400, **parameters)


async def test_a_measure_that_is_not_there(world: World) -> None:
    await world.ask(ALL_OF_IT, 404, path="/Measure/other/$evaluate-measure")
    for parameters in ({}, {"measure": "Measure/other"}):
        answer = await world.ask(ALL_OF_IT, 400, path="/Measure/$evaluate-measure", **parameters)
        assert answer["issue"][0]["diagnostics"].startswith("measure: ")


async def forget(world: World) -> None:
    """Forget the counts that are kept, as an erasure does."""
    driver = Driver("pymongo", str(world.settings.mongodb_uri), world.settings.mongodb_database)
    await Erasure(driver, ["CarePlan"]).forget_counts()
    await driver.close()


async def test_a_month_is_counted_once_however_many_ask(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    times = []

    async def counting(*args: Any, **kwargs: Any) -> Any:
        times.append(1)
        return await evaluate(*args, **kwargs)

    evaluate = kept.evaluate
    monkeypatch.setattr(kept, "evaluate", counting)
    await forget(world)
    reports = await asyncio.gather(*(world.ask(REPORTS) for _ in range(4)))
    await world.ask(REPORTS)
    assert len(times) == 1
    assert all(numbers(report) == numbers(reports[0]) for report in reports)
    await forget(world)
    await world.ask(REPORTS)
    assert len(times) == 2


async def test_what_is_counted_while_somebody_is_erased_is_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def meanwhile(*args: Any, **kwargs: Any) -> Any:
        await forget(world)
        return await evaluate(*args, **kwargs)

    evaluate = kept.evaluate
    monkeypatch.setattr(kept, "evaluate", meanwhile)
    await forget(world)
    await world.ask(REPORTS)
    async with AsyncMongoClient(world.settings.mongodb_uri) as database:
        collection = database[world.settings.mongodb_database]["measures"]
        assert await collection.count_documents({}) == 0


async def test_the_past_stays_as_it_was(world: World) -> None:
    """A plan that is changed or deleted in November counts in October as it did."""
    before = numbers(await world.ask(ALL_OF_IT, reportType="subject-list"))
    gone, ended = [each for each in world.drawn.plans if each.is_active][:2]
    await world.client.delete(f"/CarePlan/{gone.id}", headers=ALL_OF_IT)
    content = (await world.client.get(f"/CarePlan/{ended.id}", headers=ALL_OF_IT)).json()
    changed = {**content, "status": "completed"}
    answer = await world.client.put(f"/CarePlan/{ended.id}", json=changed, headers=ALL_OF_IT)
    assert answer.status_code == 200
    assert numbers(await world.ask(ALL_OF_IT, reportType="subject-list")) == before
    then = world.clock.now
    world.clock.now = datetime(2026, 12, 2, tzinfo=UTC)
    november = {"periodStart": "2026-11", "periodEnd": "2026-11"}
    after = numbers(await world.ask(ALL_OF_IT, reportType="subject-list", **november))
    world.clock.now = then
    key = ("", "", "M1", "denominator")
    assert (after[key] or 0) == (before[key] or 0) - 2
