"""A token that is good but grants nothing: every interaction is forbidden, and nothing of what is held is told."""

import pytest

from tests.security.answers import agree
from tests.security.asks import PUBLIC, asks
from tests.security.clients import POWERLESS
from tests.security.conftest import Asked, World
from tests.security.world import BEN


@pytest.mark.parametrize("someone", POWERLESS, ids=str)
async def test_gets_nothing(someone, world: World, asked: Asked):
    every = asks(BEN)
    chosen = every if someone is POWERLESS[0] else list({ask.row: ask for ask in every}.values())
    found = []
    for ask in chosen:
        answer = await asked(world.whole, ask, someone.headers)
        found += [f"{ask} tells {answer.body!r}"] if _tells(answer) else []
        found += [f"{ask}: {answer.status}"] if ask not in PUBLIC and answer.status != _expected(ask) else []
    agree(found)


def _tells(answer) -> bool:
    """Return whether an answer says anything of Ben that the request has not said."""
    return answer.says(f"{BEN}title") or answer.says(f"{BEN}goal")


def _expected(ask) -> int:
    """Return 403, or 200 for what is done for everybody: a batch of refusals, and $validate of what is sent.

    A job is another's, whatever may be done here, and so unknown.
    """
    is_batch = ask.row == ("", "POST") and ask.body["type"] == "batch"
    if is_batch:
        return 200
    if ask.row[0].startswith("$job"):
        return 404
    return ask.status if ask.row in (("{type}/$validate", "GET"), ("{type}/$validate", "POST")) else 403


@pytest.mark.parametrize("someone", POWERLESS, ids=str)
async def test_may_read_definitions(someone, world: World, asked: Asked):
    for ask in PUBLIC:
        assert (await asked(world.whole, ask, someone.headers)).status == 200, ask
