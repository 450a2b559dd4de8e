"""References between resources (https://hl7.org/fhir/R4/references.html)."""

import re
from typing import NamedTuple

ID_PATTERN = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LITERAL = re.compile(
    r"(?:(?P<base>https?://[^\s?#]+)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
)


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
    match = _LITERAL.fullmatch(text)
    return LiteralReference._make(match.group("base", "type", "id", "version")) if match else None


def is_id(text: str) -> bool:
    """Return whether ``text`` is a FHIR id."""
    return ID_PATTERN.fullmatch(text) is not None
