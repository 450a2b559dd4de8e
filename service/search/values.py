"""The values of one search parameter in a query, as a predicate."""

from functools import partial

from service.conformance.search_modifiers import MISSING, modifiers_of
from service.conformance.search_parameters import COMPOSITE, SearchParameter
from service.fhir.outcome import did_you_mean, shown
from service.search import fields
from service.search.modifier import Knowledge, Modifier, Modifiers
from service.search.predicate import Member, Not, Predicate, all_of, any_of
from service.search.text import split_unescaped
from service.search.types import date, number, quantity, reference, string, token, uri

MOST_VALUES = 1_000
"""Values of one parameter, with commas between."""

_OF_TYPE: dict[str, Modifiers] = {
    "date": date.MODIFIERS,
    "number": number.MODIFIERS,
    "quantity": quantity.MODIFIERS,
    "reference": reference.MODIFIERS,
    "string": string.MODIFIERS,
    "token": token.MODIFIERS,
    "uri": uri.MODIFIERS,
}


class UnknownModifierError(Exception):
    """The parameter has no such modifier; the message lists those that it has."""


def read_values(parameter: SearchParameter, modifier: str, text: str, knowledge: Knowledge) -> Predicate:
    """Return what ``text``, values with commas between, demands.

    Raises ValueError where one cannot be read, and UnknownModifierError.
    """
    if modifier == MISSING:
        return _missing(parameter, text)
    way = _way(parameter, modifier)
    values = split_unescaped(text, ",")
    if len(values) > MOST_VALUES:
        raise ValueError(f"At most {MOST_VALUES} values can be asked for at once")
    if not all(values):
        raise ValueError("A value is empty; leave the parameter out to search without it")
    one_of_them = any_of(way.read(parameter, value, knowledge) for value in values)
    return Not(one_of_them) if way.negates else one_of_them


def _way(parameter: SearchParameter, modifier: str) -> Modifier:
    if parameter.type == COMPOSITE and not modifier:
        return Modifier(_composite)
    known = modifiers_of(parameter) if modifier else ()
    if not modifier or modifier in known:
        return _OF_TYPE[parameter.type].get(modifier) or reference.of_type(modifier)
    listed, hint = ", ".join(f":{name}" for name in known), did_you_mean(modifier, known)
    raise UnknownModifierError(f"{parameter.code} has no modifier :{shown(modifier)}, only {listed}{hint}")


def _missing(parameter: SearchParameter, text: str) -> Predicate:
    if text not in ("true", "false"):
        raise ValueError("With :missing this is true or false")
    present = fields.present(parameter)
    return Not(present) if text == "true" else present


def _composite(parameter: SearchParameter, text: str, knowledge: Knowledge) -> Predicate:
    values = split_unescaped(text, "$")
    if len(values) != len(parameter.components) or not all(values):
        form = "$".join(component.code for component in parameter.components)
        raise ValueError(f"This has the form {form}")
    read = partial(_way_of_component, knowledge=knowledge)
    return Member(fields.own_field(parameter), all_of(map(read, parameter.components, values)))


def _way_of_component(component: SearchParameter, text: str, knowledge: Knowledge) -> Predicate:
    return _way(component, "").read(component, text, knowledge)
