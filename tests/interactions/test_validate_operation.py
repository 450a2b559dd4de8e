"""$validate says what a create, an update or a delete would say, and stores nothing."""

import json
import uuid
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.resources import (
    VALIDATION_RULE,
    batch,
    care_plan,
    created,
    entry,
    goal,
    problems,
    send,
    total,
    transaction,
    without,
)

Json = dict[str, Any]
RECOVERY_PLAN = "https://w3id.org/recovery-plan/StructureDefinition/RecoveryCarePlan"
BAD = care_plan(status="banana", recoveryStar=1)
BAD_ISSUES = [("unknown-element", "CarePlan.recoveryStar"), ("binding", "CarePlan.status")]


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


def wrapped(*parts: Json) -> Json:
    """Return a Parameters resource."""
    return {"resourceType": "Parameters", "parameter": list(parts)}


def resource(value: Any) -> Json:
    return {"name": "resource", "resource": value}


def errors(answer: httpx.Response) -> list[tuple[str, str | None]]:
    """Return rule and place of the errors of an answer of $validate, which must be 200."""
    assert answer.status_code == 200, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"], "there is always something said"
    return [
        (issue["details"]["coding"][0]["code"], issue.get("expression", [None])[0])
        for issue in outcome["issue"]
        if issue["severity"] == "error"
    ]


async def ask(client: httpx.AsyncClient, address: str, body: Any = None, **headers: str) -> httpx.Response:
    """POST to $validate at ``address``, and assert that nothing was stored by it."""
    before = await total(client)
    answer = await client.post(f"/{address}", content=b"" if body is None else json.dumps(body), headers=headers)
    assert await total(client) == before
    return answer


@pytest.fixture
async def stored(client: httpx.AsyncClient) -> Json:
    return await created(client, care_plan())


async def test_a_resource_with_which_all_is_well(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "CarePlan/$validate", care_plan())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    (issue,) = answer.json()["issue"]
    assert (issue["severity"], issue["code"]) == ("information", "informational")


@pytest.mark.parametrize("mode", ["", "?mode=create"])
async def test_every_issue_is_told_as_a_create_tells_it(client: httpx.AsyncClient, mode: str) -> None:
    answer = await ask(client, f"CarePlan/$validate{mode}", BAD)
    assert errors(answer) == BAD_ISSUES
    assert answer.json() == (await client.post("/CarePlan", content=json.dumps(BAD))).json()


async def test_an_update_is_told_as_the_update_tells_it(client: httpx.AsyncClient) -> None:
    for body in ({**BAD, "id": "other"}, without(BAD, "id"), {**BAD, "id": "mine"}):
        answer = await ask(client, "CarePlan/mine/$validate?mode=update", body)
        assert answer.json() == (await client.put("/CarePlan/mine", content=json.dumps(body))).json()
        assert (("id-mismatch", "CarePlan.id") in errors(answer)) == (body.get("id") != "mine")


@pytest.mark.parametrize("mode", ["create", "update"])
async def test_parameters_hold_the_resource(client: httpx.AsyncClient, mode: str) -> None:
    body = wrapped({"name": "mode", "valueCode": mode}, resource({**BAD, "id": "mine"}))
    answer = await ask(client, "CarePlan/mine/$validate", body)
    inside = "Parameters.parameter[1].resource"
    assert errors(answer) == [(rule, place.replace("CarePlan", inside)) for rule, place in BAD_ISSUES]


async def test_the_resource_must_be_of_the_type(client: httpx.AsyncClient) -> None:
    assert errors(await ask(client, "CarePlan/$validate", goal())) == [("resource-type", "CarePlan.resourceType")]
    assert errors(await ask(client, "CarePlan/$validate", [])) == [("resource-type", "CarePlan.resourceType")]
    answer = await ask(client, "CarePlan/$validate", wrapped(resource(goal())))
    assert errors(answer) == [("resource-type", "Parameters.parameter[0].resource.resourceType")]


async def test_a_profile_that_is_named_is_held_to(client: httpx.AsyncClient) -> None:
    plan = care_plan()
    claiming = {**plan, "meta": {"profile": [RECOVERY_PLAN]}}
    claimed = await ask(client, "CarePlan/$validate", claiming)
    assert {"rcp-1", "rcp-2"} <= {rule for rule, _ in errors(claimed)}
    rules = [(issue["severity"], issue["details"], issue["diagnostics"]) for issue in claimed.json()["issue"]]
    named = [
        await ask(client, f"CarePlan/$validate?profile={RECOVERY_PLAN}", plan),
        await ask(client, f"CarePlan/$validate?profile={RECOVERY_PLAN}|0.1.0", plan),
        await ask(
            client, "CarePlan/$validate", wrapped({"name": "profile", "valueUri": RECOVERY_PLAN}, resource(plan))
        ),
        await ask(
            client, "CarePlan/$validate", wrapped(resource(plan), {"name": "profile", "valueCanonical": RECOVERY_PLAN})
        ),
    ]
    for answer in named:
        issues = answer.json()["issue"]
        assert [(issue["severity"], issue["details"], issue["diagnostics"]) for issue in issues] == rules
    for base in ("CarePlan", "DomainResource"):
        profile = f"http://hl7.org/fhir/StructureDefinition/{base}"
        assert errors(await ask(client, f"CarePlan/$validate?profile={profile}", plan)) == []


async def test_what_is_stored_is_looked_at(client: httpx.AsyncClient, stored: Json) -> None:
    address = f"CarePlan/{stored['id']}/$validate"
    nothing = {"resourceType": "Parameters"}
    for answer in (await client.get(f"/{address}"), await ask(client, address), await ask(client, address, nothing)):
        assert errors(answer) == []
    by_profile = f"{address}?profile={RECOVERY_PLAN}"
    found = await client.get(f"/{by_profile}")
    assert ("rcp-1", "CarePlan") in errors(found)
    assert "location" not in found.text, "there is no text of the client's"
    assert (await ask(client, f"{by_profile}&mode=profile")).json() == found.json()
    assert (await ask(client, by_profile, nothing)).json() == found.json()
    assert (await client.head(f"/{address}")).status_code == 200


async def test_a_delete_may_be_asked_about(client: httpx.AsyncClient, stored: Json) -> None:
    address = f"CarePlan/{stored['id']}/$validate?mode=delete"
    assert errors(await client.get(f"/{address}")) == []
    assert errors(await ask(client, address)) == []
    assert errors(await ask(client, address, BAD)) == []  # the content is ignored
    stale = await ask(client, address, **{"If-Match": 'W/"7"'})
    assert errors(stale) == [("version-conflict", "http.If-Match")]
    assert (await client.get(f"/CarePlan/{stored['id']}")).status_code == 200


async def test_preconditions_of_an_update_are_told_with_the_rest(client: httpx.AsyncClient, stored: Json) -> None:
    address = f"CarePlan/{stored['id']}/$validate?mode=update"
    bad = {**BAD, "id": stored["id"]}
    answer = await ask(client, address, bad, **{"If-Match": 'W/"7"'})
    assert errors(answer) == [*BAD_ISSUES, ("version-conflict", "http.If-Match")]
    assert errors(await ask(client, address, stored, **{"If-Match": 'W/"1"'})) == []
    part = (await client.get(f"/CarePlan/{stored['id']}?_elements=status")).json()
    assert errors(await ask(client, address, part)) == [("subsetted", "CarePlan.meta.tag")]


async def test_where_if_match_is_required_that_is_told(settings: Settings) -> None:
    async with client_of(settings.model_copy(update={"require_if_match": True})) as client:
        stored = await created(client, care_plan())
        for mode in ("update", "delete"):
            answer = await ask(client, f"CarePlan/{stored['id']}/$validate?mode={mode}", stored)
            assert errors(answer) == [("if-match-required", "http.If-Match")]


@pytest.mark.parametrize(
    ("address", "body", "status", "found", "words"),
    [
        ("CarePlan/$validate", "{", 400, [("not-json", None)], "JSON"),
        ("CarePlan/$validate", None, 400, [("parameter-value", None)], "no resource"),
        (
            "CarePlan/$validate?mode=banana",
            {},
            400,
            [("parameter-value", "http.mode")],
            "'banana' is not one of: create",
        ),
        ("CarePlan/$validate?mode=update", {}, 400, [("parameter-value", "http.mode")], "CarePlan/[id]/$validate"),
        ("CarePlan/$validate?mode=delete", None, 400, [("parameter-value", "http.mode")], "CarePlan/[id]/$validate"),
        ("CarePlan/x/$validate?mode=update", None, 400, [("parameter-value", "http.mode")], "no resource"),
        ("CarePlan/x/$validate?mode=create", None, 400, [("parameter-value", "http.mode")], "no resource"),
        ("CarePlan/x/$validate?mode=profile", None, 400, [("parameter-value", "http.mode")], "send profile"),
        ("CarePlan/$validate?mdoe=create", {}, 400, [("unknown-parameter", "http.mdoe")], "did you mean mode?"),
        ("CarePlan/$validate?resource=x", {}, 400, [("unknown-parameter", "http.resource")], "resource"),
        ("CarePlan/$validate?mode=create&mode=create", {}, 400, [("parameter-value", "http.mode")] * 2, "twice"),
        ("CarePlan/$validate?profile=http://x.org/p", {}, 422, [("profile-unknown", "http.profile")], "http://x.org/p"),
        (f"CarePlan/$validate?profile={RECOVERY_PLAN}|9", {}, 422, [("profile-unknown", "http.profile")], "|9"),
        (f"Goal/$validate?profile={RECOVERY_PLAN}", {}, 422, [("profile-type", "http.profile")], "not of Goal"),
        ("CarePlan/no-such/$validate", None, 404, [("unknown-resource", None)], "There is no CarePlan"),
        ("CarePlan/no-such/$validate?mode=delete", None, 404, [("unknown-resource", None)], "There is no CarePlan"),
        ("CarePlan/under_score/$validate", {}, 400, [("id-format", "CarePlan.id")], "id"),
        (
            "CarePlan/$validate",
            wrapped({"name": "mode", "valueString": "create"}, resource({})),
            400,
            [("parameter-value", "Parameters.parameter[0]")],
            "valueCode",
        ),
        (
            "CarePlan/$validate",
            wrapped({"name": "resuorce", "resource": {}}, resource({})),
            400,
            [("unknown-parameter", "Parameters.parameter[0]")],
            "did you mean resource?",
        ),
        (
            "CarePlan/$validate?mode=create",
            wrapped({"name": "mode", "valueCode": "create"}, resource({})),
            400,
            [("parameter-value", "Parameters.parameter[0]"), ("parameter-value", "http.mode")],
            "twice",
        ),
        (
            "CarePlan/$validate",
            {"resourceType": "Parameters", "parameter": {}, "mode": "create"},
            400,
            [("unknown-element", "Parameters.mode"), ("wrong-type", "Parameters.parameter")],
            "",
        ),
        (
            "CarePlan/$validate",
            wrapped({"valueCode": "create"}),
            422,
            [("cardinality", "Parameters.parameter[0].name")],
            "",
        ),
    ],
)
async def test_what_is_not_understood_is_refused(
    client: httpx.AsyncClient, address: str, body: Any, status: int, found: list[Any], words: str
) -> None:
    content = body if isinstance(body, str) else b"" if body is None else json.dumps(body)
    answer = await client.post(f"/{address}", content=content)
    assert (answer.status_code, problems(answer)) == (status, found)
    assert words in answer.json()["issue"][0]["diagnostics"]


async def test_a_deleted_resource_is_410(client: httpx.AsyncClient, stored: Json) -> None:
    await client.delete(f"/CarePlan/{stored['id']}")
    for query in ("", "?mode=delete"):
        answer = await client.get(f"/CarePlan/{stored['id']}/$validate{query}")
        assert (answer.status_code, problems(answer)) == (410, [("deleted", None)])


async def test_other_methods_and_types(client: httpx.AsyncClient) -> None:
    assert (await client.put("/CarePlan/$validate", json={})).headers["allow"] == "GET, POST, HEAD"
    assert (await client.delete("/CarePlan/x/$validate")).status_code == 405
    assert (await client.post("/Patient/$validate", json={})).status_code == 404
    assert (await client.post("/CarePlan/x/y/$validate", json={})).status_code == 404
    assert (await client.post("/CarePlan/$validate/x", json={})).status_code == 404
    assert (
        await client.post("/CarePlan/$validate", content="<a/>", headers={"Content-Type": "text/turtle"})
    ).status_code == 415


@pytest.mark.parametrize("make", [batch, transaction])
async def test_in_a_bundle_it_answers_with_a_resource_and_places_of_the_bundle(
    client: httpx.AsyncClient, make: Any
) -> None:
    new_id = str(uuid.uuid4())
    bundle = make(
        entry("PUT", f"Goal/{new_id}", goal(id=new_id)),
        entry("POST", "CarePlan/$validate", BAD),
        entry("GET", f"Goal/{new_id}/$validate"),
    )
    if make is batch:  # whose entries run side by side
        await client.put(f"/Goal/{new_id}", json=goal(id=new_id))
    answer = await send(client, bundle)
    _, of_bad, of_stored = answer.json()["entry"]
    assert of_bad["response"] == of_stored["response"] == {"status": "200 OK"}
    told = [(issue["details"]["coding"][0]["code"], issue["expression"]) for issue in of_bad["resource"]["issue"]]
    assert told == [(rule, [place.replace("CarePlan", "Bundle.entry[1].resource")]) for rule, place in BAD_ISSUES]
    assert of_stored["resource"]["issue"][0]["severity"] == "information"


async def test_each_issue_names_its_rule_in_the_published_table(client: httpx.AsyncClient) -> None:
    answer = await ask(client, f"CarePlan/$validate?profile={RECOVERY_PLAN}", BAD)
    table = (await client.get("/CodeSystem/validation-rule")).json()
    codes = {concept["code"] for concept in table["concept"]}
    for issue in answer.json()["issue"]:
        (coding,) = issue["details"]["coding"]
        assert coding["system"] == table["url"] == VALIDATION_RULE
        assert coding["code"] in codes
