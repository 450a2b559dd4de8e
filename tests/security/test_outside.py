"""What lies outside a client's access is to it as what there never was: the same status, headers and body.

Each request for Ben's, by a client who may see and change Ann's record alone, is compared with the same request for
what is nobody's.
"""

import pytest

from tests.security.answers import agree, compared
from tests.security.asks import asks
from tests.security.clients import LIMITED, WORKER_IN_RECORD
from tests.security.conftest import Asked, World
from tests.security.world import BEN, NOBODY

_IN_ANNS_RECORD = [each for each in LIMITED if each.name in ("worker-in-record", "ann", "ann-v1")]


@pytest.mark.parametrize("someone", _IN_ANNS_RECORD, ids=str)
async def test_is_as_what_there_never_was(someone, world: World, asked: Asked):
    answers = {}
    for who in (BEN, NOBODY):
        await world.restore()
        answers[who] = [await asked(world.whole, ask, someone.headers) for ask in asks(who)]
        changed = await world.now()
        if who == BEN:
            assert _of_others(changed, world, someone) == _of_others(world.loaded, world, someone)
    await world.restore()
    each = zip(asks(BEN), answers[BEN], answers[NOBODY], strict=True)
    agree([told for ask, outside, unknown in each for told in compared(ask, outside.about(BEN, NOBODY), unknown)])
    assert max(answer.status for answer in answers[BEN]) < 500
    if someone is WORKER_IN_RECORD:
        each = zip(asks(BEN), answers[BEN], strict=True)
        agree([f"{ask}: {told.status}, agreed is {ask.status}" for ask, told in each if told.status != ask.status])


def _of_others(contents, world: World, someone):
    """Return all stored documents of resources of which ``someone`` sees nothing."""
    seen = {(name, resource_id) for name, resource_id, _ in world.seen_by(someone)}
    return {
        name: [each for each in documents if _key(name, each) in world.versions and _key(name, each) not in seen]
        for name, documents in contents.items()
    }


def _key(collection, document):
    key = document["_id"]
    return collection.removesuffix("_history"), key["id"] if isinstance(key, dict) else key
