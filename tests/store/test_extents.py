"""What is counted is what would be read: as many, up to the same ids, whatever was written since the moment."""

import pytest

from service.store import extents, reader
from service.store.state import StateOf
from tests.store.conftest import OpenStore
from tests.store.plans import ACTIVE, EVERYTHING, plan
from tests.store.test_state import written


@pytest.mark.parametrize("size", [3, 1_000])
@pytest.mark.parametrize("predicate", [EVERYTHING, ACTIVE], ids=["all", "active"])
async def test_extents_hold_as_many_as_the_state_between_their_ends(
    opened: OpenStore, monkeypatch: pytest.MonkeyPatch, size: int, predicate
) -> None:
    monkeypatch.setattr(extents, "AT_MOST", 11)
    monkeypatch.setattr(extents, "_AT_ONCE", 3)
    monkeypatch.setattr(reader, "WIDE", 7)
    _, moments = await written(opened, seed=size)
    for moment in moments[::4]:
        after: str | None = ""
        while after is not None:
            asked = StateOf("CarePlan", moment, predicate=predicate, after=after)
            found = await opened.store.extent(asked, size)
            assert found is not None
            count, until = found
            between = StateOf("CarePlan", moment, predicate=predicate, after=after, until=until)
            read = [version async for some in opened.store.state(between) for version in some]
            assert count == len(read) <= size
            after = until


async def test_what_is_newer_than_the_moment_is_soon_passed(opened: OpenStore) -> None:
    for name in ("00", "80", "90"):
        await opened.store.insert("CarePlan", name, plan(0), "POST")
    moment = opened.clock.now
    opened.clock.move(milliseconds=1)
    for number in range(1, 40):
        await opened.store.insert("CarePlan", f"{number:02}", plan(number), "POST")
    looks, after = [], ""
    while after is not None:
        found = await opened.store.extent(StateOf("CarePlan", moment, after=after), 1)
        assert found is not None
        count, after = found
        looks.append(count)
    assert sum(looks) == 3
    assert len(looks) < 10


async def test_deletions_are_not_counted(opened: OpenStore) -> None:
    (_, *moments) = (await written(opened, seed=1))[1]
    assert await opened.store.extent(StateOf("CarePlan", moments[-1], since=moments[0]), 10) is None
