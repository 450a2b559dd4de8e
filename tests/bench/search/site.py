"""A filled database with the service on it, asked over HTTP."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from tests.bench.driver import BenchError
from tests.bench.search.filling import DATABASE
from tests.bench.search.kept import Filled
from tests.bench.servers import Server, running
from tests.bench.workload import BASE

_PATIENCE = 60.0


@dataclass(frozen=True)
class Site:
    """So many plans, and the service that answers for them."""

    filled: Filled
    server: Server

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server.port}"

    def get(self, address: str) -> dict[str, Any]:
        """Return the JSON at an address below the FHIR base; raises BenchError where it is not answered with 200."""
        connection = http.client.HTTPConnection(self.host, timeout=_PATIENCE)
        try:
            connection.request("GET", BASE + escaped(address))
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            raise BenchError(f"GET {address}: {error or type(error).__name__}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise BenchError(f"GET {address}: status {response.status}: {_reason(body)}")
        answer: dict[str, Any] = orjson.loads(body)
        return answer

    def page(self, address: str, number: int) -> str:
        """Return the address of a later page, reached by its ``next`` links; raises BenchError where they end."""
        for _ in range(number - 1):
            links = {link["relation"]: link["url"] for link in self.get(address)["link"]}
            if "next" not in links:
                raise BenchError(f"{address} has fewer than {number} pages")
            parts = urlsplit(links["next"])
            address = f"{parts.path.removeprefix(BASE)}?{parts.query}"
        return address


@contextmanager
def serving(filled: Filled, directory: Path) -> Iterator[Site]:
    """Yield the service on a filled database until the block ends."""
    variables = {"RECOVERY_MONGODB_DATABASE": DATABASE, "RECOVERY_EXPLAIN": "yes"}
    with running("service", "pymongo", filled.uri, directory, variables) as server:
        yield Site(filled, server)


def escaped(address: str) -> str:
    """Return an address as it is sent: nothing but what a URL may hold."""
    return quote(address, safe="/?&=:,$*%")


def _reason(body: bytes) -> str:
    """Return what an OperationOutcome says, or the first characters of another answer."""
    try:
        issues = orjson.loads(body)["issue"]
        return "; ".join(issue.get("diagnostics") or issue["details"]["text"] for issue in issues)
    except (ValueError, LookupError, TypeError):
        return body[:200].decode(errors="replace")
