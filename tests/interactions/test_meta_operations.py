"""$meta, $meta-add and $meta-delete: profiles, tags and security labels."""

import asyncio
from typing import Any

import httpx
import pytest

from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.settings import Settings
from tests.support.app import client_of
from tests.support.resources import Json, batch, care_plan, created, entry, goal, problems, send, statuses, transaction

TAG = {"system": "http://example.org/tags", "code": "review"}
OTHER_TAG = {"system": "http://example.org/tags", "code": "pilot"}
BARE_TAG = {"code": "loose|end"}
VERY_RESTRICTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}
RECOVERY_GOAL = "https://w3id.org/recovery-plan/StructureDefinition/RecoveryGoal"
NOTHING = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "not-applicable"}]
}
PLAIN_GOAL = "http://hl7.org/fhir/StructureDefinition/Goal"


def parameters(meta: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


def meta_in(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["resourceType"] == "Parameters"
    (parameter,) = body["parameter"]
    assert parameter["name"] == "return"
    return parameter["valueMeta"]


async def change(client: httpx.AsyncClient, resource: Json, operation: str, meta: Json, **headers: str) -> Any:
    address = f"/{resource['resourceType']}/{resource['id']}/${operation}"
    return await client.post(address, json=parameters(meta), headers=headers)


async def labelled(client: httpx.AsyncClient, **meta: Any) -> Json:
    return await created(client, goal(**({"meta": meta} if meta else {})))


class TestOfAResource:
    async def test_it_is_the_meta_of_the_resource(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client, tag=[TAG], security=[VERY_RESTRICTED], source="http://example.org/ehr")
        address = f"/Goal/{made['id']}/$meta"
        answer = await shared_client.get(address)
        assert meta_in(answer) == made["meta"]
        assert answer.headers["etag"] == 'W/"1"'
        assert answer.headers["last-modified"]
        assert meta_in(await shared_client.post(address)) == made["meta"]

    async def test_each_version_has_its_own(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client, tag=[TAG])
        await change(shared_client, made, "meta-delete", {"tag": [TAG]})
        first = meta_in(await shared_client.get(f"/Goal/{made['id']}/_history/1/$meta"))
        second = meta_in(await shared_client.get(f"/Goal/{made['id']}/_history/2/$meta"))
        assert (first, "tag" in second) == (made["meta"], False)

    async def test_what_is_not_there_is_not_found(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client)
        await shared_client.delete(f"/Goal/{made['id']}")
        for path, status in (("nobody", 404), (made["id"], 410), (f"{made['id']}/_history/9", 404)):
            assert (await shared_client.get(f"/Goal/{path}/$meta")).status_code == status
        assert meta_in(await shared_client.get(f"/Goal/{made['id']}/_history/1/$meta")) == made["meta"]
        assert (await shared_client.get(f"/Goal/{made['id']}/_history/2/$meta")).status_code == 410
        for operation, path in (("meta-add", "nobody"), ("meta-delete", made["id"])):
            gone = {"resourceType": "Goal", "id": path}
            assert (await change(shared_client, gone, operation, {"tag": [TAG]})).status_code in (404, 410)

    async def test_it_takes_no_parameters(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client)
        answer = await shared_client.get(f"/Goal/{made['id']}/$meta?_tag=x")
        assert problems(answer) == [("unknown-parameter", "http._tag")]


class TestAdding:
    async def test_labels_are_added_in_a_new_version(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client, tag=[TAG])
        added = {"profile": [PLAIN_GOAL], "tag": [OTHER_TAG], "security": [VERY_RESTRICTED]}
        answer = await change(shared_client, made, "meta-add", added)
        meta = meta_in(answer)
        assert meta["versionId"] == "2"
        assert meta["lastUpdated"] > made["meta"]["lastUpdated"]
        labels = {key: value for key, value in meta.items() if key in added}
        assert labels == {**added, "tag": [TAG, OTHER_TAG]}
        assert answer.headers["etag"] == 'W/"2"'
        read = (await shared_client.get(f"/Goal/{made['id']}")).json()
        assert read == {**made, "meta": meta}

    async def test_they_are_found_by_them_afterwards(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client)
        mine = {"system": "http://example.org/tags", "code": f"only-{made['id']}"}
        await change(shared_client, made, "meta-add", {"tag": [mine]})
        query = {"_tag": f"{mine['system']}|{mine['code']}", "_summary": "count"}
        assert (await shared_client.get("/Goal", params=query)).json()["total"] == 1
        await change(shared_client, made, "meta-delete", {"tag": [mine]})
        assert (await shared_client.get("/Goal", params=query)).json()["total"] == 0

    async def test_what_is_there_already_changes_nothing(self, shared_client: httpx.AsyncClient) -> None:
        """The identity of a label is system and code: another display or version is the same label."""
        made = await labelled(shared_client, tag=[{**TAG, "display": "Looked at"}], profile=[PLAIN_GOAL])
        again = {"tag": [{**TAG, "version": "2", "display": "Again"}, TAG], "profile": [PLAIN_GOAL]}
        assert meta_in(await change(shared_client, made, "meta-add", again)) == made["meta"]
        history = (await shared_client.get(f"/Goal/{made['id']}/_history")).json()
        assert len(history["entry"]) == 1

    async def test_the_rest_of_a_meta_is_the_servers(self, shared_client: httpx.AsyncClient) -> None:
        """What $meta gave can be sent back with a label more."""
        made = await labelled(shared_client, source="http://example.org/ehr")
        sent = {**made["meta"], "versionId": "77", "source": "http://example.org/other", "tag": [TAG]}
        meta = meta_in(await change(shared_client, made, "meta-add", sent))
        assert (meta["versionId"], meta["source"], meta["tag"]) == ("2", "http://example.org/ehr", [TAG])

    async def test_a_profile_is_added_only_to_what_fits_it(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client)
        answer = await change(shared_client, made, "meta-add", {"profile": [RECOVERY_GOAL]})
        assert answer.status_code == 422
        assert ("rg-1", "Goal") in problems(answer)
        assert (await shared_client.get(f"/Goal/{made['id']}")).json() == made

    async def test_nothing_is_marked_as_a_part(self, shared_client: httpx.AsyncClient) -> None:
        subsetted = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
        answer = await change(shared_client, await labelled(shared_client), "meta-add", {"tag": [subsetted]})
        assert (answer.status_code, [rule for rule, _ in problems(answer)]) == (422, ["subsetted"])

    async def test_a_label_can_be_put_on_what_refers_to_nothing_any_more(
        self, shared_client: httpx.AsyncClient
    ) -> None:
        mine = await created(shared_client, goal())
        plan = await created(shared_client, care_plan(goal=[{"reference": f"Goal/{mine['id']}"}]))
        await shared_client.delete(f"/Goal/{mine['id']}")
        meta = meta_in(await change(shared_client, plan, "meta-add", {"security": [VERY_RESTRICTED]}))
        assert meta["security"] == [VERY_RESTRICTED]


class TestDeleting:
    async def test_nothing_else_removes_a_security_label(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client, security=[VERY_RESTRICTED], tag=[TAG])
        without = {key: value for key, value in made.items() if key != "meta"}
        updated = (await shared_client.put(f"/Goal/{made['id']}", json=without)).json()
        assert updated["meta"]["security"] == [VERY_RESTRICTED]
        named = {"security": [{**VERY_RESTRICTED, "display": "very restricted"}]}
        meta = meta_in(await change(shared_client, made, "meta-delete", named))
        assert "security" not in meta
        assert "security" not in (await shared_client.get(f"/Goal/{made['id']}")).json()["meta"]

    async def test_only_what_is_named_goes(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client, tag=[TAG, OTHER_TAG], profile=[PLAIN_GOAL])
        meta = meta_in(await change(shared_client, made, "meta-delete", {"tag": [TAG], "profile": [PLAIN_GOAL]}))
        assert (meta["tag"], "profile" in meta) == ([OTHER_TAG], False)

    async def test_what_is_not_there_changes_nothing(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client, tag=[TAG])
        gone = {"tag": [OTHER_TAG], "security": [VERY_RESTRICTED], "profile": [PLAIN_GOAL]}
        assert meta_in(await change(shared_client, made, "meta-delete", gone)) == made["meta"]


class TestConcurrency:
    @pytest.mark.parametrize("operation", ["meta-add", "meta-delete"])
    async def test_if_match_names_the_version_that_is_changed(
        self, shared_client: httpx.AsyncClient, operation: str
    ) -> None:
        made = await labelled(shared_client, tag=[OTHER_TAG])
        meta = {"tag": [TAG if operation == "meta-add" else OTHER_TAG]}
        stale = await change(shared_client, made, operation, meta, **{"If-Match": 'W/"9"'})
        assert (stale.status_code, [rule for rule, _ in problems(stale)]) == (412, ["version-conflict"])
        fresh = await change(shared_client, made, operation, meta, **{"If-Match": 'W/"1"'})
        assert meta_in(fresh)["versionId"] == "2"

    async def test_labels_added_at_once_are_all_there(self, shared_client: httpx.AsyncClient) -> None:
        made = await labelled(shared_client)
        tags = [{"system": "http://example.org/tags", "code": f"at-once-{number}"} for number in range(12)]
        answers = await asyncio.gather(*(change(shared_client, made, "meta-add", {"tag": [tag]}) for tag in tags))
        assert sorted(int(meta_in(answer)["versionId"]) for answer in answers) == list(range(2, 14))
        meta = meta_in(await shared_client.get(f"/Goal/{made['id']}/$meta"))
        assert sorted(tag["code"] for tag in meta["tag"]) == sorted(tag["code"] for tag in tags)

    async def test_the_setting_that_demands_if_match_holds_here_too(self, mongodb_uri: str) -> None:
        settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_meta_if_match", require_if_match=True)
        async with client_of(settings) as client:
            made = await labelled(client)
            answer = await change(client, made, "meta-add", {"tag": [TAG]})
            assert [rule for rule, _ in problems(answer)] == ["if-match-required"]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({"resourceType": "Parameters"}, "parameter-value"),
        (goal(), "resource-type"),
        ({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]}, "parameter-value"),
        (
            {"resourceType": "Parameters", "parameter": [{"name": "mata", "valueMeta": {"tag": [TAG]}}]},
            "unknown-parameter",
        ),
        (parameters({"tag": [{"colour": "blue"}]}), "unknown-element"),
        (parameters({"tag": "blue"}), "wrong-type"),
    ],
)
async def test_what_cannot_be_used_is_refused(shared_client: httpx.AsyncClient, body: Json, rule: str) -> None:
    made = await labelled(shared_client)
    answer = await shared_client.post(f"/Goal/{made['id']}/$meta-add", json=body)
    assert answer.status_code == 400
    assert rule in [found for found, _ in problems(answer)]


async def test_they_work_in_batches_and_transactions(shared_client: httpx.AsyncClient) -> None:
    made = await labelled(shared_client)
    address = f"Goal/{made['id']}"
    adding = entry("POST", f"{address}/$meta-add", parameters({"tag": [TAG]}))
    answer = await send(shared_client, transaction(adding, entry("GET", f"{address}/$meta")))
    assert statuses(answer) == ["200", "200"]
    shown = answer.json()["entry"][1]["resource"]["parameter"][0]["valueMeta"]
    assert (shown["versionId"], shown["tag"]) == ("2", [TAG])
    answer = await send(shared_client, batch(entry("GET", "$meta"), entry("GET", "Goal/$meta")))
    assert statuses(answer) == ["200", "200"]


class TestInUse:
    async def test_all_labels_of_a_type_and_of_all_types_are_told(self, client: httpx.AsyncClient) -> None:
        assert meta_in(await client.get("/$meta")) == NOTHING
        await labelled(client, tag=[TAG, BARE_TAG], profile=[f"{PLAIN_GOAL}|4.0.1"])
        await labelled(client, tag=[TAG], security=[VERY_RESTRICTED])
        gone = await labelled(client, tag=[{"system": "http://example.org/tags", "code": "gone"}])
        await client.delete(f"/Goal/{gone['id']}")
        await created(client, care_plan(meta={"tag": [OTHER_TAG]}))
        goals = meta_in(await client.get("/Goal/$meta"))
        assert goals == {
            "profile": [PLAIN_GOAL, f"{PLAIN_GOAL}|4.0.1"],
            "tag": [BARE_TAG, TAG],
            "security": [VERY_RESTRICTED],
        }
        assert meta_in(await client.get("/CarePlan/$meta")) == {"tag": [OTHER_TAG]}
        assert meta_in(await client.get("/RiskAssessment/$meta")) == NOTHING
        assert meta_in(await client.get("/$meta")) == {**goals, "tag": [BARE_TAG, OTHER_TAG, TAG]}
        assert meta_in(await client.post("/$meta")) == meta_in(await client.get("/$meta"))

    async def test_too_many_are_refused_and_not_cut(
        self, shared_client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await labelled(shared_client, tag=[TAG, OTHER_TAG])
        monkeypatch.setattr("service.interactions.meta.MOST_IN_USE", 3)
        answer = await shared_client.get("/Goal/$meta")
        assert (answer.status_code, problems(answer)) == (413, [("include-limit", None)])

    @pytest.mark.parametrize("address", ["/$meta-add", "/Goal/$meta-add", "/Patient/1/$meta", "/CodeSystem/$meta"])
    async def test_it_is_not_offered_elsewhere(self, shared_client: httpx.AsyncClient, address: str) -> None:
        assert (await shared_client.post(address)).status_code in (404, 405)


async def test_versions_of_the_past_stay_as_they_are(shared_client: httpx.AsyncClient) -> None:
    made = await labelled(shared_client)
    address = f"/Goal/{made['id']}/_history/1/$meta-add"
    assert (await shared_client.post(address, json=parameters({"tag": [TAG]}))).status_code == 404


async def test_metadata_lists_them(shared_client: httpx.AsyncClient) -> None:
    (rest,) = (await shared_client.get("/metadata")).json()["rest"]
    assert "meta" in {item["name"] for item in rest["operation"]}
    for item in rest["resource"]:
        named = {each["name"] for each in item.get("operation", ())} & {"meta", "meta-add", "meta-delete"}
        codes = {each["code"] for each in item["interaction"]}
        of_records = (
            {"meta", "meta-add", "meta-delete"} if "update" in codes else {"meta"} if "create" in codes else set()
        )
        assert named == (set() if item["type"] in Definitions(R4).standing_types else of_records), item["type"]
