"""What every request passes on its way in, and its answer on the way out."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.app import Application, create_app, edge
from service.rest.metrics import Metrics, metrics_route
from service.rest.request_id import peer
from service.settings import Settings
from tests.support.issuer import bearer, token_settings
from tests.support.resources import problems

FORM = "application/x-www-form-urlencoded"
EVERYWHERE = (
    "/",
    "/docs",
    "/openapi.json",
    "/health/live",
    "/nowhere",
    "/metrics",
    "/fhir/R4/metadata",
    "/fhir/R4/Goal/no",
)


PROXIES = {"trusted_proxies": "192.0.2.0/24", "allow_unauthenticated": True}
"""The tests' client is in this network."""


def client_of(app: ASGIApp, peer: str = "192.0.2.7") -> httpx.AsyncClient:
    """Return a client at the address ``peer``."""
    transport = httpx.ASGITransport(app, client=(peer, 40000))
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


@asynccontextmanager
async def application(settings: Settings, **changes: Any) -> AsyncIterator[Application]:
    """Give a service with changed settings, on a database that these tests only read."""
    app = create_app(Settings.model_validate({**settings.model_dump(exclude_unset=True), **changes}))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="module")
def shared_settings(mongodb_uri: str) -> Settings:
    """Settings for a database that these tests only read."""
    return Settings(mongodb_uri=mongodb_uri, mongodb_database="test_edges_read", audit="off")


@pytest.fixture(scope="module")
async def shared(shared_settings: Settings) -> AsyncIterator[Application]:
    """A service that lets everybody in."""
    async with application(shared_settings) as app:
        yield app


@pytest.fixture(scope="module")
async def plain(shared: Application) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service as it is by default."""
    async with client_of(shared) as client:
        yield client


def behind(app: Application, **changes: Any) -> httpx.AsyncClient:
    """Return a client of ``app`` behind an edge with other settings."""
    return client_of(edge(app.answer, Settings(**changes), []))


class TestRequestId:
    async def test_is_the_clients_where_it_is_well_formed(self, plain: httpx.AsyncClient) -> None:
        for path in EVERYWHERE:
            for sent in ("a", "4711", "0193-b.c_d", "x" * 64):
                answer = await plain.get(path, headers={"X-Request-Id": sent})
                assert answer.headers["x-request-id"] == sent

    async def test_is_made_otherwise_and_never_twice(self, plain: httpx.AsyncClient) -> None:
        made = [(await plain.get(path)).headers["x-request-id"] for path in EVERYWHERE]
        twice = await plain.get("/", headers=[("X-Request-Id", "a"), ("X-Request-Id", "b")])
        made.append(twice.headers["x-request-id"])
        assert len(set(made)) == len(made)
        assert all(re.fullmatch("[0-9a-f]{24}", each) for each in made)


class TestSecurityHeaders:
    async def test_stand_on_every_answer_once(self, plain: httpx.AsyncClient) -> None:
        for path in EVERYWHERE:
            answer = await plain.get(path)
            for name, value in (("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")):
                assert answer.headers.get_list(name) == [value], path
            (policy,) = answer.headers.get_list("content-security-policy")
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "server" not in answer.headers
            assert "strict-transport-security" not in answer.headers

    async def test_ask_for_tls_only_over_tls(self, shared: Application) -> None:
        async with behind(shared, **PROXIES) as client:
            told = {"Forwarded": "for=198.51.100.1;proto=https"}
            answer = await client.get("/fhir/R4/metadata", headers=told)
            assert answer.headers["strict-transport-security"] == "max-age=31536000"


def self_link(answer: httpx.Response) -> str:
    return answer.json()["link"][0]["url"]


class TestForwarded:
    SPOOFED = (
        {"Forwarded": "for=198.51.100.1;proto=https;host=evil.example"},
        {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil.example"},
    )

    @pytest.mark.parametrize("sent", SPOOFED)
    @pytest.mark.parametrize("trusted", [{}, {"trusted_proxies": "198.51.100.0/24"}])
    async def test_is_ignored_from_whom_it_is_not_expected(self, shared, sent, trusted) -> None:
        async with behind(shared, **trusted) as client:
            answer = await client.get("/fhir/R4/Goal?_count=0", headers=sent)
            assert self_link(answer) == "http://testserver/fhir/R4/Goal?_count=0"
            assert "evil" not in answer.text

    @pytest.mark.parametrize(
        ("sent", "base"),
        [
            (
                {"Forwarded": 'for="[2001:db8::1]:47";proto=https;host="plans.example:8443"'},
                "https://plans.example:8443",
            ),
            ({"Forwarded": "for=203.0.113.9;host=evil.example, for=198.51.100.1;proto=https"}, "https://testserver"),
            ({"Forwarded": "for=unknown;proto=https"}, "https://testserver"),
            ({"Forwarded": "for=198.51.100.1;host=a/b;proto=gopher"}, "http://testserver"),
            ({"Forwarded": "nonsense"}, "http://testserver"),
            ({"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https"}, "https://testserver"),
            (
                {
                    "X-Forwarded-For": "198.51.100.1, 192.0.2.99",
                    "X-Forwarded-Proto": "https",
                    "X-Forwarded-Host": "p.example",
                },
                "https://p.example",
            ),
            (
                {"X-Forwarded-For": "203.0.113.9, 198.51.100.1", "X-Forwarded-Host": "evil.example, p.example"},
                "http://p.example",
            ),
            ({"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Prefix": "/care/plans/"}, "http://testserver/care/plans"),
            ({"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Prefix": "/../x"}, "http://testserver"),
            ({"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Prefix": "//evil.example"}, "http://testserver"),
        ],
    )
    async def test_of_a_trusted_proxy_says_where_the_service_is(self, shared, sent, base) -> None:
        async with behind(shared, **PROXIES) as client:
            answer = await client.get("/fhir/R4/Goal?_count=0", headers=sent)
            assert self_link(answer) == f"{base}/fhir/R4/Goal?_count=0"

    async def test_that_contradicts_itself_is_refused(self, shared: Application) -> None:
        sent = {"Forwarded": "for=203.0.113.9", "X-Forwarded-For": "198.51.100.1"}
        async with behind(shared, **PROXIES) as client:
            answer = await client.get("/fhir/R4/Goal?_count=0", headers=sent)
            assert (answer.status_code, problems(answer)) == (400, [("malformed-request", "http.Forwarded")])
            agreeing = {"Forwarded": "for=203.0.113.9", "X-Forwarded-For": "203.0.113.9"}
            assert (await client.get("/fhir/R4/Goal?_count=0", headers=agreeing)).status_code == 200

    @pytest.mark.parametrize(
        ("chain", "client_address"),
        [
            ("198.51.100.1", "198.51.100.1"),
            ("198.51.100.1:5060", "198.51.100.1"),
            ("203.0.113.9, 198.51.100.1", "198.51.100.1"),
            ("203.0.113.9, 198.51.100.1, 192.0.2.8, 192.0.2.9", "198.51.100.1"),
            ("203.0.113.9, garbage", "unknown"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
        ],
    )
    async def test_the_client_is_the_last_that_a_trusted_proxy_names(self, chain: str, client_address: str) -> None:
        async def who(scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse(peer(scope))(scope, receive, send)

        async with client_of(edge(who, Settings(**PROXIES), [])) as client:
            assert (await client.get("/", headers={"X-Forwarded-For": chain})).text == client_address
            assert (await client.get("/")).text == "192.0.2.7"


class TestLocalHosts:
    HERE = ("localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:80", "plans.localhost", "service", "192.0.2.1")
    ELSEWHERE = ("evil.example", "127.0.0.1.evil.example:8000", "localhost.evil.example", "plans.example.org.", "127.1")

    async def test_without_tokens_only_names_of_this_machine_are_answered(self, shared: Application) -> None:
        async with behind(shared) as client:
            for path in ("/", "/fhir/R4/Goal?_count=0"):
                for host in self.HERE:
                    assert (await client.get(path, headers={"Host": host})).status_code == 200, host
                for host in self.ELSEWHERE:
                    refused = await client.get(path, headers={"Host": host})
                    assert (refused.status_code, problems(refused)) == (403, [("forbidden", "http.Host")]), host

    async def test_nor_one_that_a_trusted_proxy_passes_on(self, shared: Application) -> None:
        async with behind(shared, trusted_proxies="192.0.2.0/24") as client:
            sent = {"Forwarded": "for=198.51.100.1;host=plans.example.org"}
            assert (await client.get("/fhir/R4/Goal?_count=0", headers=sent)).status_code == 403

    @pytest.mark.parametrize("changes", [{"allow_unauthenticated": True}, {"auth": "jwt"}])
    async def test_whoever_opens_it_or_asks_for_tokens_can_name_it(self, shared: Application, changes) -> None:
        async with behind(shared, **changes) as client:
            assert (await client.get("/", headers={"Host": "plans.example.org"})).status_code == 200


class TestRateLimit:
    async def test_who_asks_too_often_is_told_when_to_come_again(self, shared_settings: Settings) -> None:
        async with application(shared_settings, rate_limit=5) as app, client_of(app) as client:
            answers = [await client.get("/fhir/R4/Goal?_count=0") for _ in range(7)]
            assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
            assert problems(answers[-1]) == [("too-many-requests", None)]
            assert 0 < int(answers[-1].headers["retry-after"]) <= 12
            assert (await client.get("/health/ready")).status_code == 200

    async def test_is_for_each_token_and_tokens_cannot_be_tried_for_ever(self, shared_settings, tmp_path) -> None:
        limited = application(shared_settings, rate_limit=3, **token_settings(tmp_path))
        async with limited as app, client_of(app) as client:
            for who in (bearer("system/*.rs", sub="one"), bearer("system/*.rs", sub="other")):
                answers = [await client.get("/fhir/R4/Goal?_count=0", headers=who) for _ in range(4)]
                assert [answer.status_code for answer in answers] == [200] * 3 + [429]
            tried = [{"Authorization": f"Bearer {number}"} for number in range(5)]
            answers = [await client.get("/fhir/R4/Goal", headers=sent) for sent in tried]
            assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 2
            good = await client.get("/fhir/R4/Goal?_count=0", headers=bearer("system/*.rs", sub="third"))
            assert good.status_code == 200


APP = "https://app.example.org"
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization, if-match"}


class TestCors:
    async def test_is_closed_by_default(self, plain: httpx.AsyncClient) -> None:
        for method in ("GET", "OPTIONS"):
            answer = await plain.request(method, "/fhir/R4/metadata", headers={"Origin": APP, **PREFLIGHT})
            assert not [name for name in answer.headers if name.startswith("access-control")]

    async def test_lets_pages_of_the_listed_origins_ask(self, shared: Application) -> None:
        async with behind(shared, cors_origins=f"https://other.example,{APP}") as client:
            asked = await client.options("/fhir/R4/Goal/1", headers={"Origin": APP, **PREFLIGHT})
            assert (asked.status_code, asked.content) == (204, b"")
            assert asked.headers["access-control-allow-origin"] == APP
            assert "PUT" in asked.headers["access-control-allow-methods"]
            allowed = asked.headers["access-control-allow-headers"].lower()
            assert all(name in allowed for name in ("authorization", "if-match", "if-none-exist", "prefer"))
            answer = await client.get("/fhir/R4/Goal/1", headers={"Origin": APP})
            assert answer.headers["access-control-allow-origin"] == APP
            exposed = answer.headers["access-control-expose-headers"].lower()
            assert all(name in exposed for name in ("etag", "location", "www-authenticate", "x-request-id"))
            assert "Origin" in answer.headers["vary"]
            assert "access-control-allow-credentials" not in answer.headers

    async def test_needs_no_token_to_tell_what_may_be_asked(self) -> None:
        async def token_wanted(scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("", 401)(scope, receive, send)

        async with client_of(edge(token_wanted, Settings(cors_origins=APP), [])) as client:
            assert (await client.options("/fhir/R4/Goal", headers={"Origin": APP, **PREFLIGHT})).status_code == 204
            assert (await client.options("/fhir/R4/Goal", headers={"Origin": APP})).status_code == 401

    @pytest.mark.parametrize(
        "origin",
        ["null", "*", "https://app.example.org.evil.example", "http://app.example.org", "https://APP.example.org"],
    )
    async def test_lets_nobody_else_ask(self, shared: Application, origin: str) -> None:
        async with behind(shared, cors_origins=APP) as client:
            for method in ("GET", "OPTIONS"):
                answer = await client.request(method, "/fhir/R4/metadata", headers={"Origin": origin, **PREFLIGHT})
                assert not [name for name in answer.headers if name.startswith("access-control")]
                assert "Origin" in answer.headers["vary"]

    @pytest.mark.parametrize("wrong", ["*", "https://*.example.org", "https://app.example.org/", "app.example.org"])
    def test_takes_origins_and_nothing_else(self, wrong: str) -> None:
        with pytest.raises(ValueError, match="origins such as"):
            Settings(cors_origins=wrong)


async def the_store_answers() -> None:
    pass


class TestMetrics:
    async def test_count_by_interaction_and_status(self, shared_settings: Settings) -> None:
        async with application(shared_settings) as app, client_of(app, "127.0.0.1") as client:
            for path in ("/fhir/R4/Goal?_count=0", "/fhir/R4/Goal/secret-name", "/fhir/R4/Goal/secret-name", "/"):
                await client.get(path)
            text = (await client.get("/metrics")).text
        assert 'recovery_plan_request_seconds_count{interaction="search-type",status="200"} 1.0' in text
        assert 'recovery_plan_request_seconds_count{interaction="read",status="404"} 2.0' in text
        assert "recovery_plan_database_ready 1.0" in text
        assert "secret" not in text

    @pytest.mark.parametrize(
        ("address", "sent", "changes", "status"),
        [
            ("127.0.0.1", {}, {}, 200),
            ("::1", {}, {}, 200),
            ("192.0.2.7", {}, {}, 403),
            ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, {}, 403),  # through a proxy that nobody trusts
            ("127.0.0.1", {"Via": "1.1 proxy"}, {}, 403),
            ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, {"trusted_proxies": "127.0.0.1"}, 403),
            ("127.0.0.1", {"Forwarded": "for=unknown"}, {"trusted_proxies": "127.0.0.1"}, 403),
            ("192.0.2.7", {}, {"metrics_from": "192.0.2.0/24"}, 200),
            ("127.0.0.1", {}, {"metrics_from": "192.0.2.0/24"}, 403),
        ],
    )
    async def test_are_for_those_who_are_meant_to_see_them(self, address, sent, changes, status) -> None:
        settings = Settings(**changes)
        route = metrics_route(Metrics(), settings.metrics_from, the_store_answers, lambda: 0)
        async with client_of(edge(Starlette(routes=[route]), settings, []), address) as client:
            assert (await client.get("/metrics", headers=sent)).status_code == status


class TestDecompression:
    @pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip", "GZIP"])
    async def test_no_compressed_body_is_opened(self, plain: httpx.AsyncClient, encoding: str) -> None:
        for path, kind in (("/fhir/R4/Goal", "application/fhir+json"), ("/fhir/R4/Goal/_search", FORM)):
            headers = {"Content-Type": kind, "Content-Encoding": encoding}
            answer = await plain.post(path, content=b"\x1f\x8b", headers=headers)
            assert (answer.status_code, problems(answer)) == (
                415,
                [("unsupported-media-type", "http.Content-Encoding")],
            )
