"""Rules that need other resources: that they exist, are about the same person, are what an obligation may rest on.

They hold at the time of a write and for what it writes: nobody is kept from deleting what others refer to.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal, NamedTuple

from service.conformance.obligations import has_orientation, is_obligation_in_force, supported_goals
from service.conformance.references import places_of, references_in
from service.conformance.structures import Structures
from service.conformance.validation.validator import is_withdrawn
from service.fhir.outcome import MOST_SHOWN, Issue, shown
from service.fhir.reference import Addresses

NEEDED = ("subject", "category")
"""The members of other resources that the rules look at."""

Json = dict[str, Any]
Known = Mapping[str, Json | None]
"""By ``Type/id`` another resource, or at least what is `NEEDED` of it; None, or nothing, where it does not exist."""
ProfilesOf = Callable[[Json, Iterable[str]], list[str]]
"""Returns the profiles that a resource is held to, given those that it is held to beside the ones that it claims."""
Existence = Literal["recovery", "always", "never"]
"""Where what is referred to has to exist: in resources that are held to a profile, in all, or in none."""


class RelatedRules:
    """The rules for one set of settings.

    ``served`` are the types that this server holds, ``local`` its addresses, and ``persons`` all those at which
    ``Patient/1`` is the same person as here.
    """

    def __init__(
        self,
        structures: Structures,
        profiles_of: ProfilesOf,
        existence: Existence,
        served: Iterable[str],
        local: Addresses,
        persons: Addresses,
    ) -> None:
        self.structures = structures
        self.served = frozenset(served)
        self.local = local
        self.is_same = persons.same_reference
        self._profiles_of = profiles_of
        self._existence = existence

    def of(self, resource: Any, profiles: Iterable[str] = ()) -> "Related | None":
        """Return what ``resource`` has to do with others, or None where no rule asks.

        ``profiles`` are those that it is held to beside the ones that it claims.
        """
        if not isinstance(resource, dict) or is_withdrawn(resource):
            return None
        is_held = bool(self._profiles_of(resource, profiles))
        must_exist = is_held if self._existence == "recovery" else self._existence == "always"
        return Related(resource, self, is_held, must_exist) if is_held or must_exist else None


class _Fault(NamedTuple):
    """What is wrong with a reference; ``member`` is what its place ends with."""

    rule: str
    sentence: str
    reference: Json
    member: str = ".reference"


class Related:
    """A resource with its references to those that this server holds."""

    def __init__(self, resource: Json, rules: RelatedRules, is_held: bool, must_exist: bool) -> None:
        self._resource = resource
        self._type = shown(str(resource.get("resourceType")))
        self._rules = rules
        self._is_held = is_held
        self._must_exist = must_exist
        named = [(reference, self._name(reference["reference"])) for reference in references_in(resource)]
        self._references = [(reference, name) for reference, name in named if name]

    def _name(self, text: str) -> str | None:
        """Return ``Type/id`` or ``#id`` of what a reference leads to, None where that is held elsewhere."""
        start = text.partition("/")[0]
        if start not in self._rules.served and ":" not in start:
            return text if text[:1] == "#" else None
        literal = self._rules.local.local(text)
        return literal.relative if literal and literal.type in self._rules.served else None

    @property
    def targets(self) -> set[str]:
        """``Type/id`` of each resource that the rules have to know."""
        return {name for _, name in self._references if name[:1] != "#"}

    def issues(self, known: Known, root: str | None = None) -> list[Issue]:
        """Return what is wrong, given what is ``known`` of `targets`; no more than can be told in one answer."""
        others = {**known, **_contained(self._resource, self._rules.served)}
        faults = list(islice(self._faults(others), MOST_SHOWN + 1))
        if not faults:
            return []
        faulty = [fault.reference for fault in faults]
        places = places_of(faulty, self._resource, root or self._type, self._rules.structures)
        return [
            Issue(fault.rule, fault.sentence, place + fault.member) for fault, place in zip(faults, places, strict=True)
        ]

    def _faults(self, others: Known) -> Iterator[_Fault]:
        for reference, name in self._references:
            if others.get(name) is None:
                if self._must_exist and name[:1] != "#":
                    sentence = f"There is no {name} here; write it before, or in the same transaction"
                    yield _Fault("reference-exists", sentence, reference)
            elif self._is_held and not self._is_about_same_person(name, others):
                sentence = f"{shown(name)} is not about the same person as this {self._type}"
                yield _Fault("same-person", sentence, reference)
        if self._is_held and is_obligation_in_force(self._resource):
            yield from self._unsupported(others)

    def _is_about_same_person(self, name: str, others: Known) -> bool:
        """Return whether another resource has the same subject, or one of the two has none, which other rules say."""
        mine, theirs = self._resource.get("subject"), (others.get(name) or {}).get("subject")
        if not isinstance(mine, dict) or not isinstance(theirs, dict):
            return True
        if name[:1] != "#" and (_is_inner(mine) or _is_inner(theirs)):  # each resource has its own #patient
            return False
        return self._rules.is_same(mine, theirs)

    def _unsupported(self, others: Known) -> Iterator[_Fault]:
        """Yield why each goal that an obligation in force supports will not do, unless one does."""
        reasons = [(reference, self._unfit(reference, others)) for reference in supported_goals(self._resource)]
        if all(reason for _, reason in reasons):
            for reference, reason in reasons:
                sentence = f"An obligation in force supports a personal goal of the same person: {reason}"
                yield _Fault("rg-5", sentence, reference, "")

    def _unfit(self, reference: Json, others: Known) -> str | None:
        """Return why a goal is none that an obligation may rest on, None where it is one or is held elsewhere."""
        text = reference.get("reference")
        if not isinstance(text, str):
            return None if "identifier" in reference else "this names none"
        name = self._name(text)
        if name is None:
            return None
        if others.get(name) is None:
            return f"there is no {shown(name)} here"
        if not has_orientation(others[name], "personal"):
            return f"{shown(name)} is not personal"
        return None if self._is_about_same_person(name, others) else f"{shown(name)} is not about that person"


def _contained(resource: Json, types: frozenset[str]) -> Known:
    """Return the resources of ``types`` that ``resource`` contains, by ``#id``."""
    members = resource.get("contained")
    inner = [item for item in members if isinstance(item, dict)] if isinstance(members, list) else []
    return {f"#{item.get('id')}": item for item in inner if str(item.get("resourceType")) in types}


def _is_inner(reference: Json) -> bool:
    return str(reference.get("reference")).startswith("#")
