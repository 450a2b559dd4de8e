"""The person who is meant: a Patient of this server, or of one whose patients are the same."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from service.conformance.references import references_in
from service.fhir import json
from service.fhir.reference import Addresses, parse_reference

Json = dict[str, Any]


class NoPerson(Exception):  # noqa: N818 - the name says what it is
    """What was given is no reference to a Patient; the message is one line."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom references mean in any of the forms that ``persons`` takes as the same."""

    reference: str
    """In the one form in which references are compared."""
    persons: Addresses

    @classmethod
    def read(cls, text: str, persons: Addresses) -> "Person":
        """Return the person whom ``text`` means, such as ``Patient/1``; raises NoPerson."""
        literal = parse_reference(text)
        if literal is None or literal.type != "Patient" or literal.version is not None:
            raise NoPerson(f"{text} is no reference to a person; one looks like Patient/1")
        return cls(persons.normal(text), persons)

    @property
    def forms(self) -> set[str]:
        """The forms in which a reference to the person may be kept in indexes and in the audit."""
        bases = self.persons.bases if not self.reference.startswith("http") else ()
        return {self.reference, *(f"{base}/{self.reference}" for base in bases)}

    def is_named_in(self, text: bytes) -> bool:
        """Return whether the person may be named in a JSON text, which is quick to tell."""
        return _named(self.reference).search(text) is not None

    def is_meant_by(self, reference: Json) -> bool:
        """Return whether a Reference leads to the person."""
        text = reference.get("reference")
        return isinstance(text, str) and self.persons.normal(text) == self.reference

    def is_namesake_of(self, reference: Json) -> bool:
        """Return whether a Reference leads to a Patient with the same id at another address."""
        literal = parse_reference(str(reference.get("reference")))
        return literal is not None and literal.relative == self.reference and not self.is_meant_by(reference)

    def owns(self, body: bytes) -> bool:
        """Return whether the resource in a JSON text is about the person."""
        return self.is_named_in(body) and self.is_subject_of(json.parse(body))

    def is_subject_of(self, resource: Json) -> bool:
        """Return whether a resource is about the person; a Provenance is, where it is about nothing else."""
        if resource.get("resourceType") == "Provenance":
            return all(map(self.is_meant_by, resource["target"]))
        return any(self.is_meant_by(resource.get(name) or {}) for name in ("subject", "patient"))

    def is_referred_to(self, body: bytes) -> bool:
        """Return whether the resource in a JSON text refers to the person anywhere."""
        return self.is_named_in(body) and any(map(self.is_meant_by, references_in(json.parse(body))))


@lru_cache(8)
def _named(reference: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(reference.encode()) + rb"(?![A-Za-z0-9.-])")
