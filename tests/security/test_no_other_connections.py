"""Whatever address a client names, the service opens no connection but to its database."""

import asyncio
import json
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from pymongo.uri_parser import parse_uri

from service.settings import Settings
from tests.support.app import client_of
from tests.support.issuer import bearer, mint, token_settings
from tests.support.resources import batch, care_plan, entry, goal, transaction

EXAMPLES = sorted(Path("schemas/r4/examples/valid").glob("*.json"))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where this process connects to, and which names it looks up, from now to the end of the test."""
    found: list[Any] = []

    def spied(real: Callable[..., Any], place: int) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            found.append(arguments[place])
            return real(*arguments, **options)

        return call

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, spied(getattr(socket.socket, name), 1))
    for name in ("getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, spied(getattr(socket, name), 0))
    monkeypatch.setattr(subprocess.Popen, "__init__", spied(subprocess.Popen.__init__, 1))
    return found


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The address of somebody on this machine who waits for a call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/internal"


@pytest.fixture(scope="module")
async def client(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that knows clients by their tokens."""
    known = token_settings(tmp_path_factory.mktemp("known"))
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_no_other_connections", **known)
    async with client_of(settings) as found:
        yield found


def leading_to(value: Any, address: str) -> Any:
    """Return a resource of which every address is ``address``."""
    if isinstance(value, dict):
        return {name: leading_to(item, address) for name, item in value.items()}
    if isinstance(value, list):
        return [leading_to(item, address) for item in value]
    return re.sub(r"https?://[^\s\"'<>]+", address, value) if isinstance(value, str) and "xmlns" not in value else value


def requests(address: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and options of requests that name ``address`` wherever one can be named."""
    for example in EXAMPLES:
        resource = leading_to(json.loads(example.read_text("utf-8")), address)
        kind = resource["resourceType"]
        if kind == "Bundle":
            yield "POST", "", {"json": resource}
        else:
            yield "POST", f"/{kind}", {"json": resource}
            yield "POST", f"/{kind}/$validate", {"json": resource}
    named = care_plan(
        meta={"profile": [address], "source": address, "security": [{"system": address, "code": "x"}]},
        instantiatesCanonical=[address],
        instantiatesUri=[address],
        basedOn=[{"reference": f"{address}/CarePlan/1"}],
        supportingInfo=[{"reference": f"{address}/Binary/1", "identifier": {"system": address, "value": "x"}}],
        extension=[{"url": address, "valueAttachment": {"url": address, "contentType": "text/plain"}}],
        text={
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><img src="{address}" alt=""/></div>',
        },
    )
    yield "POST", "/CarePlan", {"json": named}
    yield "POST", f"/CarePlan/$validate?profile={quote(address)}", {"json": named}
    signed = {"type": [{"system": address, "code": "x"}], "when": "2026-01-01T00:00:00Z", "who": {"reference": address}}
    provenance = {
        "resourceType": "Provenance",
        "agent": [{"who": {"reference": f"{address}/Practitioner/1"}}],
        "entity": [{"role": "source", "what": {"reference": f"{address}/DocumentReference/1"}}],
        "policy": [address],
        "signature": [signed],
    }
    yield "POST", "/Goal", {"json": goal(), "headers": {"X-Provenance": json.dumps(provenance)}}
    yield "POST", "", {"json": transaction(entry("POST", f"{address}/Goal", goal(), full_url=f"{address}/Goal/1"))}
    yield "POST", "", {"json": batch(entry("GET", f"{address}/Goal"), entry("GET", f"Goal?subject={quote(address)}"))}
    conditional = goal(subject={"reference": f"Patient?identifier={address}|1"})
    yield "POST", "", {"json": transaction(entry("POST", "Goal", conditional))}
    for query in (
        f"category:in={address}",
        f"category:below={address}|x",
        f"subject={address}/Patient/1",
        f"subject:Patient.identifier={address}|x",
        f"_profile={address}",
        f"_source={address}",
        f"_filter=category in {address}",
        f"_include={address}",
        f"_format={address}",
    ):
        name, _, value = query.partition("=")
        yield "GET", f"/Goal?{name}={quote(value)}", {}
    for head in (
        f'<!DOCTYPE Goal SYSTEM "{address}">',
        f'<!DOCTYPE Goal [<!ENTITY x SYSTEM "{address}">]>',
        f'<!DOCTYPE Goal [<!ENTITY % x SYSTEM "{address}"> %x;]>',
        f'<?xml-stylesheet href="{address}"?>',
    ):
        text = f'{head}<Goal xmlns="http://hl7.org/fhir"><language value="&x;"/></Goal>'
        yield "POST", "/Goal", {"content": text.encode(), "headers": {"Content-Type": "application/fhir+xml"}}
    schema = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://hl7.org/fhir {address}"'
    include = f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{address}"/>'
    for text in (
        f'<Goal xmlns="http://hl7.org/fhir" {schema}/>',
        f'<Goal xmlns="http://hl7.org/fhir">{include}</Goal>',
    ):
        yield "POST", "/Goal", {"content": text.encode(), "headers": {"Content-Type": "application/fhir+xml"}}
    for name in (
        "Host",
        "Origin",
        "Referer",
        "Forwarded",
        "X-Forwarded-Host",
        "If-None-Exist",
        "Link",
        "Content-Location",
    ):
        yield (
            "GET",
            "/Goal?_count=1",
            {"headers": {name: address.removeprefix("http://") if name == "Host" else address}},
        )
    headers = [{"jku": address}, {"x5u": address}, {"kid": address}] if address.startswith("http") else []
    for header in headers:
        yield "GET", "/Goal", {"headers": {"Authorization": f"Bearer {mint('system/*.rs', header=header)}"}}
    yield "GET", "/Goal", {"headers": bearer("system/*.rs", iss=address, fhirUser=f"{address}/Practitioner/1")}


async def test_no_address_that_a_client_names_is_called(
    client: httpx.AsyncClient, mongodb_uri: str, elsewhere: str, heard: list[Any]
) -> None:
    known = {"Content-Type": "application/fhir+json", **bearer("system/*.cruds system/AuditEvent.rs", clearance="*")}
    statuses = set()
    for address in (elsewhere, "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"):
        for method, path, options in requests(address):
            sent = {**known, **options.pop("headers", {})}
            answer = await client.request(method, path, headers=sent, **options)
            assert answer.status_code < 500, (method, path, answer.text)
            statuses.add(answer.status_code)
    ((host, port),) = parse_uri(mongodb_uri)["nodelist"]
    assert [where for where in heard if where not in ((host, port), host)] == []
    assert {200, 201, 400, 401} <= statuses


async def test_a_connection_would_be_heard(heard: list[Any], elsewhere: str) -> None:
    where = urlsplit(elsewhere)
    _, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.close()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(elsewhere, timeout=0.1)
    assert heard.count((where.hostname, where.port)) == 2
