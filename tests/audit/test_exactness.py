"""The audit accounts for every version that an answer disclosed or that was stored, and for no other.

`make audit-check` asks for 10,000 things instead of a few hundred.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.disclosed import Version
from tests.support.issuer import bearer, token_settings
from tests.support.mixed_requests import KINDS, Account, MixedClient

_REQUESTS = int(os.environ.get("REQUESTS", "300"))
_ALL = {"clearance": "*", "fhirUser": "Practitioner/nurse"}
_AUDITOR = bearer("system/AuditEvent.rs system/Provenance.rs system/*.rs", clearance="*")
_TOKENS = [
    bearer("system/*.cruds system/AuditEvent.rs", **_ALL),
    bearer("user/*.cruds", **_ALL),
    bearer("patient/*.cruds patient/AuditEvent.rs", patient="person-2", **_ALL),
    bearer("patient/CarePlan.cruds patient/Goal.cruds", patient="person-3", fhirUser="Practitioner/nurse"),
]
"""What the clients may do: everything, everything but to read the audit, all of one record, a part of one."""
_DONE = {"1": "C", "6": "R", "3": "U", "14": "D"}
"""By the code of AuditEvent.entity.lifecycle."""


@pytest.fixture
async def client(settings: Settings, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that knows clients by their tokens, and lets one request delete several resources."""
    given = {**token_settings(tmp_path), "max_conditional_delete": 2}
    async with client_of(settings.model_copy(update=given)) as found:
        yield found


async def test_every_version_is_accounted_for_exactly(client: httpx.AsyncClient) -> None:
    clients = [MixedClient(client, f"person-{number}", number, token) for number, token in enumerate(_TOKENS)]
    kinds: Counter[str] = Counter()

    async def asking(one: MixedClient) -> None:
        for _ in range(_REQUESTS // len(_TOKENS)):
            kinds[await one.ask()] += 1

    await asyncio.gather(*map(asking, clients))
    assert kinds.keys() >= {kind.__name__ for kind in KINDS}
    wanted = {number: account for one in clients for number, account in one.accounts.items()}
    for one in clients:
        for number, written in one.attributed.items():
            wanted[number] |= await _provenances(client, written)
    found = await _events(client, set(wanted))
    assert found.keys() == wanted.keys()
    wrong = {number: _difference(account, found[number]) for number, account in wanted.items()}
    assert {number: each for number, each in wrong.items() if any(each)} == {}


def _difference(wanted: Account, found: Account) -> tuple[set[tuple[Version, str]], set[tuple[Version, str]]]:
    """Return what is missing, and what is too much."""
    return set(wanted.items()) - set(found.items()), set(found.items()) - set(wanted.items())


async def _provenances(client: httpx.AsyncClient, written: list[Version]) -> Account:
    """Return the versions that say who contributed what was written."""
    (target,) = (f"{each.type}/{each.id}/_history/{each.number}" for each in written)
    body = (await client.get(f"Provenance?target={target}", headers=_AUDITOR)).json()
    return {Version("Provenance", each["resource"]["id"], 1): "C" for each in body["entry"]}


async def _events(client: httpx.AsyncClient, numbers: set[str]) -> dict[str, Account]:
    """Return by the id of a request what its event says that was disclosed and stored; each has one event."""
    found: dict[str, Account] = {}
    address: str | None = "AuditEvent?_count=1000"
    while address is not None:
        page = (await client.get(address, headers=_AUDITOR)).json()
        for event in (each["resource"] for each in page["entry"]):
            entities = event["entity"]
            (number,) = (
                each["what"]["identifier"]["value"] for each in entities if each["type"]["code"] == "XrequestId"
            )
            if number in numbers:
                assert number not in found
                found[number] = {
                    _version(each["what"]["reference"]): _DONE[each["lifecycle"]["code"]]
                    for each in entities
                    if "lifecycle" in each
                }
        address = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    return found


def _version(reference: str) -> Version:
    resource_type, resource_id, _, number = reference.split("/")
    return Version(resource_type, resource_id, int(number))
