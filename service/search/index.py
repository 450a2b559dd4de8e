"""From a resource to its search index, compiled from the parameters of its type."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

from service.conformance.fhirpath.paths import Branch, Step, Values
from service.conformance.search_parameters import SearchParameter
from service.fhir import json
from service.search import fields
from service.search.types import date, number, string, token, uri
from service.search.types.reference import References

Index = dict[str, Any]
"""The members ``search``, ``words`` and ``order`` of a stored document."""
Indexer = Callable[[Any], Index]

INDEX_FORM = 1
"""Raised whenever this layer writes the same values in another form."""


Form = Callable[[Any], Sequence[Any]]
"""Makes of one value what is stored of it, empty where there is nothing to store.

That is the text of an own field, or spans, or a pair: the words it is found by and the keys it is sorted by.
"""


@dataclass(slots=True)
class _Tree:
    """The steps of many branches; what several begin with is run once, and nothing below it where it finds nothing."""

    below: "dict[Step, _Tree]" = field(default_factory=dict)
    forms: list[tuple[str, Form]] = field(default_factory=list)
    """By the code of the parameter: what is made of the values that are reached here."""

    def add(self, branch: Branch, code: str, form: Form) -> None:
        tree = self
        for step in branch.steps:
            tree = tree.below.setdefault(step, _Tree())
        tree.forms.append((code, form))

    def collect(self, values: Values, resource: Any, found: dict[str, list[Any]]) -> None:
        for code, form in self.forms:
            made = [stored for value in values if (stored := form(value))]
            if made:
                found[code] = found[code] + made if code in found else made
        for step, tree in self.below.items():
            reached = step(values, resource)
            if reached:
                tree.collect(reached, resource, found)


def compile_indexer(parameters: Iterable[SearchParameter], references: References) -> Indexer:
    """Return the function that makes the index of a resource of the type that ``parameters`` belong to."""
    served = {item.code: item for item in parameters if item.code != "_id"}  # the document's own key serves _id
    plain = {code for code, item in served.items() if fields.has_own_field(item)}
    bounded = {code for code, item in served.items() if fields.is_bounded(item)}
    tree = _Tree()
    for parameter in served.values():
        for branch in parameter.branches:
            tree.add(branch, parameter.code, _form(parameter, branch.type, references))

    def index(resource: Any) -> Index:
        found: dict[str, list[Any]] = {}
        tree.collect([resource], resource, found)
        search: dict[str, Any] = {}
        order: dict[str, Any] = {}
        words: list[str] = []
        for code, values in found.items():
            if code in plain:
                search[code] = values[0][0]
            elif code in bounded:
                spans = [{"lo": lo, "hi": hi} for value in values for lo, hi in value]
                search[code] = spans[0] if served[code].single else spans
                if not served[code].single:
                    order[code] = _ends([span["lo"] for span in spans])
            else:
                words.extend(
                    [fields.word(code, form) for form in dict.fromkeys(form for forms, _ in values for form in forms)]
                )
                if keys := [key for _, its_keys in values for key in its_keys]:
                    order[code] = _ends(keys)
        return {"search": search, "words": words, "order": order}

    return index


def _ends(values: list[Any]) -> dict[str, Any]:
    return {"least": min(values), "most": max(values)}


def index_hash(parameters: Iterable[SearchParameter], references: References) -> str:
    """Return what changes when a resource would be indexed in another way: 16 hexadecimal digits."""
    parts = sorted((item.code, item.type, item.expression, sorted(item.systems), item.targets) for item in parameters)
    text = json.dump([INDEX_FORM, sorted(references.addresses.bases), parts])
    return sha256(text).hexdigest()[:16]


def _form(parameter: SearchParameter, of_type: str, references: References) -> Form:
    if fields.has_own_field(parameter):
        scalar = references.scalar if parameter.type == "reference" else token.scalar
        return lambda value: [text] if (text := scalar(value)) is not None else []
    if parameter.type == "token":
        return partial(token.words_and_keys, parameter, of_type)
    spans: dict[str, Callable[[Any], Iterable[Any]]] = {
        "date": partial(date.stretches, of_type),
        "number": partial(number.spans, of_type),
    }
    if parameter.type in spans:
        bounded = spans[parameter.type]
        return lambda value: list(bounded(value))
    forms: dict[str, Callable[[Any], Iterable[str]]] = {
        "reference": references.words,
        "string": string.words,
        "uri": uri.words,
    }
    form = forms[parameter.type]
    return lambda value: (words, words[:1]) if (words := list(form(value))) else ()
