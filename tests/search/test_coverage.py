"""The tables leave nothing out that the service says it serves."""

from collections.abc import Iterator

import httpx
import pytest

from tests.search.cases import CASES, Case
from tests.support.resources import TYPES

MODIFIERS = {
    "string": {"missing", "exact", "contains"},
    "token": {"missing", "text", "not", "in", "not-in", "above", "below", "of-type"},
    "reference": {"missing", "identifier", "[type]", "below"},
    "uri": {"missing", "above", "below"},
    "date": {"missing"},
    "number": {"missing"},
    "quantity": {"missing"},
    "composite": {"missing"},
}
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


def criteria(case: Case) -> Iterator[tuple[str, str, str, str]]:
    """Yield type, parameter, modifier and value of each criterion that is not a chain."""
    path, _, query = case.query.partition("?")
    for item in query.split("&"):
        name, _, value = item.partition("=")
        code, _, modifier = name.partition(":")
        yield path.rpartition("/")[2], code, modifier, value


ASKED = [item for case in CASES if case.status is None and not case.survives for item in criteria(case)]


@pytest.fixture
async def served(world: httpx.AsyncClient) -> dict[tuple[str, str], str]:
    """The type of each parameter of each type of resource, as the CapabilityStatement lists them."""
    (rest,) = (await world.get("/metadata")).json()["rest"]
    listed = {item["type"]: item.get("searchParam", []) for item in rest["resource"]}
    return {(kind, item["name"]): item["type"] for kind in listed for item in listed[kind]}


async def test_every_parameter_is_asked_for(served: dict[tuple[str, str], str]) -> None:
    asked = {(kind, code) for kind, code, _, _ in ASKED}
    for_all = {code for _, code in asked if code.startswith("_")}
    ours = {(kind, code) for kind, code in served if kind in TYPES}
    assert len(ours) > 80
    assert {(kind, code) for kind, code in ours if code not in for_all} <= asked


async def test_every_modifier_is_asked_for_with_every_type_that_takes_it(served: dict[tuple[str, str], str]) -> None:
    asked = {(served[kind, code], modifier) for kind, code, modifier, _ in ASKED if (kind, code) in served}
    for kind, modifiers in MODIFIERS.items():
        there = {"[type]" if modifier[:1].isupper() else modifier for found, modifier in asked if found == kind}
        assert there >= modifiers, kind


@pytest.mark.parametrize("kind", ["date", "number", "quantity"])
async def test_every_prefix_is_asked_for(served: dict[tuple[str, str], str], kind: str) -> None:
    values = [value for found, code, _, value in ASKED if served.get((found, code)) == kind]
    assert {value[:2] for value in values} >= set(PREFIXES)
