"""Load FHIR files through the public REST API, as a record system would.

https://hl7.org/fhir/R4/http.html#transaction and https://hl7.org/fhir/R4/http.html#upsert
"""

import ipaddress
import json
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from service.fhir.media_types import FHIR_JSON

FHIR_PATH = "/fhir/R4"
TIMEOUT = 60.0  # seconds

_HERE = Path(__file__).parents[1]


class Refused(Exception):  # noqa: N818 - the name says what it is
    """A file was not loaded; ``reasons`` are lines in plain words."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def sample_files() -> list[Path]:
    """Return the sample plans that come with the service, sorted by name."""
    homes = (_HERE / "schemas", _HERE.parent / "schemas")  # installed, or a checkout
    return [file for home in homes for file in sorted(home.glob("r4/examples/valid/sample-*.json"))]


def fhir_base(address: str) -> str:
    """Return the FHIR base of a service's address; one with a path is it already. Raises ValueError."""
    parts = urlsplit(address.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("an address starts with http:// or https:// and names a host")
    return parts.geturl() if parts.path else parts.geturl() + FHIR_PATH


def client_for(
    base: str, timeout: float = TIMEOUT, token: str | None = None, tls: ssl.SSLContext | None = None
) -> httpx.Client:
    """Return a client for the FHIR base, with a bearer token if there is one; without ``tls`` that of the machine.

    A proxy from the environment is not used for this machine.
    """
    host = urlsplit(base).hostname or ""
    return httpx.Client(
        base_url=base,
        timeout=timeout,
        trust_env=not _is_this_machine(host),
        verify=tls or True,
        headers={
            "Content-Type": FHIR_JSON,
            "Accept": FHIR_JSON,
            "Prefer": "return=minimal",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        },
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load_file(client: httpx.Client, file: Path) -> str:
    """Send one file and return in words what was stored; raises Refused.

    A Bundle (transaction or batch) is posted; a resource is put under its id, or posted without one. The
    bytes go out as they are, so that decimals keep their digits.
    """
    try:
        content = file.read_bytes()
        resource = json.loads(content)
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Refused(f"is not JSON: {error}") from error
    method, path = _interaction(resource)
    try:
        response = client.request(method, path, content=content)
    except httpx.HTTPError as error:
        raise Refused(f"{client.base_url.host} did not answer: {str(error) or type(error).__name__}") from error
    if not response.is_success:
        raise Refused(f"answered with {response.status_code}", *_issues(_json(response)))
    if path:
        return f"{resource['resourceType']} stored"
    refused = list(_refused_entries(_json(response)))
    if refused:
        raise Refused(*refused)
    count = len(resource.get("entry", []))
    return f"{count} resource{'' if count == 1 else 's'} stored"


def _interaction(resource: Any) -> tuple[str, str]:
    """Return the method and the path below the FHIR base; raises Refused."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or not kind.isalpha():
        raise Refused("is not a FHIR resource: it has no resourceType")
    if kind == "Bundle":
        if resource.get("type") not in ("transaction", "batch"):
            raise Refused("is a Bundle, but neither a transaction nor a batch")
        return "POST", ""
    if "id" in resource:
        return "PUT", f"{kind}/{quote(str(resource['id']), safe='')}"
    return "POST", kind


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _issues(outcome: Any) -> Iterator[str]:
    """Yield each issue of an OperationOutcome as ``severity: where: what``."""
    issues = outcome.get("issue", []) if isinstance(outcome, dict) else []
    for issue in issues:
        where = ", ".join(issue.get("expression", []))
        what = issue.get("details", {}).get("text") or issue.get("diagnostics") or issue.get("code", "")
        yield ": ".join(filter(None, (issue.get("severity", "error"), where, what)))


def _refused_entries(bundle: Any) -> Iterator[str]:
    """Yield what went wrong with the entries of a batch's response, in words."""
    entries: Sequence[Any] = bundle.get("entry", []) if isinstance(bundle, dict) else []
    for number, entry in enumerate(entries):
        response = entry.get("response", {})
        if not str(response.get("status", "")).startswith("2"):
            yield f"Bundle.entry[{number}] answered with {response.get('status')}"
            yield from _issues(response.get("outcome"))
