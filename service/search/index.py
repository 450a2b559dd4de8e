"""From a resource to its search index, compiled from the parameters of its type."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

from service.conformance.fhirpath.paths import Branch, Step, Values
from service.conformance.search_parameters import COMPOSITE, SearchParameter
from service.fhir import json
from service.search import fields
from service.search.references import References
from service.search.types import date, number, quantity, reference, string, token, uri

Index = dict[str, Any]
"""The members ``search``, ``words`` and ``order`` of a stored document, and ``terms`` and ``contained`` of some."""
Indexer = Callable[[Any], Index]

INDEX_FORM = 4
"""Raised whenever this layer writes the same values in another form."""

Form = Callable[[Any, Any], Any]
"""Makes of one value, and of the resource that it is in, what is stored of it; None where there is nothing to store."""


@dataclass(frozen=True, slots=True)
class _Sink:
    """Where what is made of values goes to: ``own``, ``spans`` or ``members`` of a parameter, or ``words``."""

    kind: str
    code: str
    one: bool = True
    """Whether there is one value at most."""


@dataclass(slots=True)
class _Tree:
    """The steps of many branches; what several begin with is run once, and nothing below it where it finds nothing."""

    below: "dict[Step, _Tree]" = field(default_factory=dict)
    forms: list[tuple[_Sink, Form]] = field(default_factory=list)
    """What is made of the values that are reached here."""

    def add(self, branch: Branch, sink: _Sink, form: Form) -> None:
        tree = self
        for step in branch.steps:
            tree = tree.below.setdefault(step, _Tree())
        tree.forms.append((sink, form))

    def collect(self, values: Values, resource: Any, found: dict[_Sink, list[Any]]) -> None:
        for sink, form in self.forms:
            made = [stored for value in values if (stored := form(value, resource)) is not None]
            if made:
                found[sink] = found[sink] + made if sink in found else made
        for step, tree in self.below.items():
            reached = step(values, resource)
            if reached:
                tree.collect(reached, resource, found)


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
    tree = _Tree()
    for parameter in parameters:
        for branch in parameter.branches:
            for sink, form in _sinks(parameter, branch, references):
                tree.add(branch, sink, form)
        for branch in parameter.silent:
            tree.add(branch, _Sink("words", parameter.code), lambda *_: ((fields.BARE,), ()))

    def collect(value: Any, resource: Any) -> Index:
        found: dict[_Sink, list[Any]] = {}
        tree.collect([value], resource, found)
        search: dict[str, Any] = {}
        order: dict[str, Any] = {}
        words: list[str] = []
        for sink, made in found.items():
            if sink.kind == "own":
                search[sink.code] = made[0]
            elif sink.kind == "words":
                forms = dict.fromkeys(form for its_forms, _ in made for form in its_forms)
                words.extend([sink.code + form for form in forms])
                if keys := [key for _, its_keys in made for key in its_keys]:
                    order[sink.code] = _ends(keys)
            else:
                every = [each for several in made for each in several]
                search[sink.code] = every[0] if sink.one else every
                if sink.kind == "spans" and not sink.one:
                    last = max(span["hi"] for span in every)
                    order[sink.code] = {**_ends([span["lo"] for span in every]), fields.LAST: last}
        return {"search": search, "words": words, "order": order}

    return collect


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


def _sinks(parameter: SearchParameter, branch: Branch, references: References) -> Iterable[tuple[_Sink, Form]]:
    """Yield where the values of one branch of ``parameter`` go, and in which form."""
    code, of_type = parameter.code, branch.type
    if parameter.type == COMPOSITE:
        member = _collector(parameter.components, references)
        yield _Sink("members", code, one=False), lambda value, resource: [member(value, resource)]
    elif fields.is_bounded(parameter):
        spans = partial(_SPANS[parameter.type], of_type)
        yield _Sink("spans", code, fields.is_one_span(parameter)), lambda value, _: list(spans(value)) or None
        if not branch.kind.is_primitive:  # such as a Period that says neither start nor end
            yield _Sink("words", code), lambda value, _: None if list(spans(value)) else ((fields.BARE,), ())
    elif not fields.has_own_field(parameter):
        words = _WORDS[parameter.type](parameter, of_type, references)
        yield _Sink("words", code), lambda value, _: _or_bare(*words(value))
    elif parameter.type == "reference":
        yield _Sink("own", code), lambda value, _: references.scalar(value)
        yield _Sink("words", code), lambda value, _: _beside_scalar(value, references)
    else:
        yield _Sink("own", code), lambda value, _: token.scalar(value)


_SPANS: dict[str, Callable[[str, Any], Iterable[dict[str, Any]]]] = {
    "date": lambda of_type, value: ({"lo": lo, "hi": hi} for lo, hi in date.stretches(of_type, value)),
    "number": lambda of_type, value: ({"lo": lo, "hi": hi} for lo, hi in number.spans(of_type, value)),
    "quantity": quantity.spans,
}

Words = Callable[[Any], tuple[list[str], list[str]]]
"""Makes of a value the forms by which it is found, and the keys by which it is sorted."""
_WORDS: Mapping[str, Callable[[SearchParameter, str, References], Words]] = {
    "token": lambda parameter, of_type, _: partial(token.words_and_keys, parameter, of_type),
    "reference": lambda parameter, of_type, references: partial(reference.words_and_keys, references),
    "string": lambda parameter, of_type, _: string.words_and_keys,
    "uri": lambda parameter, of_type, _: uri.words_and_keys,
}


def _or_bare(forms: list[str], keys: list[str]) -> tuple[Iterable[str], Iterable[str]]:
    return forms or (fields.BARE,), keys


def _beside_scalar(value: Any, references: References) -> tuple[Iterable[str], Iterable[str]] | None:
    forms = reference.identifier_forms(value)
    if forms:
        return forms, ()
    return ((fields.BARE,), ()) if references.scalar(value) is None else None
