"""The same resource sent in each of the five ways to have it validated, and the resources around it."""

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx
import orjson

from tests.support import recovery
from tests.support.resources import VALIDATION_RULE, batch, entry, new_urn, transaction

Json = dict[str, Any]
WAYS = ("create", "update", "batch", "transaction", "$validate")
OUTCOME = {"Prefer": "return=OperationOutcome"}
OTHER_PERSON = {"reference": "Patient/example-juno"}
CLINICAL = [recovery.coded("goal-orientation", "clinical")]
OF_OTHER_PERSON = {"subject": OTHER_PERSON, "expressedBy": OTHER_PERSON}


class Finding(NamedTuple):
    """What matters of an issue, whichever way it was found."""

    severity: str
    rule: str
    place: str
    diagnostics: str


class Answer(NamedTuple):
    """Whether the resource was, or would be, accepted, and what was found."""

    is_accepted: bool
    findings: list[Finding]


async def store_surroundings(client: httpx.AsyncClient) -> None:
    """Store what the cases refer to: resources named ``example``, and some that are not fit to be referred to."""
    stored = [
        recovery.goal(id="example"),
        recovery.goal(id="clinical", category=CLINICAL, expressedBy=None),
        recovery.goal(id="of-other-person", **OF_OTHER_PERSON),
        recovery.goal(id="deleted"),
        recovery.assessment(id="example"),
        recovery.plan(id="example"),
        recovery.plan(
            id="of-other-person",
            extension=None,
            goal=None,
            note=None,
            status="draft",
            subject=OTHER_PERSON,
        ),
        recovery.assessment(
            id="of-other-person", status="preliminary", subject=OTHER_PERSON, extension=None, prediction=None
        ),
    ]
    for resource in stored:
        response = await client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
        assert response.status_code in (200, 201), response.text
    assert (await client.delete("/Goal/deleted")).status_code == 204


def ways_of(resource_type: str) -> tuple[str, ...]:
    """Return the ways that resources of a type can be sent: what was recorded as Provenance is not changed."""
    return tuple(way for way in WAYS if resource_type != "Provenance" or way != "update")


async def answers(client: httpx.AsyncClient, resource: Json) -> dict[str, Answer]:
    """Return what comes of ``resource`` in each way that its type has; it is sent under an id that was never used."""
    name, new_id = resource["resourceType"], f"new-{uuid.uuid4()}"
    whole = {**resource, "id": new_id}
    entries = [entry("POST", name, whole, new_urn())]
    responses = {
        "create": await client.post(f"/{name}", content=orjson.dumps(whole), headers=OUTCOME),
        **(
            {"update": await client.put(f"/{name}/{new_id}", content=orjson.dumps(whole), headers=OUTCOME)}
            if "update" in ways_of(name)
            else {}
        ),
        "batch": await client.post("", content=orjson.dumps(batch(*entries)), headers=OUTCOME),
        "transaction": await client.post("", content=orjson.dumps(transaction(*entries)), headers=OUTCOME),
        "$validate": await client.post(f"/{name}/$validate", content=orjson.dumps(whole)),
    }
    return {way: _answer(way, response, name) for way, response in responses.items()}


def _answer(way: str, response: httpx.Response, name: str) -> Answer:
    told: Json = response.json()
    status = str(response.status_code)
    assert not status.startswith("5"), response.text
    if told["resourceType"] == "Bundle":
        (only,) = told["entry"]
        status, told = only["response"]["status"], only["response"]["outcome"]
    findings = findings_in(told, name)
    if way == "$validate":
        assert status == "200"
        return Answer(all(item.severity == "warning" for item in findings), findings)
    assert status.startswith(("201", "400", "422")), status
    return Answer(status.startswith("2"), findings)


def findings_in(outcome: Json, name: str) -> list[Finding]:
    """Return what an OperationOutcome finds about a resource of the type ``name``, in the order it is told."""
    assert outcome["resourceType"] == "OperationOutcome"
    return [_finding(issue, name) for issue in outcome["issue"] if issue["severity"] != "information"]


def _finding(issue: Mapping[str, Any], name: str) -> Finding:
    (coding,) = issue["details"]["coding"]
    assert coding["system"] == VALIDATION_RULE
    (place,) = issue["expression"]
    return Finding(
        issue["severity"], coding["code"], place.replace("Bundle.entry[0].resource", name), issue["diagnostics"]
    )
