"""Which codes a ValueSet has, and which stand above and below a code (https://hl7.org/fhir/R4/valueset.html)."""

from collections.abc import Iterator, Mapping
from typing import Any

Code = tuple[str, str]


class Terminology:
    """The ValueSets and CodeSystems among definitions by their urls."""

    def __init__(self, by_url: Mapping[str, Any]) -> None:
        self._by_url = by_url

    def holds(self, system: str) -> bool:
        """Return whether a code system is held."""
        return system in self._by_url

    def members(self, url: str) -> set[Code]:
        """Return (system, code) of all members of a value set."""
        compose = self._by_url[url]["compose"]
        there = {code for part in compose["include"] for code in self._part(part)}
        return there - {code for part in compose.get("exclude", ()) for code in self._part(part)}

    def _part(self, part: Any) -> set[Code]:
        """Return what an include or exclude selects: what its system and each of its value sets have in common."""
        selections = [self.members(url.split("|")[0]) for url in part.get("valueSet", ())]
        if "system" in part:
            selections.append({(part["system"], code) for code in self._of_system(part)})
        return set.intersection(*selections)

    def _of_system(self, part: Any) -> set[str]:
        if "concept" in part:
            return {concept["code"] for concept in part["concept"]}
        found = set(self._parents(part["system"]))
        for condition in part.get("filter", ()):
            assert (condition["property"], condition["op"]) == ("concept", "is-a"), condition
            found &= self.below(part["system"], condition["value"])
        return found

    def below(self, system: str, code: str) -> set[str]:
        """Return the code and all that it subsumes."""
        return {other for other in self._parents(system) if code in self.above(system, other)}

    def above(self, system: str, code: str) -> set[str]:
        """Return the code and all that subsume it."""
        parents, found, ahead = self._parents(system), set[str](), [code]
        while ahead:
            following = ahead.pop()
            if following not in found:
                found.add(following)
                ahead.extend(parents.get(following, ()))
        return found

    def _parents(self, system: str) -> dict[str, set[str]]:
        """Return every code of a system with the codes right above it."""
        found: dict[str, set[str]] = {}
        for code, parent in _links(self._by_url[system]["concept"], None):
            found.setdefault(code, set()).update([parent] if parent else ())
        return found


def _links(concepts: Any, parent: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield each code with one above it, as nested concepts and the properties of the hierarchy say it."""
    for concept in concepts:
        code = concept["code"]
        yield code, parent
        yield from _links(concept.get("concept", ()), code)
        for item in concept.get("property", ()):
            if item["code"] in ("parent", "subsumedBy"):
                yield code, item["valueCode"]
            if item["code"] == "child":
                yield item["valueCode"], code
