"""From a resource to its search index, compiled from the parameters of its type."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from service.conformance.fhirpath.paths import Branch
from service.conformance.search_parameters import COMPOSITE, SearchParameter
from service.fhir import json
from service.search import fields
from service.search.branches import Form, Tree
from service.search.references import References
from service.search.types import date, number, quantity, reference, string, token, uri

Index = dict[str, Any]
"""The members ``search``, ``words`` and ``order`` of a stored document, and ``terms`` and ``contained`` of some."""
Indexer = Callable[[Any], Index]

INDEX_FORM = 6
"""Raised whenever this layer writes the same values in another form."""

Sink = Callable[[list[Any], Index], None]
"""Puts what was made of the values of a parameter into an index."""


def compile_indexer(parameters: Iterable[SearchParameter], references: References) -> Indexer:
    """Return the function that makes the index of a resource of the type that ``parameters`` belong to."""
    collect = _collector(
        (item for item in parameters if item.code != "_id"), references
    )  # the document's key serves _id

    def index(resource: Any) -> Index:
        return collect(resource, resource)

    return index


def _collector(parameters: Iterable[SearchParameter], references: References) -> Callable[[Any, Any], Index]:
    """Return the function that makes an index of a value and the resource it is in: of a composite, or of the whole."""
    tree: Tree[Sink] = Tree()
    for parameter in parameters:
        field, words = _into_field(parameter), _into_words(parameter.code)
        for branch in parameter.branches:
            if (made := _for_field(parameter, branch, references)) is not None:
                tree.add(branch, field, made)
            if (made := _for_words(parameter, branch, references)) is not None:
                tree.add(branch, words, made)
        for branch in parameter.silent:
            tree.add(branch, words, lambda *_: ((), ()))

    collect_from = tree.compiled()

    def collect(value: Any, resource: Any) -> Index:
        found: dict[Sink, list[Any]] = {}
        collect_from(value, resource, found)
        index: Index = {"search": {}, "words": [], "order": {}}
        for put, made in found.items():
            put(made, index)
        return index

    return collect


def _into_words(code: str) -> Sink:
    def put(made: list[Any], index: Index) -> None:
        forms, keys = made[0]
        if len(made) > 1:
            forms = [form for its_forms, _ in made for form in its_forms or (fields.BARE,)]
            keys = [key for _, its_keys in made for key in its_keys]
        index["words"] += [code + form for form in dict.fromkeys(forms or (fields.BARE,))]
        if keys:
            index["order"][code] = _ends(keys)

    return put


def _into_field(parameter: SearchParameter) -> Sink:
    code = parameter.code

    def put_all(made: list[Any], index: Index) -> None:
        index["search"][code] = made

    def put_spans(made: list[Any], index: Index) -> None:
        every = index["search"][code] = [span for spans in made for span in spans]
        last = max(span["hi"] for span in every)
        index["order"][code] = {**_ends([span["lo"] for span in every]), fields.LAST: last}

    def put_span(made: list[Any], index: Index) -> None:
        index["search"][code] = made[0][0]

    def put_value(made: list[Any], index: Index) -> None:
        index["search"][code] = made[0]

    if parameter.type == COMPOSITE:
        return put_all
    if fields.is_bounded(parameter):
        return put_span if fields.is_one_span(parameter) else put_spans
    return put_value


def _ends(values: list[Any]) -> dict[str, Any]:
    return {fields.LEAST: min(values), fields.MOST: max(values)}


def parameter_hashes(parameters: Iterable[SearchParameter], references: References) -> dict[str, str]:
    """Return by code what changes when a parameter would be indexed in another way: 16 hexadecimal digits each."""
    form = [INDEX_FORM, sorted(references.addresses.bases)]
    return {item.code: sha256(json.dump([*form, _described(item)])).hexdigest()[:16] for item in parameters}


def index_hash(parameters: Iterable[SearchParameter], references: References) -> str:
    """Return what changes when a resource would be indexed in another way: 16 hexadecimal digits."""
    hashes = parameter_hashes(parameters, references)
    return sha256(json.dump(sorted(hashes.items()))).hexdigest()[:16]


def _described(parameter: SearchParameter) -> list[Any]:
    parts = [_described(component) for component in parameter.components]
    plain = [parameter.code, parameter.type, parameter.expression, sorted(parameter.codings), parameter.targets]
    return [*plain, parameter.single, parts]


def _for_field(parameter: SearchParameter, branch: Branch, references: References) -> Form | None:
    """Return what is made of values of ``branch`` for the field of ``parameter``, or None where it has none."""
    if parameter.type == COMPOSITE:
        return _collector(parameter.components, references)
    if fields.is_bounded(parameter):
        spans = partial(_SPANS[parameter.type], branch.type)
        return lambda value, _: list(spans(value)) or None
    if not fields.has_own_field(parameter):
        return None
    if parameter.type == "reference":
        return lambda value, _: references.scalar(value)
    return lambda value, _: token.scalar(value)


def _for_words(parameter: SearchParameter, branch: Branch, references: References) -> Form | None:
    """Return what is made of values of ``branch`` for the shared list of words, or None where there is nothing."""
    if fields.is_bounded(parameter):
        spans = partial(_SPANS[parameter.type], branch.type)
        is_silent = branch.kind.is_primitive  # such as no Period that says neither start nor end
        return None if is_silent else lambda value, _: None if list(spans(value)) else ((), ())
    if fields.has_own_field(parameter):
        is_reference = parameter.type == "reference"
        return (lambda value, _: _beside_scalar(value, references)) if is_reference else None
    if parameter.type == COMPOSITE:
        return None
    words = _WORDS[parameter.type](parameter, branch.type, references)
    return lambda value, _: words(value)


_SPANS: dict[str, Callable[[str, Any], Iterable[dict[str, Any]]]] = {
    "date": lambda of_type, value: ({"lo": lo, "hi": hi} for lo, hi in date.stretches(of_type, value)),
    "number": lambda of_type, value: ({"lo": lo, "hi": hi} for lo, hi in number.spans(of_type, value)),
    "quantity": quantity.spans,
}

Words = Callable[[Any], tuple[list[str], list[str]]]
"""Makes of a value the forms by which it is found, none where it says nothing, and the keys by which it is sorted."""
_WORDS: Mapping[str, Callable[[SearchParameter, str, References], Words]] = {
    "token": lambda parameter, of_type, _: token.words_and_keys(parameter, of_type),
    "reference": lambda parameter, of_type, references: partial(reference.words_and_keys, references),
    "string": lambda parameter, of_type, _: string.words_and_keys,
    "uri": lambda parameter, of_type, _: uri.words_and_keys,
}


def _beside_scalar(value: Any, references: References) -> tuple[Iterable[str], Iterable[str]] | None:
    """Return the words of a reference whose text has a field of its own, or None where that says all."""
    forms = reference.more_forms(references, value)
    return (forms, ()) if forms or references.scalar(value) is None else None
