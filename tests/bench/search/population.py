"""Who has which plans since when: the invented people of a bench, the same for the same number of plans and seed.

About four plans a person over ten years; one or two of them are active. A few people who stay long in services have two
dozen, so that a page of 20 by patient can be filled.
"""

import random
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

EPOCH = date(1970, 1, 1).toordinal()
TODAY = date(2026, 11, 1).toordinal() - EPOCH
"""The last day of which there are data, as days since 1970; a plan to be looked at again before is overdue."""
BEGINNING = TODAY - 3_650
MOST = 24
"""Plans of one person."""
_PLANS_EACH = {1: 200, 2: 200, 3: 180, 4: 140, 5: 90, 6: 60, 8: 50, 10: 40, 12: 25, 20: 10, MOST: 5}
"""How many of 1,000 people have so many plans."""


class Written(NamedTuple):
    """One plan: on which day it was written (days since 1970), for whom, and whether the person has no later one."""

    day: int
    person: int
    place: int
    """How many plans the person had before."""
    latest: bool
    regular: bool
    """Whether the person has at least 20 plans."""


def plans_in_time(count: int, seed: int) -> list[Written]:
    """Return ``count`` plans in the order in which they were written."""
    chance = random.Random(f"people {seed}")
    plans: list[Written] = []
    for person, size in enumerate(_sizes(count, chance)):
        first = chance.randrange(BEGINNING, TODAY)
        days = sorted(chance.randrange(first, TODAY) for _ in range(size))
        plans.extend(Written(day, person, place, place == size - 1, size >= 20) for place, day in enumerate(days))
    plans.sort()
    return plans


def _sizes(count: int, chance: random.Random) -> Iterator[int]:
    """Yield each person's number of plans; the first person has the most, so that there is one at any size."""
    sizes, weights = list(_PLANS_EACH), list(_PLANS_EACH.values())
    size = MOST
    while count > 0:
        yield min(size, count)
        count -= size
        (size,) = chance.choices(sizes, weights)
