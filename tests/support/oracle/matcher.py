"""Answers searches over whole resources held in memory, from the raw query: https://hl7.org/fhir/R4/search.html."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from tests.support.oracle.criteria import fulfils
from tests.support.oracle.definitions import Definitions
from tests.support.oracle.includes import Rule, included
from tests.support.oracle.order import in_order
from tests.support.oracle.world import TYPES, Resource, World, name_of

RESULTS = ("_sort", "_count", "_total", "_summary", "_elements", "_type", "_contained", "_containedType")
INCLUDES = ("_include", "_revinclude")


@dataclass(frozen=True)
class Answer:
    """References of the matches, those that are equal in the order together, and of what is included beside them."""

    groups: list[list[str]]
    included: set[str]

    @property
    def total(self) -> int:
        """How many matches there are."""
        return sum(map(len, self.groups))


class Matcher:
    """Answers searches over ``resources``, of all types, for the server whose FHIR address is ``base``."""

    def __init__(self, resources: Sequence[Resource], base: str, definitions: Definitions | None = None) -> None:
        self.world = World(resources, base, definitions)

    def answer(self, address: str) -> Answer:
        """Return what a search finds: ``Goal?category=a``, ``?_type=Goal,CarePlan``, ``Patient/1/CarePlan?…``."""
        place, _, query = address.partition("?")
        items = [tuple(map(unquote_plus, item.partition("=")[::2])) for item in query.split("&") if item]
        settings = {name: text for name, text in items if name in RESULTS}
        rules = [Rule(name, text) for name, text in items if name.partition(":")[0] in INCLUDES]
        criteria = [
            (name, text) for name, text in items if name not in RESULTS and name.partition(":")[0] not in INCLUDES
        ]
        *owner, kind = place.split("/")
        types = [kind] if kind not in ("", "*") else settings.get("_type", ",".join(TYPES)).split(",")
        held = [item for item in self.world.of_type(*types) if not owner or self._is_about(item, owner)]
        found = self._found(held, types, criteria, settings)
        matches = [name.partition("#")[0] for name in found]
        return Answer(in_order(self.world, found, settings.get("_sort", "")), included(self.world, matches, rules))

    def _is_about(self, resource: Resource, owner: list[str]) -> bool:
        """Return whether a resource is in the compartment of a patient or another owner, given by type and id."""
        codes = self.world.definitions.compartment(owner[0], resource["resourceType"])
        return any(fulfils(self.world, resource, code, "/".join(owner)) for code in codes)

    def _found(
        self, held: list[Resource], types: list[str], criteria: list[tuple[str, ...]], settings: dict[str, str]
    ) -> list[str]:
        """Return the references of the matches, with contained ones where those are asked for."""

        def fits(resource: Resource) -> bool:
            return all(fulfils(self.world, resource, *criterion) for criterion in criteria)

        own = [name_of(item) for item in held if fits(item)]
        if settings.get("_contained", "false") == "false":
            return own
        alone = settings.get("_containedType") == "contained"
        within = [
            name + (f"#{item['id']}" if alone else "")
            for name, holder in self.world.held.items()
            for item in holder.get("contained", ())
            if item["resourceType"] in types and fits(item)
        ]
        return list(dict.fromkeys(within if settings["_contained"] == "true" else own + within))
