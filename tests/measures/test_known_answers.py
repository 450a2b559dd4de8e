"""What the audit counts of an invented population is what is known of it from the start."""

import pytest

from service.reporting.measures.evaluation import evaluate
from tests.measures.known import known
from tests.measures.support import MONTH, audit, flat, states
from tests.measures.traits import Drawn
from tests.measures.written import Writer


@pytest.mark.parametrize("seed", range(3))
async def test_every_count_is_the_known_one(seed: int) -> None:
    drawn = Drawn(seed, people=150)
    results = await evaluate(audit(), MONTH, states(Writer(seed).resources(drawn)))
    assert flat(results) == known(drawn)
