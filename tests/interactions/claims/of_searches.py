"""Claims about searches (searchParam, searchInclude, searchRevInclude, combinations), references and profiles."""

from typing import Any

from tests.interactions.claims.world import Json, World, address_of

COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"


async def described(world: World, item: Json) -> None:
    """There is nothing to try: it is said for readers."""


async def _held(world: World, resource_type: str, canonical: str) -> Json:
    found = await world.read(f"{resource_type}?url={canonical}")
    assert found["total"] == 1, f"{canonical} cannot be read"
    definition: Json = found["entry"][0]["resource"]
    return definition


async def profile(world: World, item: Json) -> None:
    if "profile" in item:
        assert (await _held(world, "StructureDefinition", item["profile"]))["type"] == item["type"]


async def supported_profile(world: World, item: Json) -> None:
    some = await world.existing(item["type"])
    for canonical in item.get("supportedProfile", []):
        definition = await _held(world, "StructureDefinition", canonical)
        assert (definition["type"], definition["derivation"]) == (item["type"], "constraint")
        await world.ask("POST", f"{item['type']}/$validate?profile={canonical}", json=some)


async def search_parameters(world: World, item: Json) -> None:
    name, claimed = item["type"], item.get("searchParam", [])
    every = await world.count(name)
    for parameter in claimed:
        definition = await _held(world, "SearchParameter", parameter["definition"])
        assert (definition["code"], definition["type"]) == (parameter["name"], parameter["type"])
        assert {name, "Resource", "DomainResource"} & set(definition["base"])
        shares = [await world.count(f"{name}?{parameter['name']}:missing={each}") for each in ("false", "true")]
        assert sum(shares) == every
    others = world.claimed_anywhere("searchParam", "name") - {parameter["name"] for parameter in claimed}
    for other in others:
        answer = await world.ask("GET", f"{name}?{other}=1", 400)
        assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "unknown-parameter"


async def _includes(world: World, item: Json, member: str, parameter: str) -> None:
    claimed = set(item.get(member, []))
    for each in sorted({"*", *claimed, *_references(world)}):
        await world.ask("GET", f"{item['type']}?{parameter}={each}&_count=1", 200 if each in claimed else 400)


def _references(world: World) -> set[str]:
    """Return ``Type:parameter`` of every parameter of type reference, which any include could be of."""
    return {
        f"{name}:{parameter['name']}"
        for name, item in world.types.items()
        for parameter in item.get("searchParam", [])
        if parameter["type"] == "reference"
    }


async def includes(world: World, item: Json) -> None:
    await _includes(world, item, "searchInclude", "_include")


async def reverse_includes(world: World, item: Json) -> None:
    await _includes(world, item, "searchRevInclude", "_revinclude")


async def combinations(world: World, item: Json) -> None:
    for extension in item.get("extension", []):
        assert extension["url"] == COMBINATION, "a claim that nobody tries"
        names = [part["valueString"] for part in extension["extension"] if part["url"] == "required"]
        assert set(names) <= {parameter["name"] for parameter in item["searchParam"]}
        await world.read(f"{item['type']}?{'&'.join(f'{each}:missing=false' for each in names)}&_count=1")


async def reference_policy(world: World, item: Json) -> None:
    """Try references of the first parameter whose path is an element of the resource itself."""
    name, claimed = item["type"], set(item.get("referencePolicy", []))
    assert claimed <= {"literal", "logical"}, "a claim that nobody tries"
    if not world.claims(name, "create"):
        assert not claimed
        return
    content = await world.new(name)
    element = next((key for key, value in content.items() if _is_reference(value)), None)
    if element is None:
        assert not claimed
        return
    target = _first(content[element])["reference"]
    elsewhere = f"http://elsewhere.example/fhir/{target.split('/')[-2]}/1"  # neither resolves nor local is claimed
    for reference, policy in (
        ({"reference": target}, "literal"),
        ({"reference": elsewhere}, "literal"),
        ({"identifier": {"system": "http://example.org/ids", "value": "1"}}, "logical"),
    ):
        value = [reference] if isinstance(content[element], list) else reference
        status = 201 if policy in claimed else (400, 422)
        answer = await world.ask("POST", name, status, json={**content, element: value})
        assert policy not in claimed or (await world.read(address_of(answer.json())))[element] == value


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def _is_reference(value: Any) -> bool:
    first = _first(value)
    return isinstance(first, dict) and isinstance(first.get("reference"), str)


SEARCHES: dict[str, Any] = {
    "type": described,
    "documentation": described,
    "profile": profile,
    "supportedProfile": supported_profile,
    "searchParam": search_parameters,
    "searchInclude": includes,
    "searchRevInclude": reverse_includes,
    "extension": combinations,
    "referencePolicy": reference_policy,
}
