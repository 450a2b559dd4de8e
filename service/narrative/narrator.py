"""Narrative: the text of a resource, for people and systems that know none of its extensions.

https://hl7.org/fhir/R4/narrative.html. The root carries a class with a digest of what stands in it: so the service
knows its own text when it comes back unchanged, and leaves everybody else's alone.
"""

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from service.conformance.definitions import CANONICAL
from service.conformance.terminology import Terminology
from service.conformance.validation.xhtml import XHTML
from service.fhir.reference import Addresses
from service.narrative.care_plan import care_plan
from service.narrative.document import Document
from service.narrative.goal import goal
from service.narrative.record import Record
from service.narrative.risk_assessment import risk_assessment
from service.narrative.values import Values
from service.narrative.wording import WORDS
from service.narrative.xhtml import inner_xhtml

DOCUMENTS: dict[str, Callable[[Record], Document]] = {
    "CarePlan": care_plan,
    "Goal": goal,
    "RiskAssessment": risk_assessment,
}
"""What there is to read of a resource, by its type."""

_ROOT = re.compile(rf'<div xmlns="{XHTML}" class="recovery-narrative-([0-9a-f]{{16}})"[^>]*>(.*)</div>', re.DOTALL)
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROLS = bytes({*range(32)} - {9, 10})
_NO_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


class Narrator:
    """Writes what people read of plans, goals and risk assessments."""

    def __init__(self, terminology: Terminology, addresses: Addresses) -> None:
        self._values = Values(terminology, WORDS)
        self._addresses = addresses

    def record(self, resource: dict[str, Any]) -> Record:
        """Return ``resource`` ready to be read out."""
        return Record(resource, self._values, self._addresses)

    def narrative(self, resource: dict[str, Any]) -> dict[str, str]:
        """Return the element ``text`` for ``resource``: all that it holds, in plain words, as valid XHTML."""
        document = DOCUMENTS[resource["resourceType"]](self.record(resource))
        inner = _as_xml(inner_xhtml(document))
        language = resource.get("language", "")
        marks = f' lang="{language}" xml:lang="{language}"' if _LANGUAGE.fullmatch(language) else ""
        root = f'<div xmlns="{XHTML}" class="recovery-narrative-{_digest(inner)}"{marks}>'
        status = "extensions" if _has_extensions(resource) else "generated"
        return {"status": status, "div": f"{root}{inner}</div>"}

    def wrote(self, text: Any) -> bool:
        """Return whether ``text``, as a client sends it, is one that the service wrote, now or at any time before."""
        div = text.get("div") if isinstance(text, dict) else None
        found = _ROOT.fullmatch(div) if isinstance(div, str) else None
        return found is not None and found[1] == _digest(found[2])


def carries_recovery_fields(resource: Any) -> bool:
    """Return whether an extension or a code of the recovery profiles stands anywhere in ``resource``."""
    if isinstance(resource, dict):
        return any(
            value.startswith(f"{CANONICAL}/") if isinstance(value, str) else carries_recovery_fields(value)
            for key, value in resource.items()
            if key in ("url", "system") or not isinstance(value, str)
        )
    return isinstance(resource, list) and any(map(carries_recovery_fields, resource))


def _digest(inner: str) -> str:
    return blake2b(inner.encode(), digest_size=8).hexdigest()


def _has_extensions(resource: Any) -> bool:
    if isinstance(resource, dict):
        return "extension" in resource or any(map(_has_extensions, resource.values()))
    return isinstance(resource, list) and any(map(_has_extensions, resource))


def _as_xml(text: str) -> str:
    """Return ``text`` without the characters that XML cannot hold."""
    data = text.encode(errors="replace")
    if len(data.translate(None, _CONTROLS)) == len(data) and not any(map(data.__contains__, _NO_CHARACTERS)):
        return text
    return _NO_XML.sub("\ufffd", text)
