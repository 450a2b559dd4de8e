"""Pressing "Try it out" and "Execute" on every operation of the API page succeeds on a service with the samples.

``sample_client`` is an ``httpx.AsyncClient`` on a service whose store has the samples loaded.
"""

import json
from typing import Any

import httpx
import pytest

from tests.contract.test_openapi import Operation, definitions, document, operations, parameters, resolve

BODIES = [
    pytest.param(path, method, operation, name, id=f"{operation['operationId']}-{name or 'no body'}")
    for path, method, operation in operations()
    for name in (
        next(iter(operation["requestBody"]["content"].values())).get("examples", [None])
        if "requestBody" in operation
        else [None]
    )
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


def as_filled_in(path: str, operation: Operation, body: str | None) -> tuple[str, dict[str, Any]]:
    """Return the address and the arguments of the request that Swagger UI sends when nothing is edited."""
    for name, parameter in parameters(operation, "path").items():
        path = path.replace(f"{{{name}}}", parameter["example"])
    query = {key: item["example"] for key, item in parameters(operation, "query").items() if "example" in item}
    arguments: dict[str, Any] = {"params": query}
    if "requestBody" in operation:
        media_type, content = next(iter(operation["requestBody"]["content"].items()))
        if body is None:
            fields = resolve(content["schema"])["properties"].items()
            arguments["data"] = {key: field["example"] for key, field in fields if field.get("example")}
        else:
            arguments["json"] = resolve(content["examples"][body])["value"]
        arguments["headers"] = {"Content-Type": media_type}
    return path, arguments


@pytest.mark.parametrize(("path", "method", "operation", "body"), BODIES)
async def test_every_operation_succeeds_as_it_is_filled_in(
    sample_client: httpx.AsyncClient, path: str, method: str, operation: Operation, body: str | None
) -> None:
    address, arguments = as_filled_in(path, operation, body)
    answer = await sample_client.request(method, address, **arguments)
    assert answer.is_success, answer.text
    assert str(answer.status_code) in operation["responses"]
    if answer.content:
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
    assert answer.json()["total"] > 0 or code not in {"_id", *FINDING[name]}


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
async def test_the_pages_are_there(sample_client: httpx.AsyncClient, path: str) -> None:
    answer = await sample_client.get(path)
    assert answer.status_code == 200
    assert (await sample_client.head(path)).status_code == 200
