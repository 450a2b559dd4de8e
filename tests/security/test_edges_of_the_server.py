"""Requests that are too long, too slow or no HTTP, sent as bytes to the service as it runs."""

import asyncio
import json
import time
from collections.abc import Iterator

import httpx
import pytest

from service.rest.connection import LONGEST_ADDRESS, LONGEST_HEADERS, MOST_HEADERS
from tests.security.wire import PATIENCE, all_of, exchange, request
from tests.support.resources import goal
from tests.support.service import running

RECEIVE, ANSWER = 1.2, 1.2


@pytest.fixture(scope="module")
def address(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service is that waits for little more than a second."""
    environment = {
        "RECOVERY_MONGODB_URI": mongodb_uri,
        "RECOVERY_MONGODB_DATABASE": "test_edges",
        "RECOVERY_RECEIVE_SECONDS": str(RECEIVE),
        "RECOVERY_ANSWER_SECONDS": str(ANSWER),
        "RECOVERY_AUDIT": "off",
        "RECOVERY_ALLOW_UNAUTHENTICATED": "yes",
    }
    with running(tmp_path_factory.mktemp("edges"), **environment) as service:
        yield service.await_ready()


class TestTooLong:
    async def test_the_longest_address_is_read_and_a_longer_one_refused(self, address: str) -> None:
        start = "/fhir/R4/Goal?_id="
        fits = start + "x" * (LONGEST_ADDRESS - len(start))
        assert (await exchange(address, request(fits))).status == 400  # by the search, whose values are too many
        told = await exchange(address, request(fits + "x"))
        assert (told.status, told.rules) == (414, ["address-too-long"])

    async def test_the_longest_headers_are_read_and_longer_ones_refused(self, address: str) -> None:
        others = len("HosthereConnectioncloseX")
        fits = "X: " + "y" * (LONGEST_HEADERS - others)
        assert (await exchange(address, request("/health/live", fits))).status == 200
        told = await exchange(address, request("/health/live", fits + "y"))
        assert (told.status, told.rules) == (431, ["header-too-long"])

    async def test_as_many_headers_as_may_be_are_read_and_more_refused(self, address: str) -> None:
        fits = [f"X-{number}: y" for number in range(MOST_HEADERS - 2)]
        assert (await exchange(address, request("/health/live", *fits))).status == 200
        told = await exchange(address, request("/health/live", *fits, "X: y"))
        assert (told.status, told.rules) == (431, ["header-too-long"])

    @pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nX: "])
    async def test_a_head_without_an_end_is_refused_before_it_ends(self, address: str, start: bytes) -> None:
        told = await exchange(address, start, *([b"x" * 65_536] * 100))
        assert told.raw == b"" or told.status in (414, 431)  # a reset can overtake the answer

    async def test_the_refusal_has_the_headers_of_every_answer(self, address: str) -> None:
        told = await exchange(address, request("/health/live", "X: " + "y" * LONGEST_HEADERS))
        names = [line.partition(":")[0].lower() for line in told.header_lines]
        assert {"content-type", "content-length", "x-content-type-options", "connection"} <= set(names)
        assert "server" not in names


class TestTooSlow:
    async def test_who_says_nothing_is_let_go(self, address: str) -> None:
        began = time.monotonic()
        assert (await exchange(address)).raw == b""
        assert time.monotonic() - began < 15  # the default is 20

    async def test_a_head_that_drips_is_408(self, address: str) -> None:
        drops = [bytes([byte]) for byte in request("/health/live")]
        told = await exchange(address, *drops, pause=0.1)
        assert (told.status, told.rules) == (408, ["slow-request"])

    async def test_a_body_that_drips_is_408_and_nothing_is_stored(self, address: str) -> None:
        head = request("/fhir/R4/Goal", "Content-Type: application/fhir+json", "Content-Length: 5000", method="POST")
        told = await exchange(address, head, *([b" "] * 60), pause=0.1)
        assert (told.status, told.rules) == (408, ["slow-request"])
        async with httpx.AsyncClient(base_url=address) as client:
            assert (await client.get("/fhir/R4/Goal?_summary=count")).json()["total"] == 0

    async def test_a_body_that_takes_its_time_is_read(self, address: str) -> None:
        body = b"_count=0"
        form = ("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}")
        head = request("/fhir/R4/Goal/_search", *form, method="POST")
        told = await exchange(address, head, body[:3], body[3:], pause=0.2)
        assert told.status == 200

    async def test_a_connection_in_use_outlives_the_time_for_one_request(self, address: str) -> None:
        async with httpx.AsyncClient(base_url=address, limits=httpx.Limits(max_connections=1)) as client:
            for _ in range(3):
                assert (await client.get("/health/live")).status_code == 200
                await asyncio.sleep(RECEIVE * 0.6)

    async def test_who_does_not_take_the_answer_is_let_go(self, address: str) -> None:
        host, port = address.removeprefix("http://").split(":")
        again = b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n"
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, int(port), limit=1)
            writer.write(again * 50)
            await asyncio.sleep(ANSWER * 3)
            taken = len(await all_of(reader))
            writer.close()
        async with httpx.AsyncClient(base_url=address) as client:
            one = len((await client.get("/openapi.json")).content)
        assert taken < 50 * one


class TestNoHttp:
    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of TLS
            b"GET\r\n\r\n",
            b"GET /health/live HTTP/1.1\r\n\r\n",  # no Host
            b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET /health/live HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n",
            b"GET /health/live HTTP/1.1\r\nHost: a\r\nX: b\x00c\r\n\r\n",
            b"GET /health/l\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
            b"POST /fhir/R4 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
            b"POST /fhir/R4 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /fhir/R4 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ],
    )
    async def test_is_refused_and_the_connection_closed(self, address: str, sent: bytes) -> None:
        told = await exchange(address, sent)
        assert (told.status, told.rules) == (400, ["malformed-request"])
        assert told.raw.count(b"HTTP/1.1 400 ") == 1

    async def test_an_absolute_address_names_the_host(self, address: str) -> None:
        told = await exchange(address, request("http://plans.example.org/fhir/R4/Goal?_count=0"))
        assert b'"http://plans.example.org/fhir/R4/Goal?_count=0"' in told.body
        assert b"here" not in told.body


class TestPathTricks:
    @pytest.mark.parametrize(
        "path",
        [
            "/fhir/R4/Goal/../CarePlan",
            "/fhir/R4/./Goal",
            "/fhir/R4/Goal/..",
            "/fhir/R4/%2e%2e/%2E./etc/passwd",
            "/fhir/R4/Goal%2F1",
            "/fhir/R4//Goal",
            "//fhir/R4/Goal",
            "/fhir/R4%5cGoal",
            "/docs/profiles/..%2f..%2fsettings",
            "/docs/../openapi.json",
        ],
    )
    async def test_what_can_be_read_in_two_ways_is_no_address(self, address: str, path: str) -> None:
        told = await exchange(address, request(path))
        assert (told.status, told.rules) == (404, ["unknown-address"])

    @pytest.mark.parametrize(
        "path", ["/fhir/R4/Goal/%252e%252e%252fCarePlan", "/fhir/R4/Goal/a%00", "/fhir/R4/Goal/%FF"]
    )
    async def test_what_is_decoded_once_is_not_decoded_again(self, address: str, path: str) -> None:
        told = await exchange(address, request(path))
        assert (told.status, told.rules) == (400, ["id-format"])


class TestHeaderInjection:
    @pytest.mark.parametrize("sent", ["a b", "a\tb", "ä", "x" * 65, "", "a, b", '"a"', "a;b"])
    async def test_an_id_that_is_not_well_formed_is_not_sent_back(self, address: str, sent: str) -> None:
        told = await exchange(address, request("/health/live", f"X-Request-Id: {sent}"))
        (line,) = [line for line in told.header_lines if line.startswith("x-request-id: ")]
        assert line.removeprefix("x-request-id: ").isalnum()
        assert line != f"x-request-id: {sent}"

    async def test_no_header_of_an_answer_can_be_made_by_an_address(self, address: str) -> None:
        for path in (
            "/docs/profiles%0d%0aX-Made: 1",
            "/fhir/R4/Goal%0d%0aX-Made:%201",
            "/fhir/R4/Goal?_id=%0d%0aX-Made:%201",
        ):
            told = await exchange(address, request(path.replace(" ", "%20")))
            assert not any(line.lower().startswith("x-made") for line in told.header_lines)

    async def test_no_location_can_be_made_by_a_host(self, address: str) -> None:
        body = json.dumps(goal()).encode()
        head = [b"POST /fhir/R4/Goal HTTP/1.1", b"Host: a.example/evil?", b"Connection: close"]
        head += [b"Content-Type: application/fhir+json", b"Content-Length: %d" % len(body)]
        told = await exchange(address, b"\r\n".join(head) + b"\r\n\r\n" + body)
        (line,) = [line for line in told.header_lines if line.startswith("location: ")]
        assert line.startswith(f"location: {address}/fhir/R4/Goal/")
