"""Narrative: that its XHTML is what FHIR allows (https://hl7.org/fhir/R4/narrative.html)."""

from typing import Any

from service.conformance.validation.place import Place
from service.conformance.validation.report import Report
from service.conformance.validation.xhtml import narrative_problems
from service.fhir.outcome import Issue


def check_narrative(value: Any, place: Place, report: Report) -> None:
    """Report what is not allowed in a ``div`` (FHIR's txt-1), and an empty one (txt-2)."""
    for rule, sentence in narrative_problems(value):
        report.add(Issue(rule, sentence, str(place)))
