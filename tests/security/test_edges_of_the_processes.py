"""The service as it runs, with two workers and TLS: what it lets nobody read along, and what it writes down."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.server.tls import context_for
from tests.security.wire import exchange, request
from tests.support.issuer import bearer, token_settings
from tests.support.resources import batch, care_plan, entry, goal, transaction
from tests.support.service import PATIENCE, Service, refuse_to_start, running

MARK = "Ximena"
SECRET = "hunter2"
LONG_SECRET = f"{SECRET}-which-is-long-enough-to-be-a-key-of-something"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of a certificate for 127.0.0.1 that signs itself, and of its key."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    return files


@pytest.fixture(scope="module")
def service(
    mongodb_uri: str, certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Two workers who speak TLS, know clients by their tokens and log in JSON."""
    data = tmp_path_factory.mktemp("processes")
    environment = {
        "mongodb_uri": mongodb_uri,
        "mongodb_database": "test_edges_processes",
        "page_secret": LONG_SECRET,
        "tls_certificate": certificate[0],
        "tls_key": certificate[1],
        "log": "json",
        "access_log": "yes",
        **token_settings(data),
    }
    named = {f"RECOVERY_{name}".upper(): str(value) for name, value in environment.items()}
    with running(data, "--workers", "2", **named) as started:
        yield started


@pytest.fixture(scope="module")
def address(service: Service) -> str:
    """Where it is."""
    return service.await_ready()


@pytest.fixture
async def client(address: str, certificate: tuple[Path, Path]) -> AsyncIterator[httpx.AsyncClient]:
    """A client that trusts the certificate, and opens a connection for each request, to reach either worker."""
    trusted = ssl.create_default_context(cafile=certificate[0])
    once = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, verify=trusted, limits=once, timeout=PATIENCE) as found:
        yield found


class TestTls:
    async def test_is_spoken(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/fhir/R4/metadata")
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert answer.json()["implementation"]["url"].startswith("https://127.0.0.1:")

    async def test_is_the_only_language(self, address: str) -> None:
        plain = address.replace("https", "http")
        assert b"200" not in (await exchange(plain, request("/health/live"))).raw
        async with httpx.AsyncClient(base_url=plain) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/health/live")

    async def test_of_an_old_version_is_not(self, address: str, certificate: tuple[Path, Path]) -> None:
        old = context_for(certificate[0])
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLS"):
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        async with httpx.AsyncClient(base_url=address, verify=old) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("/health/live")

    def test_with_files_that_do_not_fit_does_not_start(self, certificate: tuple[Path, Path], tmp_path: Path) -> None:
        wrong = {"RECOVERY_TLS_CERTIFICATE": str(certificate[1]), "RECOVERY_TLS_KEY": str(certificate[1])}
        code, lines = refuse_to_start("serve", "--port", "0", "--data", str(tmp_path), **wrong)
        assert code == 2
        assert [line.partition(":")[2].strip().partition(" cannot")[0] for line in lines] == [
            "RECOVERY_TLS_CERTIFICATE and RECOVERY_TLS_KEY"
        ]


async def test_metrics_are_those_of_all_workers(client: httpx.AsyncClient) -> None:
    async def counted() -> int:
        lines = (await client.get("/metrics")).text.splitlines()
        name = 'recovery_plan_request_seconds_count{interaction="capabilities",status="200"} '
        return int(sum(float(line.removeprefix(name)) for line in lines if line.startswith(name)))

    before = await counted()
    await asyncio.gather(*(client.get("/fhir/R4/metadata") for _ in range(20)))
    assert [await counted() for _ in range(6)] == [before + 20] * 6


async def provoke(client: httpx.AsyncClient, address: str) -> None:
    """Ask for everything that could end up in a log with the name of a person, or with a secret."""
    known = bearer("system/*.cruds", sub=MARK, client_id=MARK, patient=None)
    named = goal(id=MARK, description={"text": MARK}, subject={"reference": f"Patient/{MARK}"})
    provenance = json.dumps({"resourceType": "Provenance", "agent": [{"who": {"display": MARK}}]})
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", f"/fhir/R4/Goal/{MARK}", {"json": named}),
        ("PUT", f"/fhir/R4/Goal/{MARK}", {"json": named, "headers": {"If-Match": f'W/"{MARK}"'}}),
        ("POST", "/fhir/R4/Goal", {"json": named, "headers": {"If-None-Exist": f"identifier={MARK}"}}),
        ("POST", "/fhir/R4/Goal", {"json": named, "headers": {"X-Provenance": provenance}}),
        ("POST", "/fhir/R4/Goal", {"content": f'{{"resourceType": "Goal", "{MARK}"'.encode()}),
        (
            "POST",
            "/fhir/R4/Goal",
            {"content": f"<Goal><{MARK}>".encode(), "headers": {"Content-Type": "application/xml"}},
        ),
        ("POST", "/fhir/R4/CarePlan", {"json": care_plan(status=MARK)}),
        ("POST", "/fhir/R4", {"json": transaction(entry("PUT", f"Goal/{MARK}-2", {**named, "id": f"{MARK}-2"}))}),
        ("POST", "/fhir/R4", {"json": batch(entry("GET", f"Goal?description:text={MARK}"))}),
        ("PATCH", f"/fhir/R4/Goal/{MARK}", {"json": [{"op": "test", "path": f"/{MARK}", "value": MARK}]}),
        ("GET", f"/fhir/R4/Goal/{MARK}", {}),
        ("GET", f"/fhir/R4/Goal/{MARK}/_history", {}),
        ("GET", f"/fhir/R4/Goal?patient={MARK}&{MARK}=1&_filter={MARK}", {}),
        ("GET", f"/fhir/R4/Goal?_content={MARK}&_sort={MARK}", {}),
        ("GET", f"/fhir/R4/Patient/{MARK}/Goal", {}),
        ("GET", f"/fhir/R4/{MARK}/{MARK}/${MARK}", {}),
        ("GET", f"/{MARK}?{MARK}", {}),
        ("DELETE", f"/docs/profiles/{MARK}", {}),
        (MARK.upper(), "/fhir/R4/Goal", {}),
        ("GET", "/fhir/R4/Goal", {"headers": {"Accept": MARK, "User-Agent": MARK, "X-Request-Id": f"{MARK} {MARK}"}}),
        ("GET", "/fhir/R4/Goal", {"headers": {"Authorization": f"Bearer {SECRET}"}}),
        ("GET", "/fhir/R4/Goal", {"headers": {"Authorization": f"Basic {SECRET}"}}),
        ("GET", "/fhir/R4/Goal", {"headers": {"X-Forwarded-For": MARK, "Forwarded": f"for={MARK}"}}),
        ("DELETE", f"/fhir/R4/Goal/{MARK}", {}),
    ]
    for method, path, options in asked:
        headers = {"Content-Type": "application/fhir+json", **known, **options.pop("headers", {})}
        answer = await client.request(method, path, headers=headers, **options)
        assert answer.status_code < 500, (method, path, answer.text)
    plain = address.replace("https", "http")
    await exchange(plain, request(f"/fhir/R4/Goal/{MARK}", f"Authorization: Bearer {SECRET}"))


async def test_nobody_is_named_in_what_is_written_down(
    client: httpx.AsyncClient, service: Service, address: str
) -> None:
    await provoke(client, address)
    token = known_token()
    marked = {"Authorization": f"Bearer {token}", "X-Request-Id": "last"}
    assert (await client.get("/fhir/R4/Goal/last", headers=marked)).status_code == 404
    metrics = (await client.get("/metrics")).text
    lines = await until_logged(service, "last")
    for written in (*service.errors, metrics):
        assert MARK.lower() not in written.lower(), written
        assert SECRET not in written, written
        assert token.split(".")[2] not in written, written
        assert "mongodb://" not in written, written
    last = next(line for line in lines if line.get("request_id") == "last")
    assert {name: last[name] for name in ("level", "method", "route", "interaction", "status")} == {
        "level": "INFO",
        "method": "GET",
        "route": "/fhir/R4/Goal/*",
        "interaction": "read",
        "status": 404,
    }
    assert len(last["client"]) == 12
    assert 0 < last["milliseconds"] < PATIENCE * 1000
    assert datetime.fromisoformat(last["time"]).tzinfo is not None
    routes = {line["route"] for line in lines if "route" in line}
    assert {"/fhir/R4", "/fhir/R4/Goal/*/_history", "/fhir/R4/Patient/*/Goal", "/*", "/docs/profiles/*"} <= routes


def known_token() -> str:
    return bearer("system/*.cruds")["Authorization"].removeprefix("Bearer ")


async def until_logged(service: Service, request_id: str) -> list[dict[str, Any]]:
    """Return the lines of the log, all of which are JSON, once the request is among them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            lines = [json.loads(line) for line in list(service.errors)]
            if any(line.get("request_id") == request_id for line in lines):
                return lines
            await asyncio.sleep(0.05)
