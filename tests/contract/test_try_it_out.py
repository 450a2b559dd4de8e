"""Pressing "Try it out" and "Execute" on every operation of the API page succeeds on a service with the samples.

``sample_client`` is an ``httpx.AsyncClient`` on a service whose store has the samples loaded.
"""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.contract.test_openapi import Operation, definitions, document, operations, parameters, resolve

FORM = "application/x-www-form-urlencoded"


def examples(operation: Operation) -> list[tuple[str | None, str | None]]:
    """Return media type and name of each example of a body; None for a form, which has fields, and for no body."""
    contents = operation.get("requestBody", {"content": {}})["content"]
    named = [(media_type, name) for media_type, content in contents.items() for name in content.get("examples", ())]
    return named or [(FORM if FORM in contents else None, None)]


BODIES = [
    pytest.param(path, method, operation, media_type, name, id=f"{operation['operationId']}-{name or 'no body'}")
    for path, method, operation in operations()
    for media_type, name in examples(operation)
]
SEARCHES = [
    pytest.param(
        name,
        parameter["name"],
        (parameter["schema"].get("examples") or [parameter.get("example")])[0],
        id=f"{name}-{parameter['name']}",
    )
    for name in definitions.stored_types
    for parameter in document["paths"][f"/fhir/R4/{name}"]["get"]["parameters"]
    if "$ref" not in parameter
]
FINDING = json.loads((definitions.folder / "examples" / "searches.json").read_bytes())


@pytest.fixture(scope="module", autouse=True)
async def _a_subscription(sample_client: httpx.AsyncClient) -> None:
    """Store the one thing that a service never loads as a sample, because it would be delivered somewhere."""
    asked = json.loads((definitions.folder / "examples" / "valid" / "subscription.json").read_bytes())
    assert (await sample_client.put(f"/fhir/R4/Subscription/{asked['id']}", json=asked)).status_code == 201


async def as_filled_in(
    client: httpx.AsyncClient, path: str, operation: Operation, media_type: str | None, body: str | None
) -> tuple[str, dict[str, Any]]:
    """Return the address and the arguments of the request that Swagger UI sends when nothing is edited.

    An id that is not filled in is searched for, as its description says.
    """
    for name, parameter in parameters(operation, "path").items():
        example = parameter.get("example") or await an_id(client, path.partition("/{id}")[0])
        path = path.replace(f"{{{name}}}", example)
    query: dict[str, Any] = {}
    for name, parameter in parameters(operation, "query").items():
        if "example" in parameter:
            query |= parameter["example"] if parameter.get("explode") else {name: parameter["example"]}
    headers = {name: each["example"] for name, each in parameters(operation, "header").items() if "example" in each}
    arguments: dict[str, Any] = {"params": query, "headers": headers}
    if media_type is not None:
        content = operation["requestBody"]["content"][media_type]
        headers["Content-Type"] = media_type
        if body is None:
            fields = resolve(content["schema"])["properties"].items()
            arguments["data"] = {key: field["example"] for key, field in fields if field.get("example")}
        else:
            example = resolve(content["examples"][body])["value"]
            arguments["content"] = example if isinstance(example, str) else json.dumps(example)
    return path, arguments


async def a_job(client: httpx.AsyncClient) -> str:
    """Return the id of a job that is done, and has refused something."""
    started = await client.post("/fhir/R4/$import", content=b"{}", headers={"Content-Type": "application/fhir+ndjson"})
    address = started.headers["content-location"]
    async with asyncio.timeout(60):
        while True:
            if (await client.get(address)).status_code == 200:
                return address.rpartition("/")[2]
            await asyncio.sleep(0.02)


async def an_id(client: httpx.AsyncClient, address: str) -> str:
    """Return the id of a resource that a search finds, or of a job."""
    if address.endswith("/$job"):
        return await a_job(client)
    found: str = (await client.get(address)).json()["entry"][0]["resource"]["id"]
    return found


@pytest.mark.parametrize(("path", "method", "operation", "media_type", "body"), BODIES)
async def test_every_operation_succeeds_as_it_is_filled_in(
    sample_client: httpx.AsyncClient,
    path: str,
    method: str,
    operation: Operation,
    media_type: str | None,
    body: str | None,
) -> None:
    address, arguments = await as_filled_in(sample_client, path, operation, media_type, body)
    answer = await sample_client.request(method, address, **arguments)
    assert answer.is_success, answer.text
    assert str(answer.status_code) in operation["responses"]
    if "json" in answer.headers.get("content-type", ""):
        bundle = answer.json()
        assert bundle.get("type") != "searchset" or bundle["entry"], "the search that is filled in finds something"
        for entry in bundle.get("entry", []):
            assert entry.get("response", {"status": "200"})["status"].startswith("2"), entry


@pytest.mark.parametrize(("name", "code", "value"), SEARCHES)
async def test_the_example_of_every_search_parameter_finds_a_sample(
    sample_client: httpx.AsyncClient, name: str, code: str, value: str
) -> None:
    answer = await sample_client.get(f"/fhir/R4/{name}", params={code: value, "_total": "accurate"})
    assert answer.status_code == 200, answer.text
    is_known = code == "_id" and name != "Provenance"  # its ids are the server's
    assert answer.json()["total"] > 0 or not (is_known or code in FINDING[name])


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
async def test_the_pages_are_there(sample_client: httpx.AsyncClient, path: str) -> None:
    answer = await sample_client.get(path)
    assert answer.status_code == 200
    assert (await sample_client.head(path)).status_code == 200
