"""All claims about one type (CapabilityStatement.rest.resource)."""

from typing import Any

from tests.interactions.claims import of_operations
from tests.interactions.claims.of_conditions import CONDITIONS
from tests.interactions.claims.of_interactions import ON_A_TYPE
from tests.interactions.claims.of_searches import SEARCHES
from tests.interactions.claims.world import Json, World


async def interactions(world: World, item: Json) -> None:
    claimed = {each["code"] for each in item.get("interaction", [])}
    assert claimed <= ON_A_TYPE.keys(), "a claim that nobody tries"
    for code, attempt in ON_A_TYPE.items():
        await attempt(world, item["type"], code in claimed)


RESOURCE: dict[str, Any] = {
    **SEARCHES,
    **CONDITIONS,
    "interaction": interactions,
    "operation": of_operations.on_a_type,
}
