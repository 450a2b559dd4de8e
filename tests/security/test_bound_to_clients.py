"""What a client was given is of no use to another: links to pages, answers that are remembered for a key."""

import pytest

from tests.security.clients import LIMITED, MASTER, WORKER_IN_RECORD
from tests.security.conftest import World
from tests.security.world import ANN, plan

_BY_NAME = {each.name: each for each in (MASTER, *LIMITED)}
_PAGED = (
    "/CarePlan?_count=1",
    "/CarePlan?_count=1&_sort=-date&_total=accurate",
    "?_type=CarePlan,Goal&_count=1",
    "/CarePlan/_history?_count=1",
    "/_history?_count=1",
    f"/CarePlan/{ANN}-back/_history?_count=1",
    f"/Patient/{ANN}/$everything?_count=1",
    f"/CarePlan/{ANN}-plan/$everything?_count=1",
    f"/Patient/{ANN}/*?_count=1",
)


@pytest.mark.parametrize("path", _PAGED)
async def test_a_link_to_a_page(path: str, world: World):
    first = await world.whole.get(path, headers=MASTER.headers)
    (following,) = [link["url"] for link in first.json()["link"] if link["relation"] == "next"]
    others = (WORKER_IN_RECORD, _BY_NAME["ward"], _BY_NAME["ann"])
    for other in others:
        refused = await world.whole.get(following, headers=other.headers)
        assert refused.status_code == 400, refused.text
        assert (await world.whole.get(path, headers=other.headers)).status_code == 200
    assert (await world.whole.get(following, headers=MASTER.headers)).status_code == 200


async def test_a_remembered_answer(world: World):
    body, key = plan("x", ANN), {"Idempotency-Key": '"the same"'}
    first = await world.whole.post("/CarePlan", json=body, headers={**MASTER.headers, **key})
    again = await world.whole.post("/CarePlan", json=body, headers={**MASTER.headers, **key})
    assert first.status_code == again.status_code == 201
    assert again.headers["location"] == first.headers["location"], "a new token of the same client is the same client"
    for name, status in {"ann": 403, "plans-only": 403, "worker-in-record": 201, "ward": 201}.items():
        other = await world.whole.post("/CarePlan", json=body, headers={**_BY_NAME[name].headers, **key})
        assert other.status_code == status, name
        assert first.headers["location"] not in str(other.headers) + other.text
    await world.restore()


async def test_a_key_that_another_used_for_something_else(world: World):
    key = {"Idempotency-Key": "guessed"}
    used = await world.whole.post("/CarePlan", json=plan("x", ANN), headers={**MASTER.headers, **key})
    mine = await world.whole.post("/CarePlan", json=plan("y", ANN), headers={**WORKER_IN_RECORD.headers, **key})
    await world.restore()
    assert (used.status_code, mine.status_code) == (201, 201), "422 would tell that somebody uses it"
