"""References between resources (https://hl7.org/fhir/R4/references.html)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

ID_PATTERN = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LITERAL = re.compile(
    r"(?:(?P<base>https?://[^\s?#]+)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
)
_BY_SEARCH = re.compile(r"[A-Z][A-Za-z]+\?")
_LONGEST_REMEMBERED = 200


class LiteralReference(NamedTuple):
    """A reference that names a resource by type and id, on this server (no base) or on another."""

    base: str | None
    type: str
    id: str
    version: str | None

    @property
    def relative(self) -> str:
        """``Type/id``."""
        return f"{self.type}/{self.id}"


def parse_reference(text: str) -> LiteralReference | None:
    """Return the literal reference in ``text``, or None where it is of another form (``urn:``, ``#``, other URLs)."""
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _parsed(text)


def _parsed(text: str) -> LiteralReference | None:
    match = _LITERAL.fullmatch(text)
    return LiteralReference._make(match.group("base", "type", "id", "version")) if match else None


def _normal(text: str, bases: frozenset[str]) -> str:
    literal = parse_reference(text)
    if literal is None:
        return text
    is_local = literal.base is None or literal.base in bases
    return literal.relative if is_local else f"{literal.base}/{literal.relative}"


# A write reads each reference several times: to check it, to look it up and to index it.
_remembered = lru_cache(maxsize=4096)(_parsed)
_normal_remembered = lru_cache(maxsize=4096)(_normal)


def is_by_search(text: str) -> bool:
    """Return whether a reference says by a search what it leads to, such as ``Goal?identifier=system|value``."""
    return "?" in text and _BY_SEARCH.match(text) is not None


def is_id(text: str) -> bool:
    """Return whether ``text`` is a FHIR id."""
    return ID_PATTERN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Addresses:
    """The FHIR addresses of one server: what is named below one of them is what a relative reference names."""

    bases: frozenset[str] = frozenset()

    def local(self, text: str) -> LiteralReference | None:
        """Return the reference in ``text`` where it leads to this server, or None."""
        literal = parse_reference(text)
        return literal if literal and (literal.base is None or literal.base in self.bases) else None

    def versioned(self, text: str) -> str | None:
        """Return the form that is equal for references to the same version, or None where ``text`` names none."""
        literal = parse_reference(text)
        return f"{self.normal(text)}/_history/{literal.version}" if literal and literal.version else None

    def normal(self, text: str) -> str:
        """Return the form that is equal for references to the same resource: without version, relative if local."""
        return _normal_remembered(text, self.bases) if len(text) <= _LONGEST_REMEMBERED else _normal(text, self.bases)

    def same_reference(self, left: dict[str, Any], right: dict[str, Any]) -> bool:
        """Return whether two References name the same: by equal literal references, or by equal identifiers.

        Identifiers, by system and value, count only where one of the two has no literal reference.
        """
        mine, theirs = left.get("reference"), right.get("reference")
        if isinstance(mine, str) and isinstance(theirs, str):
            return mine == theirs or self.normal(mine) == self.normal(theirs)
        identity = _identity(left)
        return identity is not None and identity == _identity(right)


def _identity(reference: dict[str, Any]) -> tuple[str, str] | None:
    """Return system and value of a Reference's identifier, or None where it has not both."""
    identifier = reference.get("identifier")
    if not isinstance(identifier, dict):
        return None
    system, value = identifier.get("system"), identifier.get("value")
    return (system, value) if isinstance(system, str) and isinstance(value, str) else None
