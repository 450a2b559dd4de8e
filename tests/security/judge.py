"""Who may see what, said a second time: plainly, from the text of a resource, and with nothing of the service in it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.security.world import ACT_CODE, CONFIDENTIALITY, LISTED_BASE, OWN_BASE

Json = dict[str, Any]
Versions = Mapping[tuple[str, str], list[Json | None]]
"""By type and id the versions of a resource, None for a deletion."""

_PLAIN = {"U", "L", "M", "N"}


@dataclass(frozen=True)
class Sight:
    """What one client sees: of whom, with which labels, and of which types (with a rule for each)."""

    person: str | None = None
    """The only person whose record is seen; None for everybody's."""
    clearances: frozenset[str] | None = frozenset()
    """None where no label matters."""
    types: Mapping[str, Callable[[Json], bool]] | None = None
    """None for every type."""

    def sees(self, resource: Json, others: Mapping[str, Json]) -> bool:
        """Return whether the client sees ``resource``, given by ``Type/id`` the ``others`` that there are now."""
        name = resource["resourceType"]
        if self.types is not None and (name not in self.types or not self.types[name](resource)):
            return False
        if not all(map(self._cleared, resource.get("meta", {}).get("security", ()))):
            return False
        if name != "Provenance":
            return self.person is None or resource.get("subject", {}).get("reference") in _names_of(self.person)
        there = [others[text] for text in _targets(resource) if text in others]
        return self._sees_all or (bool(there) and all(self.sees(target, others) for target in there))

    @property
    def _sees_all(self) -> bool:
        return self.person is None and self.clearances is None and self.types is None

    def _cleared(self, label: Json) -> bool:
        """Return whether a label keeps nothing from the client; one of a system of its own has to be named in full."""
        if self.clearances is None:
            return True
        system, code = label.get("system"), label.get("code")
        if system == CONFIDENTIALITY and (code in _PLAIN or (code == "R" and "V" in self.clearances)):
            return True
        is_usual = system in (None, CONFIDENTIALITY, ACT_CODE)
        return (is_usual and code in self.clearances) or f"{system}|{code}" in self.clearances


EVERYTHING = Sight(clearances=None)


def seen_versions(sight: Sight, versions: Versions) -> set[tuple[str, str, int]]:
    """Return type, id and number of each version that a client sees: of what it sees now, as far as it saw it then."""
    now = {f"{key[0]}/{key[1]}": each[-1] for key, each in versions.items() if each[-1] is not None}
    found = set()
    for (name, resource_id), each in versions.items():
        last = next(item for item in reversed(each) if item is not None)
        if sight.sees(last, now):
            told = [number for number, item in enumerate(each, 1) if item is None or sight.sees(item, now)]
            found |= {(name, resource_id, number) for number in told}
    return found


def _names_of(person: str) -> set[str]:
    return {f"{base}Patient/{person}" for base in ("", f"{OWN_BASE}/", f"{LISTED_BASE}/")}


def _targets(resource: Json) -> Iterable[str]:
    return (item["reference"].partition("/_history/")[0] for item in resource["target"])
