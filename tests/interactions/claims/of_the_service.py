"""Claims about the service as a whole: its formats, versions, definitions and compartments."""

from typing import Any
from urllib.parse import quote

from tests.interactions.claims import of_operations
from tests.interactions.claims.of_interactions import ON_THE_SYSTEM
from tests.interactions.claims.of_patches import FORMATS
from tests.interactions.claims.of_searches import described
from tests.interactions.claims.world import REFUSED, Json, World, address_of

_NOT_CLAIMED = ("ttl", "text/turtle", "application/fhir+turtle")


async def formats(world: World, statement: Json) -> None:
    """Ask for each format by _format; a media type is also asked for by Accept, and sent."""
    for name in [name for name in world.types if world.claims(name, "create")]:
        for each in {*statement["format"], *_NOT_CLAIMED}:
            await _format_tried(world, name, each, each in statement["format"])


async def _format_tried(world: World, name: str, each: str, claimed: bool) -> None:
    some = await world.existing(name)
    shown = await world.ask("GET", f"{address_of(some)}?_format={quote(each)}", 200 if claimed else 406)
    if claimed:
        assert shown.content.startswith(b"<" if "xml" in each else b"{")
        assert ("xml" if "xml" in each else "json") in shown.headers["content-type"]
    if "/" not in each:
        return
    await world.ask("GET", address_of(some), 200 if claimed else 406, headers={"Accept": each})
    body = shown.content if claimed else b"anything"
    await world.ask("POST", name, 201 if claimed else 415, content=body, headers={"Content-Type": each})


async def patch_formats(world: World, statement: Json) -> None:
    """Each is tried with every type that can be patched; here, that there are some, and that all are known."""
    claimed = statement.get("patchFormat", [])
    assert set(claimed) <= FORMATS.keys(), "a format that nobody tries"
    assert bool(claimed) == any(world.claims(name, "patch") for name in world.types)


async def fhir_version(world: World, statement: Json) -> None:
    number = statement["fhirVersion"].rpartition(".")[0]
    for version, status in ((number, 200), (statement["fhirVersion"], 200), ("3.0", 406), ("5.0", 406)):
        await world.ask("GET", "metadata", status, headers={"Accept": f"application/fhir+json; fhirVersion={version}"})


async def own_canonical(world: World, statement: Json) -> None:
    assert await world.count(f"CapabilityStatement?url={statement['url']}") == 1


async def guides(world: World, statement: Json) -> None:
    for canonical in statement.get("implementationGuide", []):
        assert await world.count(f"ImplementationGuide?url={canonical}") == 1


async def instantiated(world: World, statement: Json) -> None:
    """Each is the statement of a guide that the service follows, with an operation of ours for each one of it."""
    operations = [each["definition"] for each in world.rest["operation"]]
    for canonical in statement.get("instantiates", []):
        guide = canonical.partition("/CapabilityStatement/")[0]
        found = [(await world.read(f"OperationDefinition?url={url}"))["entry"][0]["resource"] for url in operations]
        assert any(each.get("base", "").startswith(f"{guide}/") for each in found), canonical


async def implementation(world: World, statement: Json) -> None:
    assert statement["kind"] == "instance"
    answer = await world.client.get(f"{statement['implementation']['url']}/metadata")
    assert answer.status_code == 200


async def system_interactions(world: World, rest: Json) -> None:
    claimed = {item["code"] for item in rest["interaction"]}
    assert claimed <= ON_THE_SYSTEM.keys(), "a claim that nobody tries"
    for code, attempt in ON_THE_SYSTEM.items():
        await attempt(world, "", code in claimed)


async def compartments(world: World, rest: Json) -> None:
    owners = [await _owner(world, canonical) for canonical in rest["compartment"]]
    for owner in {*owners, *world.types}:
        await world.ask("GET", f"{owner}/nobody/*", 200 if owner in owners else REFUSED)


async def _owner(world: World, canonical: str) -> str:
    found = await world.read(f"CompartmentDefinition?url={canonical}")
    return str(found["entry"][0]["resource"]["code"])


async def security(world: World, rest: Json) -> None:
    """Ask without a token; ask from a page of another origin."""
    claimed = rest["security"]
    needs_token = bool(claimed.get("service"))
    answer = await world.ask("GET", "CarePlan?_count=1", 401 if needs_token else 200)
    assert ("www-authenticate" in answer.headers) == needs_token
    assert ("everybody" in claimed["description"]) != needs_token
    foreign = await world.ask("GET", "metadata", headers={"Origin": "https://app.example.org"})
    assert ("access-control-allow-origin" in foreign.headers) == claimed["cors"]


REST: dict[str, Any] = {
    "mode": described,
    "documentation": described,
    "resource": described,  # each is walked by itself
    "interaction": system_interactions,
    "operation": of_operations.on_the_system,
    "compartment": compartments,
    "security": security,
}
STATEMENT: dict[str, Any] = {
    **dict.fromkeys(("resourceType", "id", "version", "name", "title", "status", "experimental", "date"), described),
    **dict.fromkeys(("publisher", "description", "kind", "software", "rest"), described),
    "url": own_canonical,
    "fhirVersion": fhir_version,
    "format": formats,
    "patchFormat": patch_formats,
    "implementationGuide": guides,
    "instantiates": instantiated,
    "implementation": implementation,
}
