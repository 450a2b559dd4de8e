"""Every answer is the one of a service that never held what the client may not see.

Two services get the same requests: one holds the whole world, the other only what the client may see by our own
judgement (`judge`), which is no part of the service. Their answers have to be the same to the byte, but for new ids,
the time of new writes and the places in pages. That leaves no way for anything to show: not in bodies, headers, counts,
orders, links or errors.
"""

import os
import re
from dataclasses import replace
from itertools import chain

import pytest

from tests.security.answers import agree, compared
from tests.security.asks import BUNDLE, asks
from tests.security.clients import LIMITED, MASTER
from tests.security.conftest import Asked, World
from tests.security.draws import Draws
from tests.security.world import ANN, BEN

SEED, REQUESTS = int(os.environ.get("SEED", "1")), int(os.environ.get("REQUESTS", "25"))
_THOROUGH = ("ann-v1", "active-plans") if REQUESTS < 100 else tuple(map(str, LIMITED))
"""Clients who ask for everything there is; the others for every sixth, each for others."""


@pytest.mark.parametrize("someone", LIMITED, ids=str)
async def test_answers_as_if_it_were_not_there(someone, world: World, asked: Asked):
    number = LIMITED.index(someone)
    fixed = [ask for ask in (*asks(ANN), *asks(BEN)) if not _is_in_any_order(ask)]
    chosen = fixed if someone.name in _THOROUGH else fixed[number % 6 :: 6]
    drawn = Draws(SEED * 1000 + number, world.versions, world.loaded).many(REQUESTS)
    drawn = (ask for ask in drawn if not _is_in_any_order(ask))
    await world.restore()
    await world.leave(world.seen_by(someone))
    headers = someone.headers
    found = []
    for ask in chain(chosen, drawn):
        whole, part = [await asked(client, ask, headers) for client in (world.whole, world.part)]
        found += compared(ask, whole, part)
        found += [f"{ask}: {whole.status}"] if whole.status >= 500 else []
    await world.restore()
    agree(found)


@pytest.mark.parametrize("someone", LIMITED if REQUESTS > 100 else LIMITED[::4], ids=str)
async def test_nothing_else_is_kept_back(someone, world: World, asked: Asked):
    """Who may see all that a store holds reads and finds in it what a client of unlimited access does."""
    await world.leave(world.seen_by(someone))
    fixed = [ask for ask in asks(ANN) if not ask.writes and ask.row != BUNDLE][:: 1 if REQUESTS > 100 else 3]
    drawn = [ask for ask in Draws(SEED, world.versions, world.loaded).many(REQUESTS) if not ask.writes]
    granted, found = 0, []
    for ask in [*fixed, *drawn]:
        limited, unlimited = [await asked(world.part, ask, each.headers) for each in (someone, MASTER)]
        if limited.status != 403:
            granted += 1
            found += compared(ask, _plain(limited), _plain(unlimited))
    assert granted > 10
    agree(found)


def _is_in_any_order(ask) -> bool:
    """Return whether the entries of ``ask`` are done side by side, so that it depends on chance what they find."""
    return (
        ask.row == BUNDLE
        and any(each["request"]["method"] != "GET" for each in ask.body["entry"])
        and (ask.body["type"] == "batch")
    )


def _plain(answer):
    """Return an answer without the marks of what may be only a part of all there is, and without the
    total of a history, which unlimited clients get from the number of the latest version."""
    body = re.sub(rb'"meta":\{"(security|tag)":[^]]*\]\},(?="type")', b"", answer.body)
    headers = tuple(header for header in answer.headers if header[0] != "recovery-redacted")
    return replace(answer, headers=headers, body=re.sub(rb'("type":"history",)"total":\d+,', rb"\1", body))
