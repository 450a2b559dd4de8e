"""What a client gets as a table is of what it may see, as it is now: neither more nor less."""

from typing import Any

import orjson
import pytest

from tests.security.clients import LIMITED, MASTER, Someone
from tests.security.conftest import World
from tests.security.test_exports import seen_now
from tests.support.issuer import bearer

RUN = "/$viewdefinition-run"
TYPES = ("CarePlan", "Goal", "RiskAssessment", "Provenance")


def asked_for(name: str) -> dict[str, Any]:
    """Return Parameters that ask for the key and the version of every resource of a type."""
    paths = {"key": "getResourceKey()", "version": "meta.versionId"}
    select = [{"column": [{"name": column, "path": path} for column, path in paths.items()]}]
    view = {"resourceType": "ViewDefinition", "resource": name, "select": select}
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "_format", "valueCode": "json"}, {"name": "viewResource", "resource": view}],
    }


@pytest.mark.parametrize("someone", [MASTER, *LIMITED], ids=str)
async def test_a_table_has_what_its_client_may_see_and_nothing_else(world: World, someone: Someone) -> None:
    expected = seen_now(world, someone)
    for name in TYPES:
        answer = await world.whole.post(RUN, json=asked_for(name), headers=someone.headers)
        if answer.status_code == 403:
            assert not [each for each in expected if each[0] == name]
            continue
        assert answer.status_code == 200, answer.text
        assert ("recovery-redacted" in answer.headers) == (someone.sight.clearances is not None), "always, or never"
        found = {(name, row["key"].partition("/")[2], int(row["version"])) for row in orjson.loads(answer.content)}
        assert found == {each for each in expected if each[0] == name}


@pytest.mark.parametrize("scopes", ["system/Goal.r", "system/Goal.s", "system/Goal.cud", "system/CarePlan.rs"])
async def test_it_takes_the_rights_to_read_and_to_search(world: World, scopes: str) -> None:
    headers = bearer(scopes, client_id="half", clearance="*")
    answer = await world.whole.get(RUN, params={"view": "goals"}, headers=headers)
    assert answer.status_code == 403


async def test_a_table_of_several_types_takes_the_rights_for_each(world: World) -> None:
    for scopes, status in (("system/CarePlan.rs", 403), ("system/CarePlan.rs system/RiskAssessment.rs", 200)):
        headers = bearer(scopes, client_id="some", clearance="*")
        answer = await world.whole.get(RUN, params={"view": "stipulations"}, headers=headers)
        assert answer.status_code == status
