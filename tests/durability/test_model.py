"""The model that judges finds each kind of wrong, and nothing where all is right."""

from collections.abc import Callable

import pytest

from tests.durability.model import Model, Seen

PLAN, GOAL = "CarePlan/a", "Goal/a"


def story(*stored: str | None, moments: str = "123456789") -> list[Seen]:
    """Return the history in which these tags were stored one after the other, None for a deletion."""
    return [Seen(number, tag, moments[number - 1]) for number, tag in reversed(list(enumerate(stored, 1)))]


def two_writes(model: Model) -> None:
    for version in (1, 2):
        model.acknowledge(PLAN, Seen(version, model.begin()), version - 1)


def a_lost_write(model: Model) -> None:
    two_writes(model)
    model.lose(model.begin())


def a_lost_transaction(model: Model) -> None:
    two_writes(model)
    model.lose(model.begin(), 2)


def a_lost_deletion(model: Model) -> None:
    two_writes(model)
    model.lose_deletion(PLAN)


def a_refused_write(model: Model) -> None:
    two_writes(model)
    model.refuse(model.begin())


def a_read(model: Model) -> None:
    two_writes(model)
    model.read(PLAN, Seen(2, "m-1", "2"), 2)


def an_old_read(model: Model) -> None:
    two_writes(model)
    model.read(PLAN, Seen(1, "m-0", "1"), 2)


def nothing_read(model: Model) -> None:
    two_writes(model)
    model.read(PLAN, None, 2)


def a_version_given_twice(model: Model) -> None:
    two_writes(model)
    model.acknowledge(PLAN, Seen(2, model.begin()), 1)


def a_version_too_old(model: Model) -> None:
    two_writes(model)
    model.acknowledge(PLAN, Seen(3, model.begin()), 3)


def an_overwritten_match(model: Model) -> None:
    two_writes(model)
    model.acknowledge(PLAN, Seen(3, model.begin()), 1, if_match=1)


def a_wrong_refusal(model: Model) -> None:
    two_writes(model)
    model.refuse_match(PLAN, 2, model.tick())


def a_right_refusal(model: Model) -> None:
    model.acknowledge(PLAN, Seen(1, model.begin()), 0)
    begun, tag = model.tick(), model.begin()
    model.refuse_match(PLAN, 1, begun)
    model.acknowledge(PLAN, Seen(2, tag), 1)


Tell = Callable[[Model], None]


def judged(tell: Tell, plan: list[Seen], goal: list[Seen] | None = None) -> list[str]:
    model = Model("m")
    tell(model)
    model.judge({PLAN: plan, GOAL: goal or []})
    return model.findings


@pytest.mark.parametrize(
    ("tell", "plan", "goal"),
    [
        (two_writes, story("m-0", "m-1"), []),
        (a_lost_write, story("m-0", "m-1"), []),
        (a_lost_write, story("m-0", "m-1", "m-2"), []),
        (a_lost_write, story("m-0", "m-1"), story("m-2")),
        (a_lost_transaction, story("m-0", "m-1"), []),
        (a_lost_transaction, story("m-0", "m-1", "m-2"), story("m-2")),
        (a_lost_deletion, story("m-0", "m-1", None), []),
        (a_refused_write, story("m-0", "m-1"), []),
        (a_read, story("m-0", "m-1"), []),
        (a_right_refusal, story("m-0", "m-1"), []),
    ],
)
def test_nothing_is_found_where_all_is_right(tell: Tell, plan: list[Seen], goal: list[Seen]) -> None:
    assert judged(tell, plan, goal) == []


@pytest.mark.parametrize(
    ("tell", "plan", "goal", "found"),
    [
        (two_writes, story("m-0"), [], "the history has None"),
        (two_writes, story("m-0", "other"), [], "a client was shown"),
        (two_writes, story("m-0", "m-1", "m-1"), [], "nobody was told"),
        (two_writes, story("m-0", "m-1", None), [], "was deleted 1 times"),
        (two_writes, story("m-0", "m-1", moments="11"), [], "has the moments"),
        (two_writes, story("m-0", "m-1", moments="21"), [], "has the moments"),
        (two_writes, story("m-0", "m-1", "m-1")[:1] + story("m-0", "m-1")[1:], [], "has the versions"),
        (a_lost_write, story("m-0", "m-1", "m-2", "m-2"), [], "stored in 2 resources of 1"),
        (a_lost_write, story("m-0", "m-1", "m-2"), story("m-2"), "stored in 2 resources of 1"),
        (a_lost_transaction, story("m-0", "m-1", "m-2"), [], "stored in 1 resources of 2"),
        (a_lost_deletion, story("m-0", "m-1", None, None), [], "was deleted 2 times"),
        (a_refused_write, story("m-0", "m-1", "m-2"), [], "was refused and is stored"),
        (a_read, story("m-0", "m-1", moments="13"), [], "a client was shown"),
        (an_old_read, story("m-0", "m-1"), [], "was read after version 2"),
        (nothing_read, story("m-0", "m-1"), [], "None was read after version 2"),
        (a_version_given_twice, story("m-0", "m-1"), [], "was given to"),
        (a_version_too_old, story("m-0", "m-1", "m-2"), [], "was stored after version 3"),
        (an_overwritten_match, story("m-0", "m-1", "m-2"), [], "with If-Match 1"),
        (a_wrong_refusal, story("m-0", "m-1"), [], "though it was current"),
    ],
)
def test_each_kind_of_wrong_is_found(tell: Tell, plan: list[Seen], goal: list[Seen], found: str) -> None:
    assert any(found in sentence for sentence in judged(tell, plan, goal)), judged(tell, plan, goal)
