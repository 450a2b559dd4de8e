"""Which codes belong to a value set (https://hl7.org/fhir/R4/valueset.html#compositions)."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from service.conformance.code_systems import CodeSystem
from service.conformance.definitions import Definitions

Coding = tuple[str, str]
Include = dict[str, Any]


class ValueSets:
    """The value sets among ``definitions``, which include codes of what ``system`` returns for a url.

    Whether a code belongs to a value set is True, False, or None where a definition that would say so is not held.
    """

    def __init__(self, definitions: Definitions, system: Callable[[str], CodeSystem | None]) -> None:
        self._definitions = definitions
        self._system = system
        self.known_codings = cache(self._known_codings)
        self.gap = cache(self._first_gap)

    def allows(self, value_set: str, system: str, code: str) -> bool | None:
        """Return whether ``code`` of ``system`` belongs to ``value_set``, None where that cannot be told."""
        if (system, code) in self.known_codings(value_set):
            return True
        return False if self.gap(value_set) is None else self._contains(value_set, system, code)

    def _known_codings(self, value_set: str) -> frozenset[Coding]:
        """Return every (system, code) that is certainly in ``value_set``; none where it is not held."""
        listed = {coding for part in self._includes(value_set) for coding in self._listed(part)}
        return frozenset(coding for coding in listed if self._contains(value_set, *coding))

    def _contains(self, value_set: str, system: str, code: str) -> bool | None:
        if self._definitions.find(value_set) is None:
            return None
        included = _any(self._selects(part, system, code) for part in self._includes(value_set))
        excluded = _any(self._selects(part, system, code) for part in self._excludes(value_set))
        return _all((included, None if excluded is None else not excluded))

    def _selects(self, part: Include, system: str, code: str) -> bool | None:
        answers = [self._contains(other, system, code) for other in part.get("valueSet", ())]
        if "system" in part:
            answers.append(self._selects_of_system(part, system, code))
        return _all(answers)

    def _selects_of_system(self, part: Include, system: str, code: str) -> bool | None:
        if system != part["system"]:
            return False
        if "concept" in part:
            return any(concept["code"] == code for concept in part["concept"])
        held = self._system(system)
        if held is None or (code not in held.concepts and not held.is_complete):
            return None
        return held.is_selectable(code) and _all(held.selects(item, code) for item in part.get("filter", ()))

    def _listed(self, part: Include) -> Iterator[Coding]:
        """Yield the codings among which those that ``part`` selects are."""
        system = part.get("system")
        if system is None:
            yield from self.known_codings(part["valueSet"][0])
        elif "concept" in part:
            yield from ((system, concept["code"]) for concept in part["concept"])
        elif held := self._system(system):
            yield from ((system, code) for code in held.concepts)

    def _first_gap(self, value_set: str) -> str | None:
        """Return what keeps the codes of ``value_set`` from being listed in full, or None."""
        if self._definitions.find(value_set) is None:
            return f"no value set {value_set} is held"
        if not self._includes(value_set):
            return "its definition does not say which they are"
        gaps = (
            gap
            for part in (*self._includes(value_set), *self._excludes(value_set))
            for gap in (*map(self.gap, part.get("valueSet", ())), self._gap_of_system(part))
        )
        return next((gap for gap in gaps if gap), None)

    def _gap_of_system(self, part: Include) -> str | None:
        system = part.get("system")
        if system is None or "concept" in part:
            return None
        held = self._system(system)
        if held is None:
            return f"no code system {system} is held"
        if not held.is_complete:
            return f"the definition of {system} does not list all its codes"
        for item in part.get("filter", ()):
            if held.selects(item, "") is None:
                return f"{system} is filtered by {item['property']} {item['op']}, which is not supported"
        return None

    def _includes(self, value_set: str) -> list[Include]:
        definition = self._definitions.find(value_set)
        return definition.get("compose", {}).get("include", []) if definition else []

    def _excludes(self, value_set: str) -> list[Include]:
        definition = self._definitions.find(value_set)
        return definition.get("compose", {}).get("exclude", []) if definition else []


def _any(answers: Iterable[bool | None]) -> bool | None:
    found = set(answers)
    return True if True in found else None if None in found else False


def _all(answers: Iterable[bool | None]) -> bool | None:
    found = set(answers)
    return False if False in found else None if None in found else True
