"""Lists of codes with what they mean (https://hl7.org/fhir/R4/valueset.html)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from service.conformance.code_systems import CodeSystem
from service.conformance.definitions import CANONICAL, Definition, Definitions
from service.conformance.terminology import Terminology


@dataclass(frozen=True, slots=True)
class Concept:
    """A code, its name, and what it means where its code system says so."""

    system: str
    code: str
    display: str
    definition: str


@dataclass(frozen=True, slots=True)
class CodeList:
    """A value set."""

    value_set: Definition
    concepts: tuple[Concept, ...]
    systems: tuple[str, ...]
    """The code systems of the concepts."""
    others: tuple[str, ...]
    """Code systems whose codes belong to it too, and are not held here."""


class CodeLists:
    """The value sets among ``definitions``."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._terminology = Terminology(definitions)
        self.find = cache(self._find)

    def _find(self, url: str) -> CodeList | None:
        """Return the list with this canonical URL, or None where no code of it is held."""
        concepts = tuple(self._concepts(url))
        if not concepts:
            return None
        value_set = self._definitions.get(url)
        systems = dict.fromkeys(concept.system for concept in concepts)
        named = dict.fromkeys(part["system"] for part in value_set["compose"]["include"] if "system" in part)
        return CodeList(value_set, concepts, tuple(systems), tuple(name for name in named if name not in systems))

    def _concepts(self, url: str) -> Iterator[Concept]:
        """Yield the concepts in the order of their code systems, ours first."""
        codings = self._terminology.known_codings(url)
        systems = {system for system, _ in codings}
        for system in sorted(systems, key=lambda name: (not name.startswith(CANONICAL), name)):
            for code, concept in self._of_system(system, url).items():
                if (system, code) in codings:
                    yield Concept(system, code, concept.get("display", code), concept.get("definition", ""))

    def _of_system(self, system: str, value_set: str) -> dict[str, Any]:
        """Return the concepts of a code system; where it is not held, those that the value set names."""
        held = self._definitions.find(system)
        if held:
            return CodeSystem(held).concepts
        parts = self._definitions.get(value_set)["compose"]["include"]
        named = (concept for part in parts if part.get("system") == system for concept in part.get("concept", ()))
        return {concept["code"]: concept for concept in named}


def title_of(definition: Definition) -> str:
    """Return what a definition is called."""
    return str(definition.get("title", definition["name"]))
