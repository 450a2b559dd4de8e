"""Security labels: demanded on write, and taken away or lowered by those alone who may."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import OutcomeError
from service.interactions.labels import check_not_lowered
from service.security.access import UNLIMITED
from service.settings import Settings
from tests.support.access import Whole, service_for
from tests.support.app import client_of
from tests.support.resources import Json, created, entry, goal, problems, send, transaction

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
PSY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
RISING = "ULMNRV"
PATCH = {"Content-Type": "application/json-patch+json"}
FORBIDDEN = [("forbidden", "Goal.meta.security")]


def degree(code: str, **more: str) -> Json:
    return {"system": CONFIDENTIALITY, "code": code, **more}


R, N, V = degree("R"), degree("N"), degree("V")


@pytest.fixture(scope="module")
async def clients(mongodb_uri: str) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """One that may lower labels, and one that may do all but that."""
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_labels")
    async with client_of(settings) as one, service_for(settings, Whole()) as (other, _):
        yield one, other


@pytest.fixture(scope="module")
def may(clients: tuple[httpx.AsyncClient, httpx.AsyncClient]) -> httpx.AsyncClient:
    return clients[0]


@pytest.fixture(scope="module")
def may_not(clients: tuple[httpx.AsyncClient, httpx.AsyncClient]) -> httpx.AsyncClient:
    return clients[1]


async def labelled(client: httpx.AsyncClient, *labels: Json) -> Json:
    return await created(client, goal(meta={"security": list(labels)}))


def without_labels(resource: Json, *left: Json) -> Json:
    meta = {"meta": {"security": list(left)}} if left else {}
    return {key: value for key, value in resource.items() if key != "meta"} | meta


async def labels_of(client: httpx.AsyncClient, resource: Json) -> Any:
    answer = await client.get(f"/Goal/{resource['id']}")
    return answer.json()["meta"].get("security")


async def operate(client: httpx.AsyncClient, resource: Json, operation: str, *labels: Json) -> httpx.Response:
    given = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": list(labels)}}]}
    return await client.post(f"/Goal/{resource['id']}/${operation}", json=given)


class TestLowering:
    @pytest.mark.parametrize("taken", [R, PSY, degree("R", display="whatever")])
    async def test_meta_delete_needs_the_right(
        self, may: httpx.AsyncClient, may_not: httpx.AsyncClient, taken: Json
    ) -> None:
        made = await labelled(may, R, PSY)
        refused = await operate(may_not, made, "meta-delete", taken)
        assert (refused.status_code, problems(refused)) == (403, FORBIDDEN)
        assert await labels_of(may, made) == [R, PSY]
        assert (await operate(may, made, "meta-delete", taken)).status_code == 200
        assert len(await labels_of(may, made)) == 1

    async def test_a_lower_degree_beside_a_higher_one_may_go(self, may_not: httpx.AsyncClient) -> None:
        made = await labelled(may_not, R)
        assert (await operate(may_not, made, "meta-add", V, N)).status_code == 200
        assert (await operate(may_not, made, "meta-delete", R, N)).status_code == 200
        assert await labels_of(may_not, made) == [V]
        assert problems(await operate(may_not, made, "meta-delete", V)) == FORBIDDEN

    async def test_no_other_write_loses_one(self, may: httpx.AsyncClient, may_not: httpx.AsyncClient) -> None:
        """Not with the right either: what an update leaves out is kept."""
        for client in (may, may_not):
            made = await labelled(client, R, PSY)
            address = f"/Goal/{made['id']}"
            lower = without_labels({**made, "description": {"text": "Swim"}}, N)
            assert (await client.put(address, json=lower)).status_code == 200
            removal = [{"op": "remove", "path": "/meta/security"}, {"op": "add", "path": "/language", "value": "en"}]
            assert (await client.patch(address, json=removal, headers=PATCH)).status_code == 200
            again = without_labels({**made, "language": "de"})
            assert (await client.put(f"/Goal?_id={made['id']}", json=again)).status_code == 200
            done = await send(client, transaction(entry("PUT", f"Goal/{made['id']}", without_labels(made))))
            assert done.status_code == 200
            assert await labels_of(client, made) == [R, PSY, N]

    async def test_nor_does_a_deletion(self, may_not: httpx.AsyncClient) -> None:
        made = await labelled(may_not, R, PSY)
        address = f"/Goal/{made['id']}"
        await may_not.delete(address)
        back = await may_not.put(address, json=without_labels(made, N), headers={"Prefer": "return=OperationOutcome"})
        assert back.status_code == 201
        assert "label-kept" in back.text
        assert await labels_of(may_not, made) == [R, PSY, N]
        await may_not.delete(address)
        within = await send(may_not, transaction(entry("PUT", f"Goal/{made['id']}", without_labels(made))))
        assert within.status_code == 200
        assert await labels_of(may_not, made) == [R, PSY, N]


LABELS = st.lists(st.sampled_from([*map(degree, RISING), PSY, degree("X"), {"display": "Family"}]), max_size=5)


@given(before=LABELS, after=LABELS)
def test_whatever_protects_less_is_lowered(before: list[Json], after: list[Json]) -> None:
    def highest(labels: list[Json]) -> int:
        return max(
            (RISING.find(label["code"]) for label in labels if label.get("system") == CONFIDENTIALITY), default=-1
        )

    others = [label for label in before if RISING.find(label.get("code", "?")) < 0]
    protects_less = highest(after) < highest(before) or any(label not in after for label in others)
    check_not_lowered("Goal", {"security": before}, {"security": after}, UNLIMITED)
    if protects_less:
        with pytest.raises(OutcomeError, match="forbidden"):
            check_not_lowered("Goal", {"security": before}, {"security": after}, Whole())
    else:
        check_not_lowered("Goal", {"security": before}, {"security": after}, Whole())


@pytest.fixture(scope="module")
async def strict(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_labels_demanded", require_label=True)
    async with client_of(settings) as found:
        yield found


class TestDemanded:
    async def test_what_is_written_needs_a_degree(self, strict: httpx.AsyncClient) -> None:
        lacking = [("label-required", "Goal.meta.security")]
        for resource in (goal(), goal(meta={"security": [PSY]})):
            refused = await strict.post("/Goal", json=resource)
            assert (refused.status_code, problems(refused)) == (422, lacking)
            assert problems(await strict.put("/Goal/mine", json={**resource, "id": "mine"})) == lacking
            told = await strict.post("/Goal/$validate", json=resource)
            assert "label-required" in told.text
        nested = await send(strict, transaction(entry("POST", "Goal", goal())))
        assert problems(nested) == [("label-required", "Bundle.entry[0].resource.meta.security")]
        made = await labelled(strict, N)
        assert problems(await strict.put(f"/Goal/{made['id']}", json=without_labels(made))) == lacking

    async def test_what_has_one_keeps_it(self, strict: httpx.AsyncClient) -> None:
        made = await labelled(strict, N, PSY)
        refused = await operate(strict, made, "meta-delete", N)
        assert (refused.status_code, problems(refused)) == (422, [("label-required", "Goal.meta.security")])
        assert (await operate(strict, made, "meta-add", R)).status_code == 200
        assert (await operate(strict, made, "meta-delete", N, PSY)).status_code == 200
        assert await labels_of(strict, made) == [R]

    async def test_a_provenance_in_the_header_is_written_too(self, strict: httpx.AsyncClient) -> None:
        who = '{"resourceType": "Provenance", "agent": [{"who": {"reference": "Patient/example"}}]}'
        answer = await strict.post("/Goal", json=goal(meta={"security": [N]}), headers={"X-Provenance": who})
        assert problems(answer) == [("label-required", "http.X-Provenance.meta.security")]


@pytest.mark.parametrize(
    "address",
    [
        "/Goal?_id={}",
        "/Goal?_id=nothing-has-this",
        "/Goal?_summary=count",
        "?_type=Goal,CarePlan&_count=1",
        "/Patient/example/Goal",
        "/Goal/{}/_history",
        "/Goal/_history",
        "/_history?_count=1",
        "/Patient/example/$everything",
        "/Patient/example/$everything?_count=0",
    ],
)
async def test_answers_to_who_is_not_cleared_for_all_say_so(
    may: httpx.AsyncClient, may_not: httpx.AsyncClient, address: str
) -> None:
    """Whether or not something was left out, which nobody is to learn."""
    made = await labelled(may, N)
    redacted = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code": "REDACTED",
        "display": "redacted",
    }
    whole, part = [(await client.get(address.format(made["id"]))).json() for client in (may, may_not)]
    assert whole["resourceType"] == part["resourceType"] == "Bundle"
    assert "meta" not in whole
    assert part["meta"] == {"security": [redacted]}


async def test_the_mark_is_there_in_xml_and_in_a_batch(may_not: httpx.AsyncClient) -> None:
    in_xml = await may_not.get("/Goal?_format=xml")
    assert "<meta><security><system" in in_xml.text
    nested = await send(may_not, {"resourceType": "Bundle", "type": "batch", "entry": [entry("GET", "Goal?_count=1")]})
    assert "REDACTED" in str(nested.json()["entry"][0]["resource"]["meta"])


async def test_roles_from_which_it_is_withheld_are_labels(may: httpx.AsyncClient) -> None:
    label = {"system": "https://w3id.org/recovery-plan/CodeSystem/withheld-from", "code": "clinician"}
    asked = {"Prefer": "return=OperationOutcome"}
    made = await may.post("/Goal", json=goal(meta={"security": [label]}), headers=asked)
    assert made.status_code == 201
    assert [issue["severity"] for issue in made.json()["issue"]] == ["information"]
    found = await may.get(f"/Goal?_security={label['system']}|{label['code']}&_summary=count")
    assert found.json()["total"] == 1
