"""Small valid resources, Bundles, and what tests read from answers."""

import json
import uuid
from typing import Any

import httpx
import orjson

Json = dict[str, Any]

VALIDATION_RULE = "https://w3id.org/recovery-plan/CodeSystem/validation-rule"
TYPES = ("CarePlan", "Goal", "RiskAssessment", "Provenance")


def care_plan(**members: Any) -> Json:
    """Return a minimal valid CarePlan with ``members`` added or replaced."""
    base = {"resourceType": "CarePlan", "status": "active", "intent": "plan"}
    return {**base, "subject": {"reference": "Patient/example"}, **members}


def goal(**members: Any) -> Json:
    """Return a minimal valid Goal with ``members`` added or replaced."""
    base = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "Run my own money"}}
    return {**base, "subject": {"reference": "Patient/example"}, **members}


def risk_assessment(**members: Any) -> Json:
    """Return a minimal valid RiskAssessment with ``members`` added or replaced."""
    base = {"resourceType": "RiskAssessment", "status": "final"}
    return {**base, "subject": {"reference": "Patient/example"}, **members}


def without(resource: Json, *names: str) -> Json:
    """Return ``resource`` without the members ``names``."""
    return {key: value for key, value in resource.items() if key not in names}


def entry(method: str, url: str, resource: Json | None = None, full_url: str | None = None, **request: Any) -> Json:
    """Return a Bundle entry; ``request`` are further members of its request, such as ``ifMatch``."""
    made: Json = {"request": {"method": method, "url": url, **request}}
    if full_url is not None:
        made["fullUrl"] = full_url
    if resource is not None:
        made["resource"] = resource
    return made


def transaction(*entries: Json) -> Json:
    """Return a Bundle of type transaction."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def batch(*entries: Json) -> Json:
    """Return a Bundle of type batch."""
    return {"resourceType": "Bundle", "type": "batch", "entry": list(entries)}


def new_urn() -> str:
    """Return a fullUrl that names nothing else."""
    return f"urn:uuid:{uuid.uuid4()}"


async def send(client: httpx.AsyncClient, bundle: Json, **headers: str) -> httpx.Response:
    """POST a Bundle to the service's root address."""
    return await client.post("", content=orjson.dumps(bundle), headers=headers)


async def created(client: httpx.AsyncClient, resource: Json) -> Json:
    """Create ``resource`` and return it as the service answers."""
    response = await client.post(f"/{resource['resourceType']}", json=resource)
    assert response.status_code == 201, response.text
    return response.json()


async def total(client: httpx.AsyncClient) -> int:
    """Return how many resources are stored, of all types, as searches count them."""
    counts = [await client.get(f"/{name}?_summary=count") for name in TYPES]
    return sum(count.json()["total"] for count in counts)


def statuses(response: httpx.Response) -> list[str]:
    """Return the status codes of the entries of a batch's or transaction's answer."""
    assert response.status_code == 200, response.text
    return [item["response"]["status"][:3] for item in response.json().get("entry", [])]


def paths(response: httpx.Response) -> list[str]:
    """Return ``Type/id`` of each entry of a batch's or transaction's answer that has a location."""
    locations = [item["response"].get("location", "") for item in response.json()["entry"]]
    return [location.partition("/_history/")[0] for location in locations if location]


def problems_in(outcome: Json) -> list[tuple[str, str | None]]:
    """Return rule key and place of each issue of an OperationOutcome, which must have the shape of all of ours.

    What else there is to know is no problem.
    """
    assert outcome["resourceType"] == "OperationOutcome"
    return [_rule_and_place(issue) for issue in outcome["issue"] if issue["severity"] != "information"]


def _rule_and_place(issue: Json) -> tuple[str, str | None]:
    assert issue["severity"] == "error"
    (coding,) = issue["details"]["coding"]
    assert coding["system"] == VALIDATION_RULE
    assert len(issue["diagnostics"].split()) > 3, "a sentence that can be acted on"
    assert "Traceback" not in issue["diagnostics"]
    (place,) = issue.get("expression", [None])
    return coding["code"], place


def issues_of(response: httpx.Response) -> list[Json]:
    """Return the issues of an answer."""
    assert response.status_code >= 400, response.text
    return response.json()["issue"]


def problems(response: httpx.Response) -> list[tuple[str, str | None]]:
    """Return rule key and place of each issue of an answer that must be an OperationOutcome."""
    assert response.headers["content-type"] == "application/fhir+json; charset=utf-8"
    return problems_in(response.json())


class Digits(str):
    """A number as it was written."""

    __slots__ = ()


def exactly(text: str | bytes) -> Any:
    """Return what JSON ``text`` says: objects as lists of pairs in their order, numbers as `Digits`."""
    return json.loads(text, object_pairs_hook=list, parse_float=Digits, parse_int=Digits)


def sent_part(text: str | bytes) -> Any:
    """Return `exactly` what a resource says apart from the members that the service sets."""
    return [(key, value) for key, value in exactly(text) if key not in ("resourceType", "id", "meta")]


async def there_and_back(client: httpx.AsyncClient, resource_type: str, text: str | bytes) -> bytes:
    """Create what ``text`` says, and return what a read gives, having compared it and the other ways to read it."""
    response = await client.post(f"/{resource_type}", content=text)
    assert response.status_code == 201, response.text
    address = f"/{resource_type}/{response.json()['id']}"
    read = await client.get(address)
    assert sent_part(read.content) == sent_part(text)
    assert read.content == response.content == (await client.get(f"{address}/_history/1")).content
    found = await client.get(f"/{resource_type}?_id={response.json()['id']}")
    history = await client.get(f"{address}/_history")
    assert read.content in found.content
    assert read.content in history.content
    pretty = await client.get(f"{address}?_pretty=true")
    assert exactly(pretty.content) == exactly(read.content)
    return read.content


def identified(value: str, **changes: Any) -> Json:
    """Return a Goal with the identifier that `by` asks for."""
    return goal(identifier=[{"system": "urn:plans", "value": value}], **changes)


def by(value: str) -> str:
    """Return the condition that finds what has this identifier."""
    return f"identifier=urn:plans|{value}"


def fresh() -> str:
    """Return an id that nothing has yet."""
    return new_urn().rpartition(":")[2]
