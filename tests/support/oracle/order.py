"""The order that ``_sort`` asks for: https://hl7.org/fhir/R4/search.html#sort."""

from fractions import Fraction
from typing import Any

from tests.support.oracle.addresses import local
from tests.support.oracle.amounts import number_span, quantity_span
from tests.support.oracle.texts import readable
from tests.support.oracle.times import date_span
from tests.support.oracle.tokens import codings_of
from tests.support.oracle.world import Resource, World


def in_order(world: World, names: list[str], sort: str) -> list[list[str]]:
    """Return references in the order of ``_sort``, those that are equal in it together."""
    groups = [names] if names else []
    keys = sort.split(",") if sort else []
    for key in keys + ["-_id" if key.startswith("-") else "_id" for key in keys[-1:]]:  # what is equal goes by id
        groups = [part for group in groups for part in _parted(world, group, key)]
    return groups


def _parted(world: World, names: list[str], key: str) -> list[list[str]]:
    """Return references in the order of one key, those with equal values together and those without any last."""
    code, descending = key.removeprefix("-"), key.startswith("-")
    choose = max if descending else min  # of several values, the one that comes earliest in the order
    places: dict[Any, list[str]] = {}
    missing = []
    for name in names:
        values = _values(world, world.held[name], code)
        (places.setdefault(choose(values), []) if values else missing).append(name)
    return [places[place] for place in sorted(places, reverse=descending)] + ([missing] if missing else [])


def _values(world: World, resource: Resource, code: str) -> list[Any]:
    parameter = world.parameter(resource, code)
    assert parameter is not None, code
    found = world.values(resource, parameter.expression)
    match parameter.type:
        case "token":
            return [item[1] for value in found for item in codings_of(parameter, value) if item[1] is not None]
        case "reference":
            canonicals = [value for value in found if isinstance(value, str)]
            named = [value.get("reference", "#") for value in found if not isinstance(value, str)]
            return canonicals + [local(text, world.base) for text in named if not text.startswith("#")]
        case "date":
            return [span[0] for span in map(date_span, found) if span is not None]
        case "number":
            return [number_span(value)[0] for value in found]
        case "quantity":
            return [quantity_span(value, Fraction(1))[0] for value in found if "value" in value]
        case "string":
            return [readable(value) for value in found]
        case "uri":
            return [value.partition("|")[0] for value in found]
    return found
