"""What an erasure is about: a person's resources, what tells of them, and who else refers to them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from service.commands.person.reference import Person
from service.commands.person.session import Session
from service.conformance.references import references_in
from service.fhir import json
from service.search import fields
from service.search.predicate import Predicate
from service.store.document import Stored

_MENTIONED = re.compile(rb"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")
_PROVENANCE, _TARGET = "Provenance", "target"

Advance = Callable[[int], Any]
"""Is told how many versions more have been looked at."""
Names = dict[str, None]
"""Resources as ``Type/id``, in the order in which they were found."""


@dataclass(slots=True)
class Found:
    """What there is of a person."""

    own: Names = field(default_factory=dict)
    """Resources about the person, and deleted ones that were."""
    provenance: Names = field(default_factory=dict)
    """What tells of nothing else than these."""
    naming: Names = field(default_factory=dict)
    """Others that refer to the person."""
    elsewhere: Names = field(default_factory=dict)
    """Others that refer to a Patient with this id at an address that is not known to be the same."""
    formerly: Names = field(default_factory=dict)
    """Others of which earlier versions refer to the person."""
    referring: Names = field(default_factory=dict)
    """Others that refer to any of these resources alone."""


class Surveyor:
    """Looks for what there is of ``person``, in all that is stored."""

    def __init__(self, person: Person, session: Session) -> None:
        self._person = person
        self._session = session

    async def look(self, advance: Advance) -> Found:
        """Return what is found now, but not yet who refers to it; each version counts as one for ``advance``."""
        found = Found()
        async for stored in self._session.erasure.current():
            advance(1)
            self._add_current(stored, found)
        async for stored in self._session.erasure.earlier():
            advance(1)
            await self._add_earlier(stored, found)
        for name in list(found.own):
            for stored in await self._session.erasure.found(*self.told_by([name])):
                if self.tells_only_of(stored.body or b"", found.own):
                    found.provenance[_name(stored)] = None
                    found.naming.pop(_name(stored), None)
        return found

    async def add_referring(self, found: Found) -> None:
        """Add to ``found`` those others that refer to what was found, and not to the person."""
        erased = found.own.keys() | found.provenance.keys()
        async for stored in self._session.erasure.current():
            name, body = _name(stored), stored.body
            if body is None or name in erased or erased.isdisjoint(map(bytes.decode, _MENTIONED.findall(body))):
                continue
            refers = not erased.isdisjoint(map(self._name_of, references_in(json.parse(body))))
            if refers and name not in found.naming:
                found.referring[name] = None

    def told_by(self, names: Iterable[str]) -> tuple[str, Predicate]:
        """Return the type Provenance, and which of them has any of ``names`` among its targets."""
        target = self._session.context.search_parser.types[_PROVENANCE][_TARGET]
        return _PROVENANCE, fields.equal(target, names)

    def tells_only_of(self, body: bytes, names: Names) -> bool:
        """Return whether all targets of a Provenance are among ``names``, or the person."""
        targets = json.parse(body)[_TARGET]
        return all(self._person.is_meant_by(each) or self._name_of(each) in names for each in targets)

    def _add_current(self, stored: Stored, found: Found) -> None:
        if stored.body is None or not self._person.is_named_in(stored.body):
            return
        resource = json.parse(stored.body)
        if self._person.is_subject_of(resource):
            found.own[_name(stored)] = None
            return
        references = references_in(resource)
        if any(map(self._person.is_meant_by, references)):
            found.naming[_name(stored)] = None
        elif any(map(self._person.is_namesake_of, references)):
            found.elsewhere[_name(stored)] = None

    async def _add_earlier(self, stored: Stored, found: Found) -> None:
        """Add a resource of which an earlier version refers to the person: it is theirs if the last one did."""
        name = _name(stored)
        if name in found.own or name in found.naming or name in found.formerly or stored.body is None:
            return
        if not self._person.is_referred_to(stored.body):
            return
        last = await self._session.erasure.last_of(stored.type, stored.id)
        is_theirs = last is not None and last.body is not None and self._person.owns(last.body)
        (found.own if is_theirs else found.formerly)[name] = None

    def _name_of(self, reference: dict[str, Any]) -> str | None:
        text = reference.get("reference")
        literal = self._session.local.local(text) if isinstance(text, str) else None
        return literal.relative if literal else None


def _name(stored: Stored) -> str:
    return f"{stored.type}/{stored.id}"
