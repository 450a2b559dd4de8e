"""Claims that an operation is there (operation): at each level that its definition has, and at no other."""

import asyncio
import json
from typing import Any

from tests.interactions.claims.world import REFUSED, TAGS, Json, World, address_of

_META = {"tag": [{"system": TAGS, "code": "operated"}]}
_OF_TYPE: dict[str, Json] = {
    "evaluate-measure": {"name": "measure", "valueString": "Measure/recovery-orientation-audit"},
}
"""What an operation on a type needs, beside what its definition says that it always does."""


async def definition_of(world: World, operation: Json) -> Json:
    """Return the OperationDefinition that a claim names, which the service must hold."""
    found = await world.read(f"OperationDefinition?url={operation['definition']}")
    assert found["total"] == 1, f"{operation['definition']} cannot be read"
    definition: Json = found["entry"][0]["resource"]
    assert definition["code"] == operation["name"]
    return definition


def _parameters(definition: Json, resource: Json | None) -> Json:
    """Return what an operation needs that no address can say: a Meta, or the resource that it is about."""
    values = {"Meta": {"valueMeta": _META}, "Resource": {"resource": resource}, "date": {"valueDate": "2025-12"}}
    taken = [item for item in definition["parameter"] if item["use"] == "in"]
    parameter = [
        {"name": item["name"], **values[item["type"]]}
        for item in taken
        if item["min"] > 0 or (item["type"] == "Resource" and resource is not None)
    ]
    return {"resourceType": "Parameters", **({"parameter": parameter} if parameter else {})}


def _check_result(definition: Json, result: Json) -> None:
    (out,) = [item for item in definition["parameter"] if item["use"] == "out"]
    assert out["name"] == "return"
    if result["resourceType"] == "Parameters" and out["type"] != "Parameters":
        (found,) = result["parameter"]
        assert found.keys() == {"name", f"value{out['type']}"}
    else:
        assert result["resourceType"] == out["type"]


async def tried(
    world: World, definition: Json, address: str, resource: Json | None = None, beside: Json | None = None
) -> None:
    """Invoke an operation by POST, and by GET too unless it changes something or needs more than an address."""
    sent = _parameters(definition, resource)
    if beside is not None:
        sent["parameter"] = [*sent.get("parameter", ()), beside]
    answer = await world.ask("POST", f"{address}/${definition['code']}".lstrip("/"), json=sent)
    _check_result(definition, answer.json())
    by_get = not definition.get("affectsState", False) and "parameter" not in sent
    got = await world.ask("GET", f"{address}/${definition['code']}".lstrip("/"), 200 if by_get else (400, 405))
    assert not by_get or got.json()["resourceType"] == answer.json()["resourceType"]


async def on_a_type(world: World, item: Json) -> None:
    """Try the operations that a type claims, and that those which others claim are not there."""
    name, claimed = item["type"], item.get("operation", [])
    some = address_of(await world.existing(name))
    for operation in claimed:
        definition = await definition_of(world, operation)
        assert {name, "Resource", "DomainResource"} & set(definition["resource"])
        if definition["instance"]:
            await tried(world, definition, address_of(await world.stored_twice(name)))
        if definition["type"]:
            beside = _OF_TYPE.get(definition["code"])
            await tried(world, definition, name, None if beside else await world.new(name), beside)
        for level, address in (("instance", some), ("type", name)):
            if not definition[level]:
                await world.ask("POST", f"{address}/${operation['name']}", REFUSED, json=_parameters(definition, None))
    for other in world.claimed_anywhere("operation", "name") - {operation["name"] for operation in claimed}:
        for address in (some, name):
            await world.ask("POST", f"{address}/${other}", REFUSED, json={"resourceType": "Parameters"})


async def on_the_system(world: World, rest: Json) -> None:
    """Try the operations that the system claims: at its root, or on what it has no type for but a compartment."""
    claimed = rest.get("operation", [])
    for operation in claimed:
        definition = await definition_of(world, operation)
        for name in set(definition.get("resource", [])) - world.types.keys() if definition["instance"] else ():
            if name not in ("Resource", "DomainResource"):
                await tried(world, definition, await _somebody(world, name))
        if definition["code"] in _IN_ITS_OWN_WAY:
            await _IN_ITS_OWN_WAY[definition["code"]](world)
        elif definition["system"]:
            await tried(world, definition, "")
    for other in world.claimed_anywhere("operation", "name") - {operation["name"] for operation in claimed}:
        await world.ask("POST", f"${other}", REFUSED, json={"resourceType": "Parameters"})


async def _a_table(world: World) -> None:
    """Ask for a table, which is no resource."""
    view = {"name": "view", "valueString": "goals"}
    sent = {"resourceType": "Parameters", "parameter": [view, {"name": "_format", "valueCode": "json"}]}
    posted = await world.ask("POST", "$viewdefinition-run", json=sent)
    got = await world.ask("GET", "$viewdefinition-run?view=goals&_format=json")
    assert isinstance(posted.json(), list)
    assert isinstance(got.json(), list)


async def _an_import(world: World) -> None:
    """Send a line of ndjson, and ask for the manifest until it is there."""
    name = next(each for each in world.types if world.claims(each, "update"))
    content = {**await world.new(name), "id": "imported"}
    sent = {"content": json.dumps(content), "headers": {"Content-Type": "application/fhir+ndjson"}}
    address = (await world.ask("POST", "$import", 202, **sent)).headers["content-location"].partition("/fhir/R4/")[2]
    await world.ask("GET", "$import", 405)
    while True:
        answer = await world.ask("GET", address, (200, 202))
        if answer.status_code == 200:
            break
        await asyncio.sleep(0.02)
    assert answer.json()["output"] == [{"type": name, "count": 1}], answer.json()
    await world.ask("GET", f"{name}/imported")


async def _an_export(world: World) -> None:
    """Begin exports of the system and of people, each by GET and by POST; what comes of them has its own tests."""
    headers = {"Prefer": "respond-async"}
    for address in ("$export", "Patient/$export"):
        for method, sent in (("GET", {}), ("POST", {"json": {"resourceType": "Parameters"}})):
            await world.ask(method, address, 400, **sent)
            begun = await world.ask(method, address, 202, headers=headers, **sent)
            assert begun.json()["resourceType"] == "OperationOutcome"
            job = begun.headers["content-location"].partition("/fhir/R4/")[2]
            await world.ask("GET", job, (200, 202))
            await world.ask("DELETE", job, 202)
            await world.ask("GET", job, 404)


_IN_ITS_OWN_WAY = {"export": _an_export, "import": _an_import, "viewdefinition-run": _a_table}
"""How operations are tried whose answers are no resources, or come later."""


async def _somebody(world: World, owner: str) -> str:
    """Return ``Type/id`` of somebody of a type that is not stored, to whom something that is stored refers."""
    for name in world.types:
        if world.claims(name, "create"):
            links = _links_in(await world.existing(name))
            found = sorted(link for link in links if link.startswith(f"{owner}/"))
            if found:
                return found[0]
    raise AssertionError(f"nothing refers to any {owner}")


def _links_in(value: Any) -> set[str]:
    if isinstance(value, list):
        return {link for item in value for link in _links_in(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["reference"]} if isinstance(value.get("reference"), str) else set()
    return own | {link for item in value.values() for link in _links_in(item)}
