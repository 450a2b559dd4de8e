"""A random sequence of operations by several clients on one small set of resources, judged by a simple model."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.durability.clients import Answer, Clients, history_in, seen_in, version_of
from tests.durability.model import Json, Model, Seen
from tests.support.resources import care_plan, entry, goal, new_urn, transaction

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
    """The operations, and what the model knows of them."""

    def __init__(self, name: str, seed: str, clients: Clients, weather: Weather) -> None:
        self.model = Model(name)
        self._name = name
        self._seed = seed
        self._clients = clients
        self._weather = weather
        self._ids = [f"{kind}/{name}" for kind in TYPES]
        """Resources whose ids the clients choose."""
        self._conditional: dict[str, set[str]] = {}
        """By condition the resources that its conditional requests were answered with."""

    async def run(self) -> list[str]:
        """Return what was wrong, after several clients have done their operations."""
        chance = random.Random(self._seed)
        seeds = [chance.random() for _ in range(chance.randint(2, 4))]
        async with asyncio.TaskGroup() as group:
            for seed in seeds:
                group.create_task(self._one_client(random.Random(seed)))
        await self._judge()
        return self.model.findings

    async def _one_client(self, chance: random.Random) -> None:
        operations, weights = zip(*OPERATIONS.items(), strict=True)
        for operation in chance.choices(operations, weights, k=chance.randint(3, 8)):
            await operation(self, chance)

    # What clients do

    async def update(self, chance: random.Random) -> None:
        """PUT, often with If-Match of a version that is or was current."""
        resource = chance.choice(self._ids)
        tag, floor, match = self.model.begin(), self.model.newest(resource), self._if_match(resource, chance)
        begun, clear = self.model.tick(), self._clear()
        answer = await self._clients.send("PUT", resource, self._resource(resource, tag), **match_header(match))
        self._note_write(resource, answer, tag, floor, match)
        if answer.status == 412 and clear():
            self.model.refuse_match(resource, match or 0, begun)

    async def patch(self, chance: random.Random) -> None:
        """PATCH of the member that holds the tag."""
        resource = chance.choice(self._ids)
        tag, floor, match = self.model.begin(), self.model.newest(resource), self._if_match(resource, chance)
        path = "/title" if resource.startswith("CarePlan") else "/description/text"
        headers = match_header(match) | {"Content_Type": "application/json-patch+json"}
        answer = await self._clients.send("PATCH", resource, [{"op": "replace", "path": path, "value": tag}], **headers)
        self._note_write(resource, answer, tag, floor, match)

    async def delete(self, chance: random.Random) -> None:
        """DELETE, sometimes with If-Match."""
        resource = chance.choice(self._ids)
        floor, match = self.model.newest(resource), self._if_match(resource, chance)
        answer = await self._clients.send("DELETE", resource, **match_header(match))
        if answer.lost:
            self.model.lose_deletion(resource)
        elif answer.status == 204 and "etag" in answer.response.headers:
            self.model.acknowledge(resource, answer.seen(None), floor, match)

    async def create(self, chance: random.Random) -> None:
        """POST."""
        kind, tag = chance.choice(TYPES), self.model.begin()
        self._note_created(await self._clients.send("POST", kind, self._resource(kind, tag)), tag)

    async def create_once(self, chance: random.Random) -> None:
        """POST with an Idempotency-Key, again and again until there is an answer."""
        kind, tag = chance.choice(TYPES), self.model.begin()
        answer = await self._clients.insist("POST", kind, self._resource(kind, tag), Idempotency_Key=f'"{tag}"')
        self._note_created(answer, tag)

    async def create_unless_there(self, chance: random.Random) -> None:
        """POST with If-None-Exist, which others of this sequence send too."""
        kind, tag = chance.choice(TYPES), self.model.begin()
        condition, body = self._condition("create", kind, tag)
        answer = await self._clients.send("POST", kind, body, If_None_Exist=condition)
        if answer.status != 200:
            self._note_created(answer, tag)
        else:
            self.model.refuse(tag)
            self.model.read(named(answer.body), seen_in(answer.body), None)
        if answer.status in (200, 201):
            self._conditional.setdefault(f"{kind}?{condition}", set()).add(named(answer.body))

    async def update_match(self, chance: random.Random) -> None:
        """PUT on a condition, which others of this sequence send too."""
        kind, tag = chance.choice(TYPES), self.model.begin()
        condition, body = self._condition("update", kind, tag)
        known = self._conditional.get(f"{kind}?{condition}", ())
        floor = max(map(self.model.newest, known), default=0)
        answer = await self._clients.send("PUT", f"{kind}?{condition}", body)
        self._note_created(answer, tag, floor)
        if answer.status in (200, 201):
            self._conditional.setdefault(f"{kind}?{condition}", set()).add(named(answer.body))

    async def transact(self, chance: random.Random) -> None:
        """A transaction of two updates, a create and sometimes a read, or one that fails at its last entry."""
        tag, floors = self.model.begin(), [self.model.newest(resource) for resource in self._ids]
        entries = [entry("PUT", resource, self._resource(resource, tag)) for resource in self._ids]
        entries.append(entry("POST", "Goal", self._resource("Goal", tag), new_urn()))
        fails = chance.random() < 0.2
        if fails:
            entries.append(entry("GET", f"Goal/{self._name}-never"))
        chance.shuffle(entries)
        if chance.random() < 0.5:
            answer = await self._clients.send("POST", "", transaction(*entries))
        else:
            answer = await self._clients.insist("POST", "", transaction(*entries), Idempotency_Key=f'"{tag}"')
        if answer.lost:
            self.model.lose(tag, 0 if fails else 3)
        elif answer.status == 200 and not fails:
            for item in answer.body["entry"]:
                resource, _, version = item["response"]["location"].partition("/_history/")
                floor = floors[self._ids.index(resource)] if resource in self._ids else 0
                self.model.acknowledge(resource, Seen(int(version), tag, item["response"]["lastModified"]), floor)
        else:
            self._refused(answer, tag, 404 if fails else 409, 409)

    async def read(self, chance: random.Random) -> None:
        """GET of a resource that somebody has stored or may have."""
        resource = self._any(chance)
        floor, clear = self.model.newest(resource), self._clear()
        answer = await self._clients.send("GET", resource)
        if not answer.lost:
            self.model.read(resource, self._shown(answer), floor if clear() else None)

    async def vread(self, chance: random.Random) -> None:
        """GET of a version that was acknowledged."""
        resource = self._any(chance)
        floor, clear = self.model.newest(resource), self._clear()
        if floor == 0:
            return
        version = chance.randint(1, floor)
        answer = await self._clients.send("GET", f"{resource}/_history/{version}")
        if answer.status == 200:
            self.model.read(resource, seen_in(answer.body), None)
        elif answer.status == 410:
            self.model.read(resource, Seen(version, None), None)
        elif not answer.lost and clear():
            self.model.find(f"{resource}/_history/{version}: {answer.status}, though version {floor} is there")

    async def history(self, chance: random.Random) -> None:
        """GET of the whole history."""
        resource = self._any(chance)
        floor, clear = self.model.newest(resource), self._clear()
        answer = await self._clients.send("GET", f"{resource}/_history?_count=1000")
        if answer.lost:
            return
        shown = history_in(answer.body) if answer.status == 200 else []
        self.model.read(resource, shown[0] if shown else None, floor if clear() else None)
        for seen in shown:
            self.model.read(resource, seen, None)
        if [seen.version for seen in shown] != list(range(len(shown), 0, -1)):
            self.model.find(f"{resource} showed the versions {[seen.version for seen in shown]}")

    async def search(self, chance: random.Random) -> None:
        """Search for all of this sequence of a type."""
        kind = chance.choice(TYPES)
        floors = {name: self.model.newest(name) for name in self.model.names()}
        lasting = {name for name in floors if self.model.present(name) and name not in self._ids}
        clear = self._clear()
        answer = await self._clients.send("GET", self._search(kind))
        if answer.lost:
            return
        found = {named(match): seen_in(match) for match in matches(answer)}
        for name, seen in found.items():
            self.model.read(name, seen, floors.get(name, 0) if clear() else None)
        missing = [name for name in lasting if name.startswith(kind) and name not in found]
        if missing and clear():
            self.model.find(f"a search did not find {missing}")

    # What comes of it

    def _note_write(self, resource: str, answer: Answer, tag: str, floor: int, match: int | None) -> None:
        """Note the answer to an update or a patch."""
        if answer.lost:
            self.model.lose(tag)
        elif answer.status in (200, 201):
            self.model.acknowledge(resource, seen_in(answer.body), floor, match)
        else:
            self._refused(answer, tag, 404, 409, 410, 412)

    def _note_created(self, answer: Answer, tag: str, floor: int = 0) -> None:
        if answer.lost:
            self.model.lose(tag)
        elif answer.status in (200, 201):
            self.model.acknowledge(named(answer.body), seen_in(answer.body), floor)
        else:
            self._refused(answer, tag, 409)

    def _refused(self, answer: Answer, tag: str, *expected: int) -> None:
        self.model.refuse(tag)
        if answer.status not in expected:
            self.model.find(f"{tag}: {answer.status} {answer.response.text}")

    def _shown(self, answer: Answer) -> Seen | None:
        if answer.status == 200:
            return seen_in(answer.body)
        if answer.status == 410:
            return Seen(version_of(answer.response.headers["etag"]), None)
        assert answer.status == 404, answer.response.text
        return None

    async def _judge(self) -> None:
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
        for condition, answered in self._conditional.items():
            matching = [named(match) for match in matches(await self._clients.insist("GET", condition))]
            if answered != set(matching) or len(matching) != 1:
                self.model.find(f"{condition} was answered with {answered} and finds {matching}")

    async def _look(self) -> tuple[dict[str, Seen], dict[str, list[Seen]]]:
        """Return what searches find, and the histories of all that was ever told of."""
        answers = [await self._clients.insist("GET", self._search(kind)) for kind in TYPES]
        found = {named(match): seen_in(match) for answer in answers for match in matches(answer)}
        names = sorted({*self.model.names(), *self._ids, *found})
        return found, {name: await self._history_of(name) for name in names}

    async def _history_of(self, resource: str) -> list[Seen]:
        answer = await self._clients.insist("GET", f"{resource}/_history?_count=1000")
        return history_in(answer.body) if answer.status == 200 else []

    # What they speak of

    def _resource(self, name: str, tag: str, *identifiers: Json) -> Json:
        """Return a resource with this tag, with the id that ``Type/id`` gives it."""
        kind, _, resource_id = name.partition("/")
        named_by = [{"system": SEQUENCES, "value": self._name}, *identifiers]
        made = care_plan(title=tag) if kind == "CarePlan" else goal(description={"text": tag})
        return {**made, "identifier": named_by} | ({"id": resource_id} if resource_id else {})

    def _condition(self, purpose: str, kind: str, tag: str) -> tuple[str, Json]:
        """Return criteria that every client of this sequence uses, and a resource that fulfils them."""
        value = f"{self._name}-{purpose}"
        body = self._resource(kind, tag, {"system": CONDITIONS, "value": value})
        return f"identifier={quote(f'{CONDITIONS}|{value}', safe='')}", body

    def _search(self, kind: str) -> str:
        return f"{kind}?identifier={quote(f'{SEQUENCES}|{self._name}', safe='')}&_count=1000"

    def _any(self, chance: random.Random) -> str:
        return chance.choice(sorted({*self._ids, *self.model.names()}))

    def _if_match(self, resource: str, chance: random.Random) -> int | None:
        newest = self.model.newest(resource)
        return max(1, newest - (chance.random() < 0.2)) if newest and chance.random() < 0.5 else None

    def _clear(self) -> Callable[[], bool]:
        """Return a function that tells whether the database had the same primary since now."""
        storms, stormy = self._weather.storms, self._weather.stormy
        return lambda: not stormy and not self._weather.stormy and storms == self._weather.storms


Operation = Callable[[Sequence, random.Random], Awaitable[None]]
OPERATIONS: dict[Operation, int] = {
    Sequence.update: 6,
    Sequence.patch: 3,
    Sequence.delete: 1,
    Sequence.create: 1,
    Sequence.create_once: 2,
    Sequence.create_unless_there: 2,
    Sequence.update_match: 2,
    Sequence.transact: 2,
    Sequence.read: 4,
    Sequence.vread: 2,
    Sequence.history: 2,
    Sequence.search: 1,
}
"""What a client does, and how often."""


def match_header(version: int | None) -> dict[str, str]:
    """Return the header If-Match for a version, or nothing."""
    return {"If_Match": f'W/"{version}"'} if version is not None else {}


def named(resource: Json) -> str:
    """Return ``Type/id``."""
    return f"{resource['resourceType']}/{resource['id']}"


def matches(answer: Answer) -> list[Any]:
    """Return the resources that a search found, which must be all."""
    assert answer.status == 200, answer.response.text
    assert "next" not in [link["relation"] for link in answer.body["link"]]
    return [item["resource"] for item in answer.body.get("entry", [])]
