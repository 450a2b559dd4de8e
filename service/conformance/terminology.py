"""What the service knows of codes: their value sets, names and hierarchies (https://hl7.org/fhir/R4/terminologies.html)."""

from collections.abc import Collection
from functools import cache
from typing import Any

from service.conformance.code_systems import CodeSystem
from service.conformance.definitions import Definition, Definitions
from service.conformance.value_sets import Coding, ValueSets
from service.fhir.outcome import did_you_mean, shown

NOT_ENUMERABLE = frozenset(
    f"http://hl7.org/fhir/ValueSet/{name}"
    for name in ("mimetypes", "currencies", "all-languages", "all-time-units", "all-distance-units")
)
"""Value sets of required bindings whose codes no list holds; only the form of such a code is checked."""

MOST_CODES = 1_000
"""Codes that one value of a search can stand for."""


class Terminology:
    """The value sets and code systems among ``definitions``."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._system = cache(self._code_system)
        self._value_sets = ValueSets(definitions, self._system)
        self.known_codings = self._value_sets.known_codings

    def is_enumerable(self, value_set: str) -> bool:
        """Return whether the codes of ``value_set`` can be listed."""
        return value_set.partition("|")[0] not in NOT_ENUMERABLE

    def codings(self, value_set: str) -> frozenset[Coding]:
        """Return every (system, code) in ``value_set``; raises LookupError where a part of it is not held."""
        gap = self._value_sets.gap(value_set)
        if gap is not None:
            raise LookupError(f"The codes of {value_set} cannot be listed: {gap}")
        return self.known_codings(value_set)

    def expansion(self, canonical: str) -> frozenset[Coding]:
        """Return every (system, code) in the value set that a client names by ``url`` or ``url|version``.

        Raises LookupError, with a sentence for the client, where they cannot be listed or are more than MOST_CODES.
        """
        value_set: str = self._named("ValueSet", canonical)["url"]
        codings = self.codings(value_set)
        _refuse_many(codings, f"The value set {value_set} has")
        return codings

    def subsumed_by(self, system: str, code: str) -> frozenset[str]:
        """Return ``code`` and all codes below it.

        Raises LookupError, with a sentence for the client, where that cannot be told or they are more than MOST_CODES.
        """
        found = self._hierarchy(system, code).below(code) | {code}
        _refuse_many(found, f"In {system} there are, at and below {code},")
        return found

    def subsuming(self, system: str, code: str) -> frozenset[str]:
        """Return ``code`` and all codes above it; raises LookupError as ``subsumed_by`` does."""
        return self._hierarchy(system, code).above(code) | {code}

    def allows(self, value_set: str, system: str, code: str) -> bool | None:
        """Return whether ``code`` of ``system`` belongs to ``value_set``, None where that cannot be told."""
        return self._value_sets.allows(value_set, system, code)

    def display(self, system: str, code: str) -> str | None:
        """Return the name that ``system`` gives to ``code``, or None where none is held."""
        definition = self._definitions.find(system)  # whatever a client names: nothing is kept of what is not held
        if definition is None or definition["resourceType"] != "CodeSystem":
            return None
        held = self._system(definition["url"])
        return held.concepts.get(code, {}).get("display") if held else None

    def url_at(self, resource_type: str, resource_id: str) -> str | None:
        """Return the canonical url of the definition with this id, or None."""
        found = (item["url"] for item in self._definitions.of_type(resource_type) if item.get("id") == resource_id)
        return next(found, None)

    def _hierarchy(self, system: str, code: str) -> CodeSystem:
        """Return the system in which it is told what is above and below ``code``; raises LookupError."""
        url = self._named("CodeSystem", system)["url"]
        held = self._system(url)
        if held is None or not held.is_complete:  # what lies between two codes may be what is missing
            raise LookupError(f"Only a part of the code system {url} is held, so what is above or below cannot be told")
        if not held.is_subsumption:
            raise LookupError(f"The hierarchy of {url} groups codes, and does not say that one is a kind of another")
        if code not in held.concepts:
            raise LookupError(f"{url} has no code {shown(code)}{did_you_mean(code, held.concepts)}")
        return held

    def _named(self, resource_type: str, canonical: str) -> Definition:
        """Return the definition that a client names; raises LookupError."""
        definition = self._definitions.find(canonical)
        if definition is None or definition["resourceType"] != resource_type:
            held = [item["url"] for item in self._definitions.of_type(resource_type)]
            raise LookupError(f"No {resource_type} {shown(canonical)} is held here{did_you_mean(canonical, held)}")
        _, _, version = canonical.partition("|")
        if version and version != definition.get("version"):
            told = definition.get("version", "one without a version")
            raise LookupError(f"Of {definition['url']} another version is held here: {told}")
        return definition

    def _code_system(self, url: str) -> CodeSystem | None:
        definition = self._definitions.find(url)
        return CodeSystem(definition) if definition and definition["resourceType"] == "CodeSystem" else None


def _refuse_many(codes: Collection[Any], before: str) -> None:
    if len(codes) > MOST_CODES:
        raise LookupError(f"{before} {len(codes)} codes; a search can ask for {MOST_CODES} at once")
