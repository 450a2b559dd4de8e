"""What belongs to a person or to a plan, as predicates by type: the grounds of $everything.

It follows from the references of the types that clients write, so a type that is added to them comes along by itself.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from service.conformance.references import references_in
from service.conformance.search_parameters import SearchParameter
from service.fhir import json
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context
from service.interactions.read import present
from service.interactions.searched import Match
from service.search import fields
from service.search.criteria import Parameters
from service.search.predicate import NOTHING, LinkedTo, Not, OneOf, Predicate, all_of, any_of
from service.search.source import Source
from service.store.reading import Moment

MOST_GATHERED = 1_000
"""Plans and goals that belong to one plan."""
_PLAN, _GOAL, _PART_OF = "CarePlan", "Goal", "part-of"
_CORE = (_PLAN, _GOAL)
"""What a plan consists of: what these refer to, and what refers to them, belongs to it too."""
_PERSON = {"subject", "patient"}
"""The elements that say about whom a resource is."""
_IN_ANY_ORDER = ()

Ids = dict[str, dict[str, None]]
"""By type the ids of resources, in the order in which they were found."""


class Belonging(NamedTuple):
    """What belongs, and the moment at which it was looked for, None for now and in a transaction."""

    parts: list[tuple[str, Predicate]]
    """In the order of the answer: a type, and which resources of it belong."""
    moment: Moment | None


async def of_person(owner: str, resource_id: str, context: Context, at: Moment | None) -> Belonging:
    """Return what is in the compartment of ``owner``, and what refers to that and is about nobody else."""
    compartment = context.compartments[owner].parameters
    own: dict[str, Predicate] = {}
    beside: dict[str, Predicate] = {}
    for name, parameters in context.search_parser.types_linked.items():
        links = [parameters[code] for code in compartment.get(name, ())]
        await context.readiness.require(name, [link.code for link in links])
        own[name] = any_of(fields.equal(link, [f"{owner}/{resource_id}"]) for link in links)
        if _PERSON.isdisjoint(context.structures.of_type(name).elements):
            beside[name] = Not(any_of(map(fields.present, links)))
    personal = {name: predicate for name, predicate in own.items() if name not in beside}
    for name, about_nobody_else in beside.items():
        referring = await _referring(name, {}, personal, context)
        own[name] = any_of([own[name], all_of([about_nobody_else, referring])])
    return Belonging(list(own.items()), at)


async def of_plan(plan_id: str, context: Context, at: Moment | None) -> Belonging:
    """Return what belongs to a plan, itself first.

    Raises OutcomeError 404 or 410 where there is no such plan, and 413 where too much belongs to it.
    """
    ids, moment = await _gathered(plan_id, context, at)
    core = {name: [f"{name}/{each}" for each in ids[name]] for name in _CORE}
    parts = [(_PLAN, _with_ids([plan_id])), (_PLAN, _with_ids([each for each in ids[_PLAN] if each != plan_id]))]
    others: dict[str, Predicate] = {}
    for name in context.search_parser.types_linked:
        if name not in _CORE:
            others[name] = any_of([_with_ids(ids.get(name, ())), await _referring(name, core, dict(others), context)])
    return Belonging([*parts, (_GOAL, _with_ids(ids[_GOAL])), *others.items()], moment)


async def _referring(
    resource_type: str, names: Mapping[str, list[str]], those: Mapping[str, Predicate], context: Context
) -> Predicate:
    """Return the predicate of resources that refer to the ``names`` (by type, ``Type/id``) or to one of ``those``."""
    found: list[Predicate] = []
    references = _references(context.search_parser.types[resource_type])
    for parameter in references:
        named = [name for target in parameter.targets for name in names.get(target, ())]
        found += [fields.equal(parameter, named)] if named else []
        field, start = fields.link(parameter)
        leading = [item for item in those.items() if item[0] in parameter.targets and item[1] != NOTHING]
        found += [LinkedTo(field, start, name, part) for name, part in leading]
    await context.readiness.require(resource_type, [parameter.code for parameter in references])
    return any_of(found)


async def _gathered(plan_id: str, context: Context, at: Moment | None) -> tuple[Ids, Moment | None]:
    """Return the ids of the plans and goals that belong to a plan, and of what they refer to, and the moment."""
    await context.readiness.require(_PLAN, [_PART_OF])
    page = await context.store.search([_any(_PLAN, _with_ids([plan_id]))], 1, at=at)
    if not page.matches:
        present(await context.store.seen_by(context.access, "s").read(_PLAN, plan_id), _PLAN)
        return await _gathered(plan_id, context, None)  # it came to be in this moment
    part_of = context.search_parser.types[_PLAN][_PART_OF]
    ids: Ids = {_PLAN: {}, _GOAL: {}}
    level: Sequence[Match] = page.matches
    while level:
        ids[_PLAN].update(dict.fromkeys(item.id for item in level))
        _add_references(ids, level, (_PLAN,), context)
        parts = _any(_PLAN, fields.equal(part_of, [f"{_PLAN}/{item.id}" for item in level]))
        found = await context.store.search([parts], MOST_GATHERED + 1, at=page.moment)
        level = [item for item in found.matches if item.id not in ids[_PLAN]]
        if len(level) + sum(len(ids[name]) for name in _CORE) > MOST_GATHERED:
            sentence = f"More than {MOST_GATHERED} plans and goals belong to this plan; search for them in steps"
            raise OutcomeError(Issue("include-limit", sentence))
    goals = await context.store.search([_any(_GOAL, _with_ids(ids[_GOAL]))], MOST_GATHERED, at=page.moment)
    _add_references(ids, goals.matches, _CORE, context)
    return ids, page.moment


def _add_references(ids: Ids, resources: Iterable[Match], but: Collection[str], context: Context) -> None:
    """Add to ``ids`` what ``resources`` refer to on this server, ``but`` those types."""
    for item in resources:
        for reference in references_in(json.parse(item.body or b"{}")):
            local = context.pages.addresses.local(reference["reference"])
            if local and local.type in context.search_parser.linked and local.type not in but:
                ids.setdefault(local.type, {})[local.id] = None


def _references(parameters: Parameters) -> list[SearchParameter]:
    return [parameter for parameter in parameters.values() if parameter.type == "reference"]


def _with_ids(ids: Iterable[str]) -> Predicate:
    found = tuple(ids)
    return OneOf("_id", found) if found else NOTHING


def _any(resource_type: str, predicate: Predicate) -> Source:
    return Source(resource_type, predicate, _IN_ANY_ORDER)
