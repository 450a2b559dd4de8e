"""What queries ask for: facts of some of the plans that are stored, so that every query has an answer."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime

from service.fhir.datetimes import instant
from tests.bench.search.content import resource
from tests.bench.search.generator import Described, describe
from tests.bench.search.population import Written
from tests.bench.search.stamp import day_text

Sample = dict[str, str]
"""The facts of one plan by the names that stand in the queries."""

_LOOKED_AT = 4_000
_MOST = 200
"""Samples of each kind."""
KINDS = ("any", "active", "assessed", "regular")
"""Any plan; an active one; one with a risk assessment; one of a person with at least 20 plans."""


def samples(seed: int, plans: Sequence[Written]) -> dict[str, list[Sample]]:
    """Return samples by kind, the same for the same seed and population."""
    chosen = random.Random(f"samples {seed}").sample(range(len(plans)), min(_LOOKED_AT, len(plans)))
    found: dict[str, list[Sample]] = {kind: [] for kind in KINDS}
    for number in chosen:
        plan = describe(seed, number, plans[number])
        kinds = {
            "any": True,
            "active": plan.styles[0].status == "active",
            "assessed": plan.styles[0].has_assessment,
            "regular": plan.written.regular,
        }
        for kind, fits in kinds.items():
            if fits and len(found[kind]) < _MOST:
                found[kind].append(_sample(plan))
    return found


def _sample(plan: Described) -> Sample:
    texts, days = plan.facts.texts, plan.facts.days
    body = resource(plan.styles[0])
    agreement = {part["url"]: part for part in body["extension"][0]["extension"]}
    return {
        "plan": texts["id"],
        "person": texts["person"],
        "goal": texts["goal-1"],
        "staff": texts["staff-1"],
        "number": texts["number"],
        "person_number": texts["national-number"],
        "kind": body["category"][0]["coding"][0]["code"],
        "agreed": agreement["status"]["valueCode"],
        "updated": instant(datetime.fromtimestamp(plan.facts.updated / 1_000, UTC)),
        "day": day_text(days["day"]),
        "fortnight": day_text(days["day"] + 14),
    }
