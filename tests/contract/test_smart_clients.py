"""A SMART App Launch, as a client that other people wrote does it, against a small authorisation server."""

import base64
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.careplan import CarePlan
from fhirclient.server import FHIRUnauthorizedException

from tests.support.authorization_server import AuthorizationServer
from tests.support.issuer import AUDIENCE
from tests.support.service import COMMAND, running

ROBIN = "sample-robin-recovery-plan"


@pytest.fixture(scope="module")
def issuer() -> Iterator[AuthorizationServer]:
    with AuthorizationServer(patient="example-robin", fhirUser="Patient/example-robin") as running_issuer:
        yield running_issuer


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, issuer: AuthorizationServer) -> Iterator[str]:
    """The FHIR address of a service that accepts tokens of ``issuer``, and holds the sample plans."""
    settings = {"RECOVERY_AUTH": "jwt", "RECOVERY_ISSUER": issuer.url, "RECOVERY_AUDIENCE": AUDIENCE}
    with running(tmp_path_factory.mktemp("smart"), **settings) as service:
        root = service.await_ready()
        everything = issuer.mint("system/*.cruds", patient=None, fhirUser=None, clearance="*")
        loading = [*COMMAND, "load", "--to", root, "--token", everything]
        loaded = subprocess.run(loading, capture_output=True, text=True, check=False)
        assert loaded.returncode == 0, loaded.stderr
        yield f"{root}/fhir/R4"


def launched(address: str, scope: str) -> FHIRClient:
    """Return a client of the SMART platform's fhirclient that a person has let in."""
    settings: dict[str, Any] = {"app_id": "app", "api_base": address, "scope": scope}
    client = FHIRClient(settings={**settings, "redirect_uri": "http://127.0.0.1/after"})
    assert not client.prepare()  # it needs a token first
    sent_to = requests.get(client.authorize_url, allow_redirects=False, timeout=10)
    client.handle_callback(sent_to.headers["Location"])
    return client


def test_the_person_reads_the_own_plan(address: str, issuer: AuthorizationServer) -> None:
    client = launched(address, "patient/*.rs openid fhirUser")
    try:
        assert client.ready
        assert client.patient_id == "example-robin"
        plan = CarePlan.read(ROBIN, client.server)
        assert plan.subject.reference == "Patient/example-robin"
        found = CarePlan.where({"_count": "100"}).perform_resources_iter(client.server)
        assert {item.subject.reference for item in found} == {"Patient/example-robin"}
    finally:
        client.server.session.close()


def test_without_a_launch_nothing_is_read(address: str) -> None:
    client = FHIRClient(settings={"app_id": "app", "api_base": address})
    try:
        with pytest.raises(FHIRUnauthorizedException):
            CarePlan.read(ROBIN, client.server)
    finally:
        client.server.session.close()


def test_what_a_client_is_told_leads_to_the_issuer(address: str, issuer: AuthorizationServer) -> None:
    answer = httpx.get(f"{address}/.well-known/smart-configuration")
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert (told["authorization_endpoint"], told["token_endpoint"]) == (
        f"{issuer.url}/authorize",
        f"{issuer.url}/token",
    )
    (rest,) = httpx.get(f"{address}/metadata").json()["rest"]
    assert rest["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["", "/CarePlan", f"/CarePlan/{ROBIN}", "/StructureDefinition", "/nothing/at/all", "/$meta"]
)
def test_everything_else_needs_a_token(address: str, method: str, path: str) -> None:
    token = "a.b.c"
    for headers, error in (({}, ""), ({"Authorization": f"Bearer {token}"}, 'error="invalid_token"')):
        answer = httpx.request(method, f"{address}{path}", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "token"
        assert answer.headers["www-authenticate"].startswith('Bearer realm="recovery-plan"')
        assert error in answer.headers["www-authenticate"]
        assert token not in answer.text + str(answer.headers)


def test_a_token_in_the_address_is_none(address: str, issuer: AuthorizationServer) -> None:
    token = issuer.mint("patient/*.rs")
    assert httpx.get(f"{address}/CarePlan", params={"access_token": token}).status_code == 401
    both = httpx.get(
        f"{address}/CarePlan", params={"access_token": token}, headers={"Authorization": f"Bearer {token}"}
    )
    assert both.status_code == 400
    assert token not in both.text
    reader = {"Authorization": f"Bearer {issuer.mint('system/AuditEvent.rs', patient=None, fhirUser=None)}"}
    events = httpx.get(f"{address}/AuditEvent", params={"_count": "10"}, headers=reader)
    assert events.json()["entry"]
    told = [base64.b64decode(query).decode() for query in re.findall(r'"query":"([^"]+)"', events.text)]
    assert any("access_token=" in query for query in told)
    assert not any(token in query for query in told)


def test_two_headers_are_refused(address: str, issuer: AuthorizationServer) -> None:
    good = ("Authorization", f"Bearer {issuer.mint('patient/*.rs')}")
    assert httpx.get(f"{address}/CarePlan", headers=[good]).status_code == 200
    for headers in ([good, good], [good, ("Authorization", "Basic dTpw")], [("Authorization", "Basic dTpw"), good]):
        answer = httpx.get(f"{address}/CarePlan", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_addresses_that_are_public(address: str) -> None:
    root = address.removesuffix("/fhir/R4")
    for path in (
        "/",
        "/docs",
        "/openapi.json",
        "/docs/profiles/",
        "/health/live",
        "/health/ready",
        "/fhir/R4/metadata",
    ):
        for headers in ({}, {"Authorization": "Bearer of.bad.news"}):
            assert httpx.get(root + path, headers=headers).status_code == 200
