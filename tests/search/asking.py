"""The ways to send one search, and what its answer holds."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from tests.search.cases import NAMES, Case

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def form(query: str) -> bytes:
    """Return ``query`` as the bytes of a form: what is not ASCII, and spaces, percent-encoded."""
    return quote(query, safe=PUNCTUATION).encode()


def as_form(case: Case, in_address: str = "") -> tuple[str, bytes]:
    """Return address and form of the search by POST, with the parameters ``in_address`` in the address instead."""
    path, _, query = case.address.partition("?")
    rest = query.removeprefix(in_address).removeprefix("&")
    address = f"/{path}/_search".replace("//", "/") + (f"?{in_address}" if in_address else "")
    return address, form(rest)


async def every_way(world: httpx.AsyncClient, case: Case) -> AsyncIterator[httpx.Response]:
    """Yield the answers to the search as it is written, as a form, and with its first parameter in the address."""
    headers = {"Prefer": case.prefer} if case.prefer else {}
    if case.body is not None:
        yield await world.post(f"/{case.address}", content=form(case.filled(case.body)), headers=headers | FORM)
        return
    yield await world.get(f"/{case.address}", headers=headers)
    path, _, query = case.address.partition("?")
    if path.endswith("*"):
        return
    first, more, _ = query.partition("&")
    for in_address in ["", first] if more and len(first) < 1000 else [""]:
        address, content = as_form(case, in_address)
        yield await world.post(address, content=content, headers=headers | FORM)


async def asked_again(world: httpx.AsyncClient, bundle: dict[str, Any]) -> dict[str, Any]:
    """Return what the self link of a Bundle gives."""
    (address,) = [link["url"] for link in bundle["link"] if link["relation"] == "self"]
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}".startswith(NAMES["base"])
    answer = await world.get(address.removeprefix(NAMES["base"]))
    assert answer.status_code == 200, answer.text
    again: dict[str, Any] = answer.json()
    return again


def entries(bundle: dict[str, Any], mode: str) -> list[str]:
    """Return ``Type/id`` (and ``#id`` of a contained resource) of the entries of a mode, as their addresses say."""
    found = [entry for entry in bundle.get("entry", []) if entry["search"]["mode"] == mode]
    return [entry["fullUrl"].removeprefix(f"{NAMES['base']}/") for entry in found]


def told(bundle: dict[str, Any]) -> list[str]:
    """Return what the outcomes among the entries say."""
    found = [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "outcome"]
    return [issue["diagnostics"] for outcome in found for issue in outcome["issue"]]
