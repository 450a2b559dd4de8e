"""Codes of value sets that the service holds (https://hl7.org/fhir/R4/valueset.html#compose)."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from service.conformance.definitions import Definitions

Coding = tuple[str, str]

NOT_ENUMERABLE = frozenset(
    f"http://hl7.org/fhir/ValueSet/{name}"
    for name in ("mimetypes", "currencies", "all-languages", "all-time-units", "all-distance-units")
)
"""Value sets of required bindings whose codes no list holds; only the form of such a code is checked."""


class Terminology:
    """The expansions of the value sets among ``definitions``."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self.codings = cache(self._codings)

    def is_enumerable(self, value_set: str) -> bool:
        """Return whether the codes of ``value_set`` can be listed."""
        return value_set.partition("|")[0] not in NOT_ENUMERABLE

    def _codings(self, value_set: str) -> frozenset[Coding]:
        """Return every (system, code) in ``value_set``; raises LookupError where a part of it is not held."""
        return frozenset(self._included(self._definitions.get(value_set)))

    def _included(self, value_set: dict[str, Any]) -> Iterator[Coding]:
        compose = value_set["compose"]
        if "exclude" in compose:
            raise LookupError(f"{value_set['url']} excludes codes, which is not supported")
        for include in compose["include"]:
            yield from self._codings_of(include, value_set["url"])

    def _codings_of(self, include: dict[str, Any], url: str) -> Iterator[Coding]:
        if "filter" in include:
            raise LookupError(f"{url} filters codes, which is not supported")
        for other in include.get("valueSet", ()):
            yield from self.codings(other)
        system = include.get("system")
        if system is not None:
            listed = include.get("concept") or self._definitions.get(system).get("concept", ())
            for concept in _with_descendants(listed):
                yield system, concept["code"]


def _with_descendants(concepts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for concept in concepts:
        yield concept
        yield from _with_descendants(concept.get("concept", []))
