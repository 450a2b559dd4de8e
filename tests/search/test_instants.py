"""A resource is found by the very instant at which it was stored."""

from urllib.parse import quote

import httpx
import pytest

from tests.search.asking import entries

FOUND = ("", "eq", "ge", "le", "ap")
NOT_FOUND = ("ne", "gt", "lt", "sa", "eb")


@pytest.mark.parametrize("prefix", FOUND + NOT_FOUND)
async def test_the_instant_of_the_last_update(world: httpx.AsyncClient, prefix: str) -> None:
    stored = (await world.get("/Goal/tamsin-walk")).json()["meta"]["lastUpdated"]
    answer = await world.get(f"/Goal?_id=tamsin-walk&_lastUpdated={prefix}{quote(stored)}")
    assert entries(answer.json(), "match") == ["Goal/tamsin-walk"] * (prefix in FOUND)
