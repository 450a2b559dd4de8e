"""From one parameter of a search to what it demands: modifiers, chains, ``_has``, and the special parameters.

https://hl7.org/fhir/R4/search.html#chaining, #has, #content, #text and https://hl7.org/fhir/R4/search_filter.html
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial

from service.conformance.search_parameters import SearchParameter
from service.fhir.outcome import did_you_mean, shown
from service.search import fields
from service.search.contained import of_contained
from service.search.filter_expression import read_filter
from service.search.modifier import Knowledge
from service.search.predicate import LinkedFrom, LinkedTo, Predicate, any_of
from service.search.text import split_unescaped
from service.search.text_query import read_text_query
from service.search.values import UnknownModifierError, read_values

MOST_LINKS = 5
"""Steps from one resource to another in a chain."""
MOST_LINKS_IN_ALL = 20
"""Such steps in one search."""
LONGEST_QUERY = 4_000
"""Characters of a filter or of a query for words."""
REVERSE = "_has"
_TEXT_QUERIES: dict[str, Callable[[str], Predicate]] = {
    "_text": partial(read_text_query, kinds="t"),
    "_content": partial(read_text_query, kinds="tc"),
}
_FILTER = "_filter"
SPECIAL = (*_TEXT_QUERIES, _FILTER, REVERSE)
RESULT = ("_sort", "_count", "_total", "_include", "_revinclude", "_summary", "_elements", "_contained")
"""Parameters that say how the result is to come; they are read elsewhere."""
_REFUSED = {
    "_list": "lists of resources are not kept here; ask for the resources by _id",
    "_query": "there are no named queries here",
    "_type": "it is for searches of several types: ?_type=Goal, or Patient/1/*?_type=Goal",
}

_FORM_OF_REVERSE = "This has the form _has:Type:parameter:parameter of that type"
_TOO_MANY_LINKS = f"A search takes at most {MOST_LINKS} steps from one resource to another"

Parameters = Mapping[str, SearchParameter]


class UnknownParameterError(Exception):
    """There is no such parameter, or it has no such modifier; the message says what there is."""


class Criteria:
    """Reads the criteria of one search; ``used`` are by type the codes that it came by.

    ``types`` have the search parameters of each type that is served; those in ``linked`` refer to each other, and have
    the words of their texts indexed.
    """

    def __init__(self, types: Mapping[str, Parameters], linked: Collection[str], knowledge: Knowledge) -> None:
        self._types = types
        self._linked = linked
        self._knowledge = knowledge
        self.used: dict[str, set[str]] = {}
        self._links = 0

    def read(self, resource_type: str, name: str, text: str, links: int = 0) -> Predicate:
        """Return what the parameter ``name`` of ``resource_type`` demands with the value ``text``.

        Raises ValueError for a value that cannot be read, and UnknownParameterError.
        """
        if links > MOST_LINKS:
            raise ValueError(_TOO_MANY_LINKS)
        if name in (*_TEXT_QUERIES, _FILTER) and len(text) > LONGEST_QUERY:
            raise ValueError(f"This has at most {LONGEST_QUERY} characters")
        if name in _TEXT_QUERIES and resource_type in self._linked:
            self._use(resource_type, name)
            return any_of(map(_TEXT_QUERIES[name], split_unescaped(text, ",")))
        if name == _FILTER:
            return self._filter(resource_type, text, links)
        if name.startswith(f"{REVERSE}:"):
            return self._reverse(resource_type, name, text, links)
        first, dot, rest = name.partition(".")
        code, colon, modifier = first.partition(":")
        if code in SPECIAL:
            raise UnknownParameterError(_misused(name, resource_type))
        parameter = self.parameter(resource_type, code)
        if colon and not modifier:
            raise UnknownParameterError(f"{code}: has no modifier behind its colon")
        if dot:
            if parameter.type == "reference":
                self._refuse_links(resource_type)
            return self._chain(parameter, modifier, rest, text, links)
        try:
            return read_values(parameter, modifier, text, self._knowledge)
        except UnknownModifierError as error:
            raise UnknownParameterError(str(error)) from None

    def parameter(self, resource_type: str, code: str) -> SearchParameter:
        """Return the parameter, from now on one that is used; raises UnknownParameterError."""
        known = self._types[resource_type]
        if code not in known:
            raise UnknownParameterError(_unknown(code, resource_type, {*known, *SPECIAL, *RESULT} - {code}))
        self._use(resource_type, code)
        return known[code]

    def _use(self, resource_type: str, code: str) -> None:
        self.used.setdefault(resource_type, set()).add(code)

    def _chain(self, parameter: SearchParameter, target: str, rest: str, text: str, links: int) -> Predicate:
        if parameter.type != "reference":
            raise UnknownParameterError(f"{parameter.code} holds no references, so nothing can be chained to it")
        if target and target not in parameter.targets:
            known = ", ".join(parameter.targets)
            raise UnknownParameterError(f"{parameter.code} does not lead to {shown(target)}, only to {known}")
        served = [item for item in ([target] if target else parameter.targets) if item in self._linked]
        if not served:
            sentence = f"{target or ' or '.join(parameter.targets)} is not kept here, so nothing can be chained to it"
            raise UnknownParameterError(f"{sentence}; {parameter.code}:identifier=system|value finds what refers so")
        found: list[Predicate] = []
        unknown = []
        for each in served:
            try:
                part = self._follow(each, rest, text, links)
            except UnknownParameterError as error:
                unknown.append(error)
            else:
                found.append(LinkedTo(*fields.link(parameter), each, part))
                with suppress(ValueError):  # a contained resource that leads on to others
                    found.append(of_contained(each, part, parameter.code))
        if not found:
            raise unknown[0]
        return any_of(found)

    def _refuse_links(self, resource_type: str) -> None:
        """Raise ValueError where resources of a type stand apart from those that refer to each other."""
        if resource_type not in self._linked:
            raise ValueError(f"{resource_type} is searched by what it says itself: it takes no chains and no _has")

    def _follow(self, resource_type: str, name: str, text: str, links: int) -> Predicate:
        self._links += 1
        if self._links > MOST_LINKS_IN_ALL:
            raise ValueError(f"A search takes at most {MOST_LINKS_IN_ALL} steps from resources to others in all")
        return self.read(resource_type, name, text, links + 1)

    def _reverse(self, resource_type: str, name: str, text: str, links: int) -> Predicate:
        _, source, code, rest = [*name.split(":", 3), "", "", ""][:4]
        if not rest:
            raise ValueError(_FORM_OF_REVERSE)
        if source not in self._linked:
            raise UnknownParameterError(f"{shown(source)} is not kept here{did_you_mean(source, self._linked)}")
        self._refuse_links(resource_type)
        parameter = self.parameter(source, code)
        if resource_type not in parameter.targets:
            raise UnknownParameterError(f"{source}?{code} does not lead to {resource_type}")
        return LinkedFrom(source, *fields.link(parameter), self._follow(source, rest, text, links))

    def _filter(self, resource_type: str, text: str, links: int) -> Predicate:
        def ask(name: str, value: str) -> Predicate:
            try:
                return self.read(resource_type, name, value, links)
            except UnknownParameterError as error:
                raise self._within_filter(error, links) from None

        def type_of(path: str) -> str:
            try:
                return self._type_at(resource_type, path)
            except UnknownParameterError as error:
                raise self._within_filter(error, links) from None

        return read_filter(text, ask, type_of)

    def _within_filter(self, error: UnknownParameterError, links: int) -> Exception:
        """Return what to raise: a filter is understood whole or not at all, though another type may know it."""
        return error if links else ValueError(str(error))

    def _type_at(self, resource_type: str, path: str) -> str:
        """Return the type of the parameter that a chain ends at."""
        types = [resource_type]
        *steps, last = path.split(".")
        if len(steps) > MOST_LINKS:
            raise ValueError(_TOO_MANY_LINKS)
        for step in steps:
            code, _, target = step.partition(":")
            targets = [name for each in types if code in self._types[each] for name in self._types[each][code].targets]
            types = [name for name in ([target] if target else targets) if name in self._linked] or types
        known = [self._types[each][last].type for each in types if last in self._types[each]]
        return known[0] if known else self.parameter(types[0], last).type


def _misused(name: str, resource_type: str) -> str:
    if name == REVERSE:
        return _FORM_OF_REVERSE
    if ":" not in name:
        return f"There are no words of a {resource_type} to search"
    return f"{name.partition(':')[0]} has no modifiers"


def _unknown(code: str, resource_type: str, known: Iterable[str]) -> str:
    if code in _REFUSED:
        return f"{code} is not supported: {_REFUSED[code]}"
    return f"There is no search parameter {shown(code)} of {resource_type}{did_you_mean(code, sorted(known))}"
