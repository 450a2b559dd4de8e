"""Which security labels a client is cleared for (https://hl7.org/fhir/R4/security-labels.html)."""

from collections.abc import Iterable, Iterator

from service.conformance.search_parameters import SearchParameter
from service.search import fields
from service.search.predicate import Only, Predicate
from service.search.types import token

EVERY_LABEL = "*"
"""The clearance for whatever label."""

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_OF_LABELS = (
    CONFIDENTIALITY,
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    ACT_REASON,
    "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "http://terminology.hl7.org/CodeSystem/v3-ActUSPrivacyLaw",
)
"""The code systems of the value set security-labels: a clearance that is a code alone is for that code in these."""

Label = tuple[str | None, str]
"""System, if any, and code."""

_UNRESTRICTED: tuple[Label, ...] = (*((CONFIDENTIALITY, code) for code in "ULMN"), (ACT_REASON, "HTEST"))
"""Labels that keep nothing from anybody."""
_INCLUDED: dict[Label, Label] = {(CONFIDENTIALITY, "V"): (CONFIDENTIALITY, "R")}
"""Labels that a clearance is for as well that is for a higher one."""


def clearance(security: SearchParameter, clearances: Iterable[str]) -> Predicate | None:
    """Return what holds of the resources whose labels ``clearances`` are all for, or None where that is all.

    ``security`` is the parameter ``_security`` of the type. A label without code asks for clearance for every label.
    """
    held = frozenset(clearances)
    if EVERY_LABEL in held:
        return None
    forms = {word: None for label in allowed_labels(held) for word in _words(security, label)}
    return Only(fields.WORDS, fields.word(security, "="), tuple(forms))


def allowed_labels(clearances: Iterable[str]) -> list[Label]:
    """Return the labels that do not keep a resource from a client with ``clearances``, none of which is for all."""
    cleared = [label for text in sorted(clearances) for label in _labels(text)]
    included = [_INCLUDED[label] for label in cleared if label in _INCLUDED]
    return list(dict.fromkeys([*_UNRESTRICTED, *cleared, *included]))


def _labels(text: str) -> Iterator[Label]:
    """Yield the labels that a clearance such as ``PSY`` or ``system|code`` is for."""
    system, bar, code = text.rpartition("|")
    if code and bar:
        yield system or None, code
    elif code:
        yield None, code
        yield from ((each, code) for each in _OF_LABELS)


def _words(security: SearchParameter, label: Label) -> Iterator[str]:
    """Yield the forms in which a label stands in the index."""
    system, code = label
    coding = {"code": code} | ({} if system is None else {"system": system})
    forms, _ = token.words_and_keys(security, "Coding")(coding)
    return (fields.word(security, form) for form in forms)
