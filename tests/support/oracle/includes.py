"""What ``_include`` and ``_revinclude`` add to the matches: https://hl7.org/fhir/R4/search.html#include."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.support.oracle.world import Resource, World, name_of


@dataclass(frozen=True)
class Rule:
    """One parameter of inclusion: ``_include:iterate=CarePlan:part-of`` with an optional type of target."""

    name: str
    text: str

    @property
    def iterates(self) -> bool:
        """Whether it is for what was included too."""
        return self.name.endswith(":iterate")

    def linked(self, world: World, resource: Resource) -> set[str]:
        """Return the references of what the rule finds for one resource."""
        kind, code, target = [*("*:*" if self.text == "*" else self.text).split(":"), ""][:3]
        if self.name.startswith("_include"):
            if kind not in ("*", resource["resourceType"]):
                return set()
            codes = _references(world, resource, code)
            found = [item for each in codes for item in world.targets(resource, each, target)]
            return {name_of(item) for item in found if world.holds(item)}
        if target not in ("", resource["resourceType"]):
            return set()
        return {
            name
            for name, item in world.held.items()
            if kind in ("*", item["resourceType"])
            if any(world.leads_to(item, each, resource) for each in _references(world, item, code))
        }


def _references(world: World, resource: Resource, code: str) -> list[str]:
    """Return the reference parameters of a resource that ``code``, which may be ``*``, means."""
    known = world.definitions.parameters(resource["resourceType"]).values()
    return [item.code for item in known if item.type == "reference" and code in ("*", item.code)]


def included(world: World, matches: Iterable[str], rules: list[Rule]) -> set[str]:
    """Return the references of what is included for ``matches`` and is no match itself."""
    seen = set(matches)
    new = _linked(world, seen, rules)
    again = [rule for rule in rules if rule.iterates]
    while new - seen:
        seen, new = seen | new, _linked(world, new, again)
    return seen - set(matches)


def _linked(world: World, names: set[str], rules: list[Rule]) -> set[str]:
    return {other for rule in rules for name in names for other in rule.linked(world, world.held[name])}
