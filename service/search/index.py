"""From a resource to its search index, compiled from the parameters of its type."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import chain
from typing import Any

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


@dataclass(frozen=True, slots=True)
class _Writer:
    parameter: SearchParameter
    values: Callable[[Any], list[Any]]


def compile_indexer(parameters: Iterable[SearchParameter], references: References) -> Indexer:
    """Return the function that makes the index of a resource of the type that ``parameters`` belong to."""
    every = [item for item in parameters if item.code != "_id"]  # the document's own key serves _id
    plain = [_Writer(item, _plain(item, references)) for item in every if fields.has_own_field(item)]
    bounded = [_Writer(item, _bounds(item)) for item in every if fields.is_bounded(item)]
    known = {writer.parameter.code for writer in (*plain, *bounded)}
    worded = [_Writer(item, _words(item, references)) for item in every if item.code not in known]

    def index(resource: Any) -> Index:
        search: dict[str, Any] = {}
        order: dict[str, Any] = {}
        words: list[str] = []
        for writer in plain:
            for value in writer.values(resource):
                search[writer.parameter.code] = value
        for writer in bounded:
            spans = [{"lo": lo, "hi": hi} for lo, hi in writer.values(resource)]
            if spans and writer.parameter.single:
                search[writer.parameter.code] = spans[0]
            elif spans:
                search[writer.parameter.code] = spans
                order[writer.parameter.code] = _ends([span["lo"] for span in spans])
        for writer in worded:
            values = writer.values(resource)
            if values:
                code = writer.parameter.code
                words.extend(f"{code}={form}" for form in dict.fromkeys(chain.from_iterable(values)))
                order[code] = _ends([forms[0] for forms in values])
        return {"search": search, "words": words, "order": order}

    return index


def _ends(values: list[Any]) -> dict[str, Any]:
    return {"least": min(values), "most": max(values)}


def index_hash(parameters: Iterable[SearchParameter], references: References) -> str:
    """Return what changes when a resource would be indexed in another way: 16 hexadecimal digits."""
    parts = sorted((item.code, item.type, item.expression) for item in parameters)
    text = json.dump([INDEX_FORM, sorted(references.local_bases), parts])
    return sha256(text).hexdigest()[:16]


def _plain(parameter: SearchParameter, references: References) -> Callable[[Any], list[str]]:
    form = references.scalar if parameter.type == "reference" else token.scalar
    (branch,) = parameter.branches
    return lambda resource: [text for value in branch.values(resource) if (text := form(value)) is not None]


def _bounds(parameter: SearchParameter) -> Callable[[Any], list[Any]]:
    spans = date.stretches if parameter.type == "date" else number.spans
    return lambda resource: [
        span for branch in parameter.branches for value in branch.values(resource) for span in spans(branch.type, value)
    ]


def _words(parameter: SearchParameter, references: References) -> Callable[[Any], list[list[str]]]:
    ways = [(branch, _word_form(parameter, branch.type, references)) for branch in parameter.branches]

    def words(resource: Any) -> list[list[str]]:
        every = [list(form(value)) for branch, form in ways for value in branch.values(resource)]
        return [forms for forms in every if forms]

    return words


def _word_form(parameter: SearchParameter, of_type: str, references: References) -> Callable[[Any], Iterator[str]]:
    forms: dict[str, Callable[[Any], Iterator[str]]] = {
        "token": partial(token.words, parameter, of_type),
        "reference": references.words,
        "string": string.words,
        "uri": uri.words,
    }
    return forms[parameter.type]
