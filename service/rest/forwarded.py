"""What a proxy tells of the client behind it: Forwarded (RFC 7239), or X-Forwarded-For, -Proto, -Host and -Prefix."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from service.fhir.outcome import Issue, OutcomeError
from service.rest.errors import refusal
from service.rest.http import HOST
from service.rest.networks import is_within, read_address
from service.rest.request_id import peer
from service.settings import IPNetwork

_PAIR = re.compile(r'\s*([A-Za-z]+)=(?:"([^"\\]*)"|([^",;\s]*))\s*')
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_WITH_PORT = re.compile(r"\[(?P<six>[^]]*)\](:\d+)?|(?P<four>[^:]*):\d+")
_TELLING = (b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-prefix")
_TOLD = "recovery.forwarded"


class Hop(NamedTuple):
    """What one proxy says about the request that it got."""

    client: str = ""
    scheme: str = ""
    host: str = ""


def with_forwarded(app: ASGIApp, trusted: tuple[IPNetwork, ...]) -> ASGIApp:
    """Return ``app``, which sees client, scheme, host and prefix as the ``trusted`` proxies tell them."""
    if not trusted:
        return app

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if is_within(peer(scope), trusted):
                _retell(scope, trusted)
        except OutcomeError as error:
            await refusal(error)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return answer


def has_unknown_client(scope: Scope) -> bool:
    """Return whether a request came through a proxy of which nobody said that it tells the truth about the client."""
    return _TOLD not in scope and any(name in _TELLING or name == b"via" for name, _ in scope["headers"])


def _retell(scope: Scope, trusted: tuple[IPNetwork, ...]) -> None:
    """Put into ``scope`` what the proxies say; raises OutcomeError where they contradict each other."""
    headers: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name in _TELLING:
            headers[name] = (
                f"{headers[name]}, {value.decode('latin-1')}" if name in headers else value.decode("latin-1")
            )
    standard, usual = _standard(headers), _usual(headers)
    hops = standard or usual
    if not hops:
        return
    known = _outermost(hops, trusted)
    if standard and usual and _outermost(usual, trusted).client != known.client:
        # One of them is the proxy's, the other was sent by the client, and nobody knows which.
        sentence = (
            "Forwarded and X-Forwarded-For tell different clients; the proxy has to remove the one it does not set"
        )
        raise OutcomeError(Issue("malformed-request", sentence, "http.Forwarded"))
    scope[_TOLD] = True
    scope["client"] = (known.client or "unknown", 0)
    if known.scheme in ("http", "https"):
        scope["scheme"] = known.scheme
    if HOST.fullmatch(known.host):
        rest = [item for item in scope["headers"] if item[0] != b"host"]
        scope["headers"] = [*rest, (b"host", known.host.encode())]
    _put_prefix(scope, headers.get(b"x-forwarded-prefix", "").rstrip("/"))


def _put_prefix(scope: Scope, prefix: str) -> None:
    if _PREFIX.fullmatch(prefix):
        scope["root_path"] = prefix
        scope["path"] = prefix + scope["path"]


def _outermost(hops: list[Hop], trusted: tuple[IPNetwork, ...]) -> Hop:
    """Return what the trusted proxy says that is farthest from us; what is before that anybody can have written."""
    for hop in reversed(hops):
        if not is_within(hop.client, trusted):
            return hop
    return hops[0]


def _standard(headers: Mapping[bytes, str]) -> list[Hop]:
    """Return what Forwarded says, hop by hop; nothing where it cannot be read."""
    hops = []
    for element in headers.get(b"forwarded", "").split(","):
        pairs = {}
        for pair in element.split(";"):
            found = _PAIR.fullmatch(pair)
            if found is not None:
                pairs[found[1].lower()] = found[2] or found[3] or ""
        if pairs:
            hops.append(Hop(_without_port(pairs.get("for", "")), pairs.get("proto", ""), pairs.get("host", "")))
    return hops


def _usual(headers: Mapping[bytes, str]) -> list[Hop]:
    """Return what X-Forwarded-* say, hop by hop; of -Proto and -Host, where there are fewer, the first counts again."""
    clients, schemes, hosts = (
        [item.strip() for item in headers.get(name, "").split(",")]
        for name in (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host")
    )
    count = len(clients)
    padded = ([items[0]] * (count - len(items)) + items[-count:] for items in (schemes, hosts))
    hops = zip(map(_without_port, clients), *padded, strict=True)
    return [Hop(*hop) for hop in hops] if b"x-forwarded-for" in headers else []


def _without_port(text: str) -> str:
    """Return the address in ``text``, or nothing: names that hide a client are none."""
    ported = _WITH_PORT.fullmatch(text)
    address = read_address(text) or (read_address(ported["six"] or ported["four"] or "") if ported else None)
    return "" if address is None else str(address)
