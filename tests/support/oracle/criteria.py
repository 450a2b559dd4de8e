"""Whether a resource fulfils one parameter of a query, with its modifiers, chains and values."""

import re
from typing import Any

from tests.support.oracle.addresses import reference_matches, uri_matches
from tests.support.oracle.amounts import amount_matches, number_span, quantity_matches
from tests.support.oracle.definitions import Parameter
from tests.support.oracle.filters import filter_holds
from tests.support.oracle.texts import contents, plain, says, split, string_matches, words
from tests.support.oracle.times import date_matches
from tests.support.oracle.tokens import token_matches
from tests.support.oracle.world import Resource, World


def fulfils(world: World, resource: Resource, name: str, text: str) -> bool:
    """Return whether ``resource`` fulfils ``name=text``; it does not where its type has no such parameter."""
    if name.startswith("_has:"):
        _, kind, code, rest = name.split(":", 3)
        referring = [item for item in world.of_type(kind) if world.leads_to(item, code, resource)]
        return any(fulfils(world, item, rest, text) for item in referring)
    if "." in name:
        step, rest = name.split(".", 1)
        code, _, kind = step.partition(":")
        targets = [item for item in world.targets(resource, code, kind) if _can_be_asked(world, item, rest, text)]
        return any(fulfils(world, item, rest, text) for item in targets)
    if name in ("_text", "_content"):
        texts = contents(resource if name == "_content" else resource.get("text", {}))
        there = {word for item in texts for word in words(item)}
        return any(says(there, plain(part)) for part in split(text, ","))
    if name == "_filter":
        return filter_holds(text, lambda *criterion: fulfils(world, resource, *criterion), world.type_of)
    code, _, modifier = name.partition(":")
    parameter = world.parameter(resource, code)
    return parameter is not None and _fulfils_plainly(world, resource, parameter, modifier, text)


def _can_be_asked(world: World, resource: Resource, name: str, text: str) -> bool:
    """Return whether the end of a chain is for a resource: one whose type has all parameters of a filter.

    What is contained is asked for no words and nothing beyond itself: a stated departure of the service.
    """
    names = [name]
    if name == "_filter":
        names = []
        filter_holds(text, lambda path, _: bool(names.append(path)), world.type_of)
        if not all(world.parameter(resource, re.split("[.:]", path)[0]) for path in names):
            return False
    further = any("." in each or each.startswith(("_has:", "_text", "_content")) for each in names)
    return world.holds(resource) or not further


def _fulfils_plainly(world: World, resource: Resource, parameter: Parameter, modifier: str, text: str) -> bool:
    found = world.values(resource, parameter.expression)
    if modifier == "missing":
        return (not found) == (text == "true")
    parts = split(text, ",")
    if modifier in ("not", "not-in"):
        positive = "in" if modifier == "not-in" else ""
        return not any(_matches(world, parameter, value, positive, part) for part in parts for value in found)
    if parameter.type == "composite":
        return any(_matches_together(world, resource, parameter, part) for part in parts)
    return any(_matches(world, parameter, value, modifier, part) for part in parts for value in found)


def _matches(world: World, parameter: Parameter, value: Any, modifier: str, text: str) -> bool:
    match parameter.type:
        case "token":
            return token_matches(parameter, world.definitions.terminology, value, modifier, text)
        case "reference":
            return reference_matches(parameter, value, modifier, text, world.base)
        case "string":
            return string_matches(modifier, value, plain(text))
        case "uri":
            return uri_matches(value, modifier, text)
        case "date":
            return date_matches(value, text)
        case "number":
            return amount_matches(number_span(value), text)
        case "quantity":
            return quantity_matches(value, text)
    raise AssertionError(parameter)


def _matches_together(world: World, resource: Resource, parameter: Parameter, text: str) -> bool:
    """Return whether all components of a composite match within one and the same element."""
    parts = list(zip(parameter.components, split(text, "$"), strict=True))
    elements = [
        f"({parameter.expression})[{place}]" for place in range(len(world.values(resource, parameter.expression)))
    ]
    return any(
        all(
            any(
                _matches(world, component, value, "", part)
                for value in world.values(resource, f"{element}.{component.expression}")
            )
            for component, part in parts
        )
        for element in elements
    )
