"""What clients do on the resources of a sequence, and how often."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tests.durability.clients import Answer, history_in, seen_in, version_of
from tests.durability.model import Seen
from tests.durability.sequence import TYPES, Sequence, matches, named
from tests.support.resources import entry, new_urn, transaction


async def update(sequence: Sequence, chance: random.Random) -> None:
    """PUT, often with If-Match of a version that is or was current."""
    resource = chance.choice(sequence.ids)
    tag, floor, match = sequence.model.begin(), sequence.model.newest(resource), sequence.if_match(resource, chance)
    begun, clear = sequence.model.tick(), sequence.clear()
    answer = await sequence.clients.send("PUT", resource, sequence.resource(resource, tag), **match_header(match))
    sequence.note_write(resource, answer, tag, floor, match)
    if answer.status == 412 and clear():
        sequence.model.refuse_match(resource, match or 0, begun)


async def patch(sequence: Sequence, chance: random.Random) -> None:
    """PATCH of the member that holds the tag."""
    resource = chance.choice(sequence.ids)
    tag, floor, match = sequence.model.begin(), sequence.model.newest(resource), sequence.if_match(resource, chance)
    path = "/title" if resource.startswith("CarePlan") else "/description/text"
    headers = match_header(match) | {"Content_Type": "application/json-patch+json"}
    answer = await sequence.clients.send("PATCH", resource, [{"op": "replace", "path": path, "value": tag}], **headers)
    sequence.note_write(resource, answer, tag, floor, match)


async def delete(sequence: Sequence, chance: random.Random) -> None:
    """DELETE, sometimes with If-Match."""
    resource = chance.choice(sequence.ids)
    floor, match = sequence.model.newest(resource), sequence.if_match(resource, chance)
    answer = await sequence.clients.send("DELETE", resource, **match_header(match))
    if answer.lost:
        sequence.model.lose_deletion(resource)
    elif answer.status == 204 and "etag" in answer.response.headers:
        sequence.model.acknowledge(resource, answer.seen(None), floor, match)


async def create(sequence: Sequence, chance: random.Random) -> None:
    """POST."""
    kind, tag = chance.choice(TYPES), sequence.model.begin()
    sequence.note_created(await sequence.clients.send("POST", kind, sequence.resource(kind, tag)), tag)


async def create_once(sequence: Sequence, chance: random.Random) -> None:
    """POST with an Idempotency-Key, again and again until there is an answer."""
    kind, tag = chance.choice(TYPES), sequence.model.begin()
    answer = await sequence.clients.insist("POST", kind, sequence.resource(kind, tag), Idempotency_Key=f'"{tag}"')
    sequence.note_created(answer, tag)


async def create_unless_there(sequence: Sequence, chance: random.Random) -> None:
    """POST with If-None-Exist, which others of this sequence send too."""
    kind, tag = chance.choice(TYPES), sequence.model.begin()
    condition, body = sequence.condition("create", kind, tag)
    answer = await sequence.clients.send("POST", kind, body, If_None_Exist=condition)
    if answer.status != 200:
        sequence.note_created(answer, tag)
    else:
        sequence.model.refuse(tag)
        sequence.model.read(named(answer.body), seen_in(answer.body), None)
    if answer.status in (200, 201):
        sequence.conditional.setdefault(f"{kind}?{condition}", set()).add(named(answer.body))


async def update_match(sequence: Sequence, chance: random.Random) -> None:
    """PUT on a condition, which others of this sequence send too."""
    kind, tag = chance.choice(TYPES), sequence.model.begin()
    condition, body = sequence.condition("update", kind, tag)
    known = sequence.conditional.get(f"{kind}?{condition}", ())
    floor = max(map(sequence.model.newest, known), default=0)
    answer = await sequence.clients.send("PUT", f"{kind}?{condition}", body)
    sequence.note_created(answer, tag, floor)
    if answer.status in (200, 201):
        sequence.conditional.setdefault(f"{kind}?{condition}", set()).add(named(answer.body))


async def transact(sequence: Sequence, chance: random.Random) -> None:
    """A transaction of two updates, a create and sometimes a read, or one that fails at its last entry."""
    tag, floors = sequence.model.begin(), [sequence.model.newest(resource) for resource in sequence.ids]
    entries = [entry("PUT", resource, sequence.resource(resource, tag)) for resource in sequence.ids]
    entries.append(entry("POST", "Goal", sequence.resource("Goal", tag), new_urn()))
    fails = chance.random() < 0.2
    if fails:
        entries.append(entry("GET", f"Goal/{sequence.name}-never"))
    chance.shuffle(entries)
    if chance.random() < 0.5:
        answer = await sequence.clients.send("POST", "", transaction(*entries))
    else:
        answer = await sequence.clients.insist("POST", "", transaction(*entries), Idempotency_Key=f'"{tag}"')
    if answer.lost:
        sequence.model.lose(tag, 0 if fails else 3)
    elif answer.status == 200 and not fails:
        for item in answer.body["entry"]:
            resource, _, version = item["response"]["location"].partition("/_history/")
            floor = floors[sequence.ids.index(resource)] if resource in sequence.ids else 0
            sequence.model.acknowledge(resource, Seen(int(version), tag, item["response"]["lastModified"]), floor)
    else:
        sequence.note_refused(answer, tag, 404 if fails else 409, 409)


async def read(sequence: Sequence, chance: random.Random) -> None:
    """GET of a resource that somebody has stored or may have."""
    resource = sequence.any_name(chance)
    floor, clear = sequence.model.newest(resource), sequence.clear()
    answer = await sequence.clients.send("GET", resource)
    if not answer.lost:
        sequence.model.read(resource, shown_by(answer), floor if clear() else None)


async def vread(sequence: Sequence, chance: random.Random) -> None:
    """GET of a version that was acknowledged."""
    resource = sequence.any_name(chance)
    floor, clear = sequence.model.newest(resource), sequence.clear()
    if floor == 0:
        return
    version = chance.randint(1, floor)
    answer = await sequence.clients.send("GET", f"{resource}/_history/{version}")
    if answer.status == 200:
        sequence.model.read(resource, seen_in(answer.body), None)
    elif answer.status == 410:
        sequence.model.read(resource, Seen(version, None), None)
    elif not answer.lost and clear():
        sequence.model.find(f"{resource}/_history/{version}: {answer.status}, though version {floor} is there")


async def history(sequence: Sequence, chance: random.Random) -> None:
    """GET of the whole history."""
    resource = sequence.any_name(chance)
    floor, clear = sequence.model.newest(resource), sequence.clear()
    answer = await sequence.clients.send("GET", f"{resource}/_history?_count=1000")
    if answer.lost:
        return
    shown = history_in(answer.body) if answer.status == 200 else []
    sequence.model.read(resource, shown[0] if shown else None, floor if clear() else None)
    for seen in shown:
        sequence.model.read(resource, seen, None)
    if [seen.version for seen in shown] != list(range(len(shown), 0, -1)):
        sequence.model.find(f"{resource} showed the versions {[seen.version for seen in shown]}")


async def search(sequence: Sequence, chance: random.Random) -> None:
    """Search for all of this sequence of a type."""
    kind = chance.choice(TYPES)
    floors = {name: sequence.model.newest(name) for name in sequence.model.names()}
    lasting = {name for name in floors if sequence.model.present(name) and name not in sequence.ids}
    clear = sequence.clear()
    answer = await sequence.clients.send("GET", sequence.search(kind))
    if answer.lost:
        return
    found = {named(match): seen_in(match) for match in matches(answer)}
    for name, seen in found.items():
        sequence.model.read(name, seen, floors.get(name, 0) if clear() else None)
    missing = [name for name in lasting if name.startswith(kind) and name not in found]
    if missing and clear():
        sequence.model.find(f"a search did not find {missing}")


Operation = Callable[[Sequence, random.Random], Awaitable[None]]
OPERATIONS: dict[Operation, int] = {
    update: 6,
    patch: 3,
    delete: 1,
    create: 1,
    create_once: 2,
    create_unless_there: 2,
    update_match: 2,
    transact: 2,
    read: 4,
    vread: 2,
    history: 2,
    search: 1,
}
"""What a client does, and how often."""


async def run(sequence: Sequence, seed: str) -> list[str]:
    """Return what was wrong, after several clients have done their operations."""
    chance = random.Random(seed)
    seeds = [chance.random() for _ in range(chance.randint(2, 4))]
    async with asyncio.TaskGroup() as group:
        for each in seeds:
            group.create_task(_one_client(sequence, random.Random(each)))
    await sequence.judge()
    return sequence.model.findings


async def _one_client(sequence: Sequence, chance: random.Random) -> None:
    operations, weights = zip(*OPERATIONS.items(), strict=True)
    for operation in chance.choices(operations, weights, k=chance.randint(3, 8)):
        await operation(sequence, chance)


def shown_by(answer: Answer) -> Seen | None:
    """Return the version that a read showed, None where there was none."""
    if answer.status == 200:
        return seen_in(answer.body)
    if answer.status == 410:
        return Seen(version_of(answer.response.headers["etag"]), None)
    assert answer.status == 404, answer.response.text
    return None


def match_header(version: int | None) -> dict[str, str]:
    """Return the header If-Match for a version, or nothing."""
    return {"If_Match": f'W/"{version}"'} if version is not None else {}
