"""A small set of resources that several clients work on, and a simple model that judges what they are told."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.durability.clients import Answer, Clients, history_in, seen_in
from tests.durability.model import Json, Model, Seen
from tests.support.resources import care_plan, goal

TYPES = ("CarePlan", "Goal")
SEQUENCES = "https://example.org/sequences"
"""The system of the identifier that all resources of a sequence have in common."""
CONDITIONS = "https://example.org/conditions"
"""The system of the identifiers by which a conditional interaction finds its resource."""


@dataclass
class Weather:
    """Whether the database may have lost its primary: its successor may show an older state for a moment."""

    storms: int = 0
    stormy: bool = False


class Sequence:
    """What the model knows of the operations, and what they have to say and to ask."""

    def __init__(self, name: str, clients: Clients, weather: Weather) -> None:
        self.model = Model(name)
        self.name = name
        self.clients = clients
        self.ids = [f"{kind}/{name}" for kind in TYPES]
        """Resources whose ids the clients choose."""
        self.conditional: dict[str, set[str]] = {}
        """By condition the resources that its conditional requests were answered with."""
        self._weather = weather

    def resource(self, name: str, tag: str, *identifiers: Json) -> Json:
        """Return a resource with this tag, with the id that ``Type/id`` gives it."""
        kind, _, resource_id = name.partition("/")
        named_by = [{"system": SEQUENCES, "value": self.name}, *identifiers]
        made = care_plan(title=tag) if kind == "CarePlan" else goal(description={"text": tag})
        return {**made, "identifier": named_by} | ({"id": resource_id} if resource_id else {})

    def condition(self, purpose: str, kind: str, tag: str) -> tuple[str, Json]:
        """Return criteria that every client of this sequence uses, and a resource that fulfils them."""
        value = f"{self.name}-{purpose}"
        body = self.resource(kind, tag, {"system": CONDITIONS, "value": value})
        return f"identifier={quote(f'{CONDITIONS}|{value}', safe='')}", body

    def search(self, kind: str) -> str:
        """Return the search for all resources of a type that belong to this sequence."""
        return f"{kind}?identifier={quote(f'{SEQUENCES}|{self.name}', safe='')}&_count=1000"

    def any_name(self, chance: random.Random) -> str:
        """Return a resource that somebody has stored or may have."""
        return chance.choice(sorted({*self.ids, *self.model.names()}))

    def if_match(self, resource: str, chance: random.Random) -> int | None:
        """Return a version for If-Match that is or was current, or None."""
        newest = self.model.newest(resource)
        return max(1, newest - (chance.random() < 0.2)) if newest and chance.random() < 0.5 else None

    def clear(self) -> Callable[[], bool]:
        """Return a function that tells whether the database had the same primary since now."""
        storms, stormy = self._weather.storms, self._weather.stormy
        return lambda: not stormy and not self._weather.stormy and storms == self._weather.storms

    def note_write(self, resource: str, answer: Answer, tag: str, floor: int, match: int | None) -> None:
        """Note the answer to an update or a patch."""
        if answer.lost:
            self.model.lose(tag)
        elif answer.status in (200, 201):
            self.model.acknowledge(resource, seen_in(answer.body), floor, match)
        else:
            self.note_refused(answer, tag, 404, 409, 410, 412)

    def note_created(self, answer: Answer, tag: str, floor: int = 0) -> None:
        """Note the answer to a create or to a conditional update."""
        if answer.lost:
            self.model.lose(tag)
        elif answer.status in (200, 201):
            self.model.acknowledge(named(answer.body), seen_in(answer.body), floor)
        else:
            self.note_refused(answer, tag, 409)

    def note_refused(self, answer: Answer, tag: str, *expected: int) -> None:
        """Note that a write was not done, which is right with these statuses only."""
        self.model.refuse(tag)
        if answer.status not in expected:
            self.model.find(f"{tag}: {answer.status} {answer.response.text}")

    async def judge(self) -> None:
        """Compare what the clients were told with the histories and the search index, when all is quiet."""
        indexed, histories = await self._look()
        while self.model.has_lost:  # such a write may still be under way: two looks that agree show one state
            before, (indexed, histories) = (indexed, histories), await self._look()
            if before == (indexed, histories):
                break
        self.model.judge(histories)
        present = {name: seen[0] for name, seen in histories.items() if seen and seen[0].tag is not None}
        if indexed != present:
            self.model.find(f"the search index has {indexed} and the histories {present}")
        for condition, answered in self.conditional.items():
            matching = [named(match) for match in matches(await self.clients.insist("GET", condition))]
            if answered != set(matching) or len(matching) != 1:
                self.model.find(f"{condition} was answered with {answered} and finds {matching}")

    async def _look(self) -> tuple[dict[str, Seen], dict[str, list[Seen]]]:
        """Return what searches find, and the histories of all that was ever told of."""
        answers = [await self.clients.insist("GET", self.search(kind)) for kind in TYPES]
        found = {named(match): seen_in(match) for answer in answers for match in matches(answer)}
        names = sorted({*self.model.names(), *self.ids, *found})
        return found, {name: await self._history_of(name) for name in names}

    async def _history_of(self, resource: str) -> list[Seen]:
        answer = await self.clients.insist("GET", f"{resource}/_history?_count=1000")
        return history_in(answer.body) if answer.status == 200 else []


def named(resource: Json) -> str:
    """Return ``Type/id``."""
    return f"{resource['resourceType']}/{resource['id']}"


def matches(answer: Answer) -> list[Any]:
    """Return the resources that a search found, which must be all."""
    assert answer.status == 200, answer.response.text
    assert "next" not in [link["relation"] for link in answer.body["link"]]
    return [item["resource"] for item in answer.body.get("entry", [])]
