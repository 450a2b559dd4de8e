"""$everything: a plan, or all that is stored about a person, with what belongs to it."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.resources import Json, care_plan, created, goal, problems, risk_assessment

PERTAINS = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"


def refer(resource: Json) -> Json:
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def names(answer: httpx.Response) -> list[str]:
    """Return ``Type/id`` of each entry, having seen that nothing comes twice and all is addressed rightly."""
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert bundle["type"] == "searchset"
    entries = bundle.get("entry", [])
    found = [f"{item['resource']['resourceType']}/{item['resource']['id']}" for item in entries]
    assert len(set(found)) == len(found)
    assert [item["fullUrl"] for item in entries] == [f"http://testserver/fhir/R4/{name}" for name in found]
    return found


def name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def link(answer: httpx.Response, relation: str) -> str | None:
    return next((item["url"] for item in answer.json()["link"] if item["relation"] == relation), None)


def provenance(*targets: Json) -> Json:
    return {
        "resourceType": "Provenance",
        "target": [refer(each) for each in targets],
        "recorded": "2026-11-22T09:30:00Z",
        "agent": [{"who": {"display": "Robin Rowan"}}],
    }


@dataclass
class World:
    """A plan and what belongs to it, of one person."""

    person: str
    plan: Json
    safety: Json
    goal: Json
    goal_of_safety: Json
    of_activity: Json
    referred: Json
    pertaining: Json
    addressed: Json
    told: Json
    told_of_risk: Json
    outside: list[Json]
    """What is about the same person and does not belong to the plan."""

    @property
    def belonging(self) -> list[Json]:
        """All that belongs, the plan first, in the order of the answer but for the ids."""
        goals = [self.goal, self.goal_of_safety, self.of_activity]
        risks = [self.referred, self.pertaining, self.addressed]
        return [self.plan, self.safety, *goals, *risks, self.told, self.told_of_risk]


@pytest.fixture(scope="session")
async def record(shared_client: httpx.AsyncClient) -> World:
    person = f"Patient/{uuid.uuid4().hex}"

    async def make(resource: Json) -> Json:
        return await created(shared_client, {**resource, "subject": {"reference": person}})

    addressed, referred = await make(risk_assessment()), await make(risk_assessment())
    first = await make(goal(addresses=[refer(addressed)]))
    of_safety, of_activity, elsewhere = await make(goal()), await make(goal()), await make(goal())
    whole = await make(care_plan())
    detail = {"status": "scheduled", "goal": [refer(of_activity)]}
    plan = await make(
        care_plan(
            goal=[refer(first)],
            supportingInfo=[refer(referred)],
            activity=[{"detail": detail}],
            partOf=[refer(whole)],
        )
    )
    safety = await make(care_plan(partOf=[refer(plan)], goal=[refer(of_safety), refer(first)]))
    pertaining = await make(risk_assessment(extension=[{"url": PERTAINS, "valueReference": refer(first)}]))
    other = await make(risk_assessment(extension=[{"url": PERTAINS, "valueReference": refer(elsewhere)}]))
    told = await created(shared_client, provenance(plan, first))
    told_of_risk = await created(shared_client, provenance(pertaining))
    told_of_other = await created(shared_client, provenance(other))
    outside = [whole, elsewhere, other, told_of_other]
    return World(
        person,
        plan,
        safety,
        first,
        of_safety,
        of_activity,
        referred,
        pertaining,
        addressed,
        told,
        told_of_risk,
        outside,
    )


class TestOfAPlan:
    async def test_the_plan_comes_first_with_all_that_belongs_to_it(
        self, shared_client: httpx.AsyncClient, record: World
    ) -> None:
        answer = await shared_client.get(f"/{name(record.plan)}/$everything")
        found = names(answer)
        assert found[:2] == [name(record.plan), name(record.safety)]
        assert set(found) == {name(each) for each in record.belonging}
        types = [each.partition("/")[0] for each in found]
        assert types == sorted(types, key=["CarePlan", "Goal", "RiskAssessment", "Provenance"].index)
        modes = [entry["search"]["mode"] for entry in answer.json()["entry"]]
        assert modes == ["match", *["include"] * (len(found) - 1)]
        assert answer.json()["total"] == len(found)
        assert answer.json()["entry"][0]["resource"] == record.plan

    async def test_a_part_does_not_bring_the_whole(self, shared_client: httpx.AsyncClient, record: World) -> None:
        found = names(await shared_client.get(f"/{name(record.safety)}/$everything"))
        assert found[0] == name(record.safety)
        assert name(record.plan) not in found
        assert {name(record.goal_of_safety), name(record.goal), name(record.pertaining)} < set(found)

    async def test_parts_of_parts_come_along_and_circles_end(self, shared_client: httpx.AsyncClient) -> None:
        top = await created(shared_client, care_plan())
        part = await created(shared_client, care_plan(partOf=[refer(top)]))
        deep = await created(shared_client, care_plan(partOf=[refer(part)]))
        again = await shared_client.put(f"/{name(top)}", json={**top, "partOf": [refer(deep)]})
        assert again.status_code == 200
        for plan in (top, part, deep):
            found = names(await shared_client.get(f"/{name(plan)}/$everything"))
            assert found[0] == name(plan)
            assert set(found) == {name(each) for each in (top, part, deep)}

    @pytest.mark.parametrize("count", [1, 2, 3, 7])
    async def test_pages_hold_the_same_each_once_forwards_and_backwards(
        self, shared_client: httpx.AsyncClient, record: World, count: int
    ) -> None:
        whole = names(await shared_client.get(f"/{name(record.plan)}/$everything"))
        url: str | None = f"/{name(record.plan)}/$everything?_count={count}"
        pages, backwards = [], []
        while url:
            answer = await shared_client.get(url)
            pages.append(names(answer))
            url = link(answer, "next")
        assert [each for page in pages for each in page] == whole
        assert {len(page) for page in pages[:-1]} <= {count}
        while previous := link(answer, "prev"):
            answer = await shared_client.get(previous)
            backwards.append(names(answer))
        assert backwards == pages[-2::-1]

    async def test_pages_show_one_moment_while_others_write(self, shared_client: httpx.AsyncClient) -> None:
        client = shared_client
        goals = [await created(client, goal()) for _ in range(6)]
        plan = await created(client, care_plan(goal=[refer(each) for each in goals[:5]]))
        answer = await client.get(f"/{name(plan)}/$everything?_count=2")
        first, rest = names(answer), []
        await client.put(f"/{name(plan)}", json={**plan, "goal": [refer(goals[5])]})
        await client.delete(f"/{name(goals[0])}")
        await client.put(f"/{name(goals[1])}", json={**goals[1], "statusReason": "Changed meanwhile"})
        await created(client, care_plan(partOf=[refer(plan)]))
        await client.delete(f"/{name(plan)}")
        while url := link(answer, "next"):
            answer = await client.get(url)
            rest += answer.json()["entry"]
        shown = [entry["resource"] for entry in rest]
        assert {*first, *map(name, shown)} == {name(each) for each in (plan, *goals[:5])}
        assert all("statusReason" not in each for each in shown)
        assert (await client.get(f"/{name(plan)}/$everything")).status_code == 410

    async def test_every_page_that_begins_while_plans_grow_is_whole(self, shared_client: httpx.AsyncClient) -> None:
        """A goal and the plan that names it are written in one transaction: an answer has both or neither."""
        client = shared_client
        plan = await created(client, care_plan())
        is_over = asyncio.Event()

        async def grow() -> None:
            current = plan
            for number in range(12):
                new = {**goal(), "id": f"grown-{number}"}
                current = {**current, "goal": [*current.get("goal", []), refer(new)]}
                entries = [
                    {"resource": each, "request": {"method": "PUT", "url": name(each)}} for each in (new, current)
                ]
                bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
                assert (await client.post("", json=bundle)).status_code == 200
            is_over.set()

        async def look() -> None:
            while not is_over.is_set():
                first = await client.get(f"/{name(plan)}/$everything?_count=1")
                (entry,) = first.json()["entry"]
                named = {each["reference"] for each in entry["resource"].get("goal", [])}
                follow = link(first, "next")
                found = set() if follow is None else await self._rest(client, follow)
                assert found == named

        await asyncio.gather(grow(), look(), look())

    async def _rest(self, client: httpx.AsyncClient, url: str | None) -> set[str]:
        found: set[str] = set()
        while url:
            answer = await client.get(url)
            found.update(names(answer))
            url = link(answer, "next")
        return found

    async def test_since_leaves_out_what_has_not_changed(self, shared_client: httpx.AsyncClient) -> None:
        mine = await created(shared_client, goal())
        plan = await created(shared_client, care_plan(goal=[refer(mine)]))
        address = f"/{name(plan)}/$everything"
        assert names(await shared_client.get(address, params={"_since": plan["meta"]["lastUpdated"]})) == [name(plan)]
        changed = (await shared_client.put(f"/{name(mine)}", json={**mine, "statusReason": "A new flat"})).json()
        since = {"_since": changed["meta"]["lastUpdated"]}
        assert names(await shared_client.get(address, params=since)) == [name(mine)]
        assert names(await shared_client.get(address, params={"_since": "2999-01-01T00:00:00Z"})) == []

    async def test_types_can_be_chosen(self, shared_client: httpx.AsyncClient, record: World) -> None:
        address = f"/{name(record.plan)}/$everything"
        goals = names(await shared_client.get(f"{address}?_type=Goal"))
        assert set(goals) == {name(each) for each in (record.goal, record.goal_of_safety, record.of_activity)}
        told = names(await shared_client.get(f"{address}?_type=Provenance"))
        assert set(told) == {name(record.told), name(record.told_of_risk)}
        both = names(await shared_client.get(f"{address}?_type=Goal,Provenance"))
        assert both == names(await shared_client.get(f"{address}?_type=Goal&_type=Provenance")) == [*goals, *told]

    async def test_it_is_asked_by_post_too(self, shared_client: httpx.AsyncClient, record: World) -> None:
        address = f"/{name(record.plan)}/$everything"
        whole = names(await shared_client.get(address))
        assert names(await shared_client.post(address)) == whole
        parts = [{"name": "_count", "valueInteger": 3}, {"name": "_type", "valueCode": "Goal"}]
        parts.append({"name": "_type", "valueCode": "CarePlan"})
        answer = await shared_client.post(address, json={"resourceType": "Parameters", "parameter": parts})
        follow = link(answer, "next")
        assert follow
        found = [*names(answer), *names(await shared_client.get(follow))]
        assert found == [each for each in whole if each.startswith(("CarePlan/", "Goal/"))]

    async def test_count_0_only_counts(self, shared_client: httpx.AsyncClient, record: World) -> None:
        answer = await shared_client.get(f"/{name(record.plan)}/$everything?_count=0")
        assert names(answer) == []
        assert answer.json()["total"] == len(record.belonging)

    async def test_it_works_in_a_batch(self, shared_client: httpx.AsyncClient, record: World) -> None:
        entries = [{"request": {"method": "GET", "url": f"{name(record.plan)}/$everything?_type=Goal"}}]
        answer = await shared_client.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
        (entry,) = answer.json()["entry"]
        assert entry["response"]["status"] == "200 OK"
        assert len(entry["resource"]["entry"]) == 3

    @pytest.mark.parametrize("address", ["CarePlan/nobody-has-this/$everything"])
    async def test_an_unknown_plan_is_404(self, shared_client: httpx.AsyncClient, address: str) -> None:
        answer = await shared_client.get(f"/{address}")
        assert (answer.status_code, problems(answer)) == (404, [("unknown-resource", None)])

    async def test_a_deleted_plan_is_410(self, shared_client: httpx.AsyncClient) -> None:
        plan = await created(shared_client, care_plan())
        await shared_client.delete(f"/{name(plan)}")
        answer = await shared_client.get(f"/{name(plan)}/$everything")
        assert (answer.status_code, problems(answer)) == (410, [("deleted", None)])

    async def test_too_much_is_refused_and_not_cut(
        self, shared_client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, record: World
    ) -> None:
        monkeypatch.setattr("service.interactions.belonging.MOST_GATHERED", 4)
        answer = await shared_client.get(f"/{name(record.plan)}/$everything")
        assert (answer.status_code, problems(answer)) == (413, [("include-limit", None)])
        assert "More than 4 plans and goals" in answer.text


REFUSED = [
    pytest.param("_sicne=2026-11-22T09:30:00Z", "unknown-parameter", "http._sicne", "_since", id="unknown"),
    pytest.param("start=2026-01-01", "unknown-parameter", "http.start", "start", id="start"),
    pytest.param("_type=Gaol", "parameter-value", "http._type", "did you mean Goal", id="type"),
    pytest.param("_type=Patient", "parameter-value", "http._type", "Patient", id="type not stored"),
    pytest.param("_since=yesterday", "parameter-value", "http._since", "instant", id="since"),
    pytest.param("_count=many", "parameter-value", "http._count", "whole number", id="count"),
    pytest.param("_count=1&_count=2", "parameter-value", "http._count", "twice", id="twice"),
    pytest.param("_page=made-up", "page-token", "http._page", "page token", id="page"),
]


@pytest.mark.parametrize("of", ["CarePlan", "Patient"])
@pytest.mark.parametrize(("query", "rule", "place", "said"), REFUSED)
async def test_what_cannot_be_asked_is_refused(
    shared_client: httpx.AsyncClient, record: World, of: str, query: str, rule: str, place: str, said: str
) -> None:
    address = name(record.plan) if of == "CarePlan" else record.person
    answer = await shared_client.get(f"/{address}/$everything?{query}")
    assert answer.status_code == 400
    assert {*problems(answer)} == {(rule, place)}
    assert said in answer.text


@pytest.mark.parametrize(
    ("parameter", "rule"),
    [
        ({"name": "_sicne", "valueInstant": "2026-11-22T09:30:00Z"}, "unknown-parameter"),
        ({"name": "_count", "valueString": "3"}, "parameter-value"),
        ({"name": "_page", "valueString": "made-up"}, "page-token"),
    ],
)
async def test_parameters_that_cannot_be_used_are_refused(
    shared_client: httpx.AsyncClient, record: World, parameter: Json, rule: str
) -> None:
    body = {"resourceType": "Parameters", "parameter": [parameter]}
    answer = await shared_client.post(f"/{record.person}/$everything", json=body)
    assert answer.status_code == 400
    assert [found for found, _ in problems(answer)] == [rule]


async def test_a_body_that_is_no_parameters_is_refused(shared_client: httpx.AsyncClient, record: World) -> None:
    answer = await shared_client.post(f"/{name(record.plan)}/$everything", json=goal())
    assert (answer.status_code, problems(answer)) == (400, [("resource-type", "Parameters.resourceType")])


class TestOfAPerson:
    async def test_all_that_is_about_somebody_comes(self, shared_client: httpx.AsyncClient, record: World) -> None:
        answer = await shared_client.get(f"/{record.person}/$everything")
        assert set(names(answer)) == {name(each) for each in (*record.belonging, *record.outside)}
        assert {entry["search"]["mode"] for entry in answer.json()["entry"]} == {"match"}

    async def test_nothing_of_another_person_comes(self, shared_client: httpx.AsyncClient) -> None:
        """Not even where it refers to what is this person's."""
        one, other = ({"reference": f"Patient/{uuid.uuid4().hex}"} for _ in range(2))
        mine = await created(shared_client, goal(subject=one))
        about = [{"url": PERTAINS, "valueReference": refer(mine)}]
        theirs = await created(shared_client, risk_assessment(subject=other, extension=about))
        await created(shared_client, care_plan(subject=other, goal=[refer(mine)]))
        told = await created(shared_client, provenance(mine))
        told_of_other = await created(shared_client, provenance(theirs))
        about_other = {**provenance(mine), "target": [refer(mine), other]}
        told_of_both = await created(shared_client, about_other)
        assert set(names(await shared_client.get(f"/{one['reference']}/$everything"))) == {name(mine), name(told)}
        found = names(await shared_client.get(f"/{other['reference']}/$everything"))
        assert name(mine) not in found
        assert {name(theirs), name(told_of_other), name(told_of_both)} < set(found)

    async def test_a_person_of_whom_nothing_is_stored_has_nothing(self, shared_client: httpx.AsyncClient) -> None:
        answer = await shared_client.get("/Patient/nobody-is-this/$everything")
        assert names(answer) == []
        assert answer.json()["total"] == 0

    async def test_pages_show_one_moment_while_others_write(self, shared_client: httpx.AsyncClient) -> None:
        client, person = shared_client, f"Patient/{uuid.uuid4().hex}"
        of_person = goal(subject={"reference": person})
        made = [await created(client, of_person) for _ in range(5)]
        answer = await client.get(f"/{person}/$everything?_count=2")
        found = names(answer)
        await asyncio.gather(*(created(client, of_person) for _ in range(5)))
        await client.delete(f"/{name(made[-1])}")
        await client.delete(f"/{name(made[0])}")
        while url := link(answer, "next"):
            answer = await client.get(url)
            found += names(answer)
        assert sorted(found) == sorted(map(name, made))

    async def test_since_and_types(self, shared_client: httpx.AsyncClient, record: World) -> None:
        answer = await shared_client.get(f"/{record.person}/$everything?_type=CarePlan")
        assert set(names(answer)) == {name(each) for each in (record.plan, record.safety, record.outside[0])}
        since = {"_since": record.told.copy()["meta"]["lastUpdated"]}
        answer = await shared_client.get(f"/{record.person}/$everything", params=since)
        late = (record.told, record.told_of_risk, record.outside[-1])
        assert set(names(answer)) == {name(each) for each in late}

    @pytest.mark.parametrize("address", ["Patient/$everything", "Device/1/$everything", "Goal/1/$everything"])
    async def test_it_is_offered_of_plans_and_persons_alone(
        self, shared_client: httpx.AsyncClient, address: str
    ) -> None:
        assert (await shared_client.get(f"/{address}")).status_code == 404

    @pytest.mark.parametrize("address", ["Patient/1/$everything", "CarePlan/1/$everything"])
    async def test_only_get_and_post_ask_it(self, shared_client: httpx.AsyncClient, address: str) -> None:
        answer = await shared_client.put(f"/{address}", json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD")

    async def test_an_id_that_is_none_is_refused(self, shared_client: httpx.AsyncClient) -> None:
        answer = await shared_client.get("/Patient/not_an_id/$everything")
        assert (answer.status_code, problems(answer)) == (400, [("id-format", "Patient.id")])


async def test_metadata_lists_it_with_definitions_that_can_be_read(shared_client: httpx.AsyncClient) -> None:
    (rest,) = (await shared_client.get("/metadata")).json()["rest"]
    plans = next(item for item in rest["resource"] if item["type"] == "CarePlan")
    listed: dict[str, Any] = {item["name"]: item["definition"] for item in rest["operation"]}
    of_plan = next(item["definition"] for item in plans["operation"] if item["name"] == "everything")
    for canonical in (listed["everything"], of_plan):
        found = (await shared_client.get("/OperationDefinition", params={"url": canonical})).json()
        (entry,) = found["entry"]
        assert entry["resource"]["code"] == "everything"
