"""Small valid resources, Bundles and what tests read from answers."""

import uuid
from decimal import Decimal
from typing import Any

import httpx
import orjson

Json = dict[str, Any]

VALIDATION_RULE = "https://w3id.org/recovery-plan/CodeSystem/validation-rule"


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
    counts = [await client.get(f"/{name}?_summary=count") for name in ("CarePlan", "Goal", "RiskAssessment")]
    return sum(count.json()["total"] for count in counts)


def issues(response: httpx.Response) -> list[Json]:
    """Return the issues of an answer that must be a well-formed OperationOutcome about an error."""
    assert response.headers["content-type"] == "application/fhir+json; charset=utf-8"
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    return [checked_issue(issue) for issue in outcome["issue"]]


def checked_issue(issue: Json) -> Json:
    """Return rule key, code, place and sentence of an issue that must have the shape of all of ours."""
    assert issue["severity"] == "error"
    (coding,) = issue["details"]["coding"]
    assert coding["system"] == VALIDATION_RULE
    assert len(issue["diagnostics"].split()) > 3, "a sentence that can be acted on"
    assert "Traceback" not in issue["diagnostics"]
    (place,) = issue.get("expression", [None])
    return {"rule": coding["code"], "code": issue["code"], "place": place, "said": issue["diagnostics"]}


def problems(response: httpx.Response) -> list[tuple[str, str | None]]:
    """Return rule key and place of each issue of an answer that must be a well-formed OperationOutcome."""
    return [(issue["rule"], issue["place"]) for issue in issues(response)]


def with_numbers_as_text(value: Any) -> Any:
    """Return the value that JSON text stands for, each number as the digits that it was written in."""
    import json

    return json.loads(value, parse_float=lambda text: ("number", text), parse_int=lambda text: ("number", text))


def decimal(text: str) -> Decimal:
    """Return a number for `orjson`-free comparison."""
    return Decimal(text)
