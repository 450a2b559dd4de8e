"""From the plans of a population to the documents that the service would have stored for them, encoded."""

import random
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

from bson.codec_options import CodecOptions

from service.fhir import json
from service.store.document import IndexedType, make_document, to_history, to_stored
from tests.bench.search.content import resource
from tests.bench.search.population import TODAY, Written
from tests.bench.search.stamp import TEXTS, UPDATED, Facts, Template
from tests.bench.search.style import Style

STYLES = 48
"""Ways in which resources of one type and status look."""
RARE_EVERY = 1_000
"""One plan of so many, with its goal and its assessment, has what is rare."""
_MILLISECONDS = 86_400_000
_LATEST = {"active": 72, "completed": 13, "revoked": 6, "on-hold": 6, "draft": 3}
_EARLIER = {"active": 8, "completed": 68, "revoked": 22, "on-hold": 1.5, "entered-in-error": 0.5}
_GOALS = {"active": "active", "on-hold": "on-hold", "completed": "completed", "draft": "proposed"}
_VERSIONS = {1: 80, 2: 14, 3: 6}


class Described(NamedTuple):
    """A plan with all that belongs to it: what its documents are stamped with, and how they look."""

    written: Written
    number: int
    styles: list[Style]
    """Of the plan, its assessment if there is one, and its goals."""
    facts: Facts
    versions: int


def describe(seed: int, number: int, written: Written) -> Described:
    """Return all that there is to know of one plan; the same for the same seed, number and population."""
    chance = random.Random(seed << 40 | number)
    status = _pick(_LATEST if written.latest else _EARLIER, chance)
    rare = number % RARE_EVERY == 7
    plan = Style("CarePlan", status, chance.randrange(STYLES // 2) * 2 if rare else chance.randrange(STYLES), rare)
    goals = [
        Style("Goal", _GOALS.get(status, "cancelled"), _goal_style(place, chance), rare) for place in range(plan.goals)
    ]
    assessments = [Style("RiskAssessment", "final", chance.randrange(STYLES), rare)] if plan.has_assessment else []
    started = written.day * _MILLISECONDS + chance.randrange(28_800_000, 61_200_000)
    texts = dict(zip(TEXTS, _texts(seed, number, written.person, started, chance), strict=True))
    last = min(started + 1_000 * chance.randrange(60, 60 * _MILLISECONDS // 1_000), TODAY * _MILLISECONDS)
    versions = _pick(_VERSIONS, chance)
    facts = Facts(texts, _days(written, status, chance), last if versions > 1 else started)
    return Described(written, number, [plan, *assessments, *goals], facts, versions)


def _goal_style(place: int, chance: random.Random) -> int:
    return chance.randrange(STYLES // 2) * 2 + (place > 0)


def _days(written: Written, status: str, chance: random.Random) -> dict[str, int]:
    """Return the days of a plan: of those that are lived with, one in six is overdue."""
    end = min(written.day + chance.randrange(30, 400), TODAY)
    if status in ("active", "on-hold", "draft"):
        review = TODAY - chance.randrange(1, 90) if chance.random() < 1 / 6 else TODAY + chance.randrange(1, 180)
    else:
        review = written.day + chance.randrange(60, 180)
    return {
        "day": written.day,
        "end": end,
        "review": max(review, written.day + 1),
        "stipulated": written.day + chance.randrange(30, 200),
    }


def _texts(seed: int, number: int, person: int, started: int, chance: random.Random) -> Iterator[str]:
    """Yield ids and numbers in the order of ``TEXTS``; ids of one kind increase, as those of the template do."""
    for place in range(6):
        if place == 1:
            yield _named(seed, "person", person)
        else:
            yield _time_ordered(started + place, chance)
    staff = sorted(chance.sample(range(max(2, person // 100 + 2)), 2))
    yield from sorted(_named(seed, "staff", each) for each in staff)
    yield _named(seed, "supporter", person)
    yield _named(seed, "service", person % 40)
    yield f"1{number:09}"
    yield f"2{person:09}"
    yield f"9{person:09}"


def _time_ordered(milliseconds: int, chance: random.Random) -> str:
    """Return an id as the service gives them: a UUID of version 7."""
    version, variant = 0x7000 | chance.getrandbits(12), 0x8000 | chance.getrandbits(14)
    return _hyphenated(f"{milliseconds:012x}{version:04x}{variant:04x}{chance.getrandbits(48):012x}")


@cache
def _named(seed: int, kind: str, number: int) -> str:
    return _hyphenated(blake2b(f"{seed} {kind} {number}".encode(), digest_size=16).hexdigest())


def _hyphenated(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _pick(weights: Mapping[Any, float], chance: random.Random) -> Any:
    (found,) = chance.choices(list(weights), list(weights.values()))
    return found


class Generator:
    """Encodes the documents of plans as the service of ``indexed`` would store them."""

    def __init__(self, seed: int, indexed: Mapping[str, IndexedType], codec: CodecOptions[Any]) -> None:
        self._seed = seed
        self._indexed = indexed
        self._codec = codec
        self._current = cache(self._make_current)
        self._history = cache(self._make_history)

    def documents(self, number: int, written: Written) -> Iterator[tuple[str, bytes]]:
        """Yield the name of the collection and the encoded document of all that belongs to one plan."""
        plan = describe(self._seed, number, written)
        places = {"CarePlan": ["id"], "RiskAssessment": ["assessment"], "Goal": ["goal-1", "goal-2", "goal-3"]}
        for style in plan.styles:
            versions = plan.versions if style.type != "RiskAssessment" else 1
            texts = {**plan.facts.texts, "id": plan.facts.texts[places[style.type].pop(0)]}
            facts = plan.facts._replace(texts=texts)
            yield style.type, self._current(style, versions).stamp(facts)
            for version in range(1, versions):
                earlier = facts.updated - (versions - version) * 1_000_000
                yield f"{style.type}_history", self._history(style, version).stamp(facts._replace(updated=earlier))

    def _make_current(self, style: Style, version: int) -> Template:
        return Template(self._document(style, version), self._codec)

    def _make_history(self, style: Style, version: int) -> Template:
        key, content = to_history(to_stored(style.type, self._document(style, version)))
        return Template({"_id": key, **content}, self._codec)

    def _document(self, style: Style, version: int) -> dict[str, Any]:
        parsed = json.parse(json.dump(resource(style)))
        return make_document(
            parsed, self._indexed[style.type], TEXTS["id"], version, UPDATED, "POST" if version == 1 else "PUT"
        )


def as_the_service_makes_it(document: Mapping[str, Any], indexed: IndexedType) -> dict[str, Any]:
    """Return what the service would store for the JSON text in a stored document."""
    return make_document(
        json.parse(document["body"]),
        indexed,
        document["_id"],
        document["version"],
        document["lastUpdated"] + timedelta(),
        document["method"],
    )
