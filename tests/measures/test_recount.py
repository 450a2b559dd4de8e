"""Counted again from the exported lines, by code that shares nothing with the service, everything is the same."""

import os
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import pytest

from service.reporting.measures.evaluation import evaluate
from tests.measures.recount import Recount
from tests.measures.support import DEFINITIONS, MONTH, audit, flat, states
from tests.measures.traits import Drawn
from tests.measures.written import BASE, Json, Writer, body

MAPS = [DEFINITIONS.get("https://w3id.org/recovery-plan/ConceptMap/chime-to-mhcc-dimension")]
PEOPLE = int(os.environ.get("PEOPLE", "200"))
"""More are tried by hand: PEOPLE=15000 makes 20,000 plans."""
LEFT_OUT = ("extension", "category", "subject", "meta", "status", "lifecycleStatus", "resourceType", "id", "intent")


def recounted(resources: Iterable[dict[str, Any]]) -> dict[tuple[str, str, str, int], int]:
    return Recount(map(body, resources), BASE, MONTH.start, MONTH.end, MAPS).counts()


def disturbed(resources: Iterable[Json], chance: Random) -> Iterator[Json]:
    """Yield resources of which some lack what others have, say it twice, or lead to what is not there."""
    for resource in resources:
        changed = dict(resource)
        for key in [key for key in resource if key not in LEFT_OUT and chance.random() < 0.05]:
            del changed[key]
        if "extension" in changed:
            kept = [without_status(item, chance) for item in changed["extension"] if chance.random() > 0.1]
            changed["extension"] = chance.sample(kept, len(kept)) + chance.choices(kept, k=min(1, len(kept)))
        if "goal" in changed and chance.random() < 0.2:
            changed["goal"] = [*changed["goal"], *changed["goal"], {"reference": "Goal/nowhere"}, {"display": "None"}]
        if "contributor" in changed and chance.random() < 0.2:
            changed["contributor"] = [{"identifier": {"system": "https://staff.example", "value": "7"}}]
        if "author" in changed and chance.random() < 0.2:
            told = chance.choice(("Organization", "Practitioner", "PractitionerRole"))
            changed["author"] = {"type": told, "identifier": {"system": "https://staff.example", "value": "8"}}
        if chance.random() > 0.02:
            yield changed


def without_status(extension: Json, chance: Random) -> Json:
    """Return an acceptance that may say no more than how much somebody cares for a goal."""
    if not extension["url"].endswith("/goal-acceptance") or chance.random() > 0.2:
        return extension
    return {**extension, "extension": [part for part in extension["extension"] if part["url"] != "status"]}


@pytest.mark.parametrize("seed", [11, 12])
async def test_everything_is_counted_alike(seed: int) -> None:
    written = list(disturbed(Writer(seed).resources(Drawn(seed, PEOPLE)), Random(seed)))
    results = await evaluate(audit(), MONTH, states(written))
    assert flat(results) == recounted(written)
