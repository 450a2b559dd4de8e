"""What a request has to do with a version of a resource, as AuditEvent.entity has it (https://hl7.org/fhir/R4/auditevent.html)."""

from typing import Literal, NamedTuple


class Touched(NamedTuple):
    """A version that an answer discloses, or that a request has stored."""

    type: str
    id: str
    version: int
    subject: str | None
    """Whom it is about, such as ``Patient/1``, where that is known."""
    action: Literal["C", "R", "U", "D"] = "R"
    """Created, read, updated, deleted: the codes of AuditEvent.action."""
