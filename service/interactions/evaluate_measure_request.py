"""What a call of $evaluate-measure asks (https://hl7.org/fhir/R4/measure-operation-evaluate-measure.html)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.fhir.entry import Request
from service.fhir.outcome import Issue, OutcomeError, quoted, shown
from service.fhir.reference import is_id
from service.interactions.context import Context
from service.interactions.operation_input import Given
from service.reporting.measures.definition import Audit
from service.reporting.measures.periods import WrongPeriodError
from service.reporting.measures.report import INDIVIDUAL, SUBJECT_LIST, SUMMARY, canonical_of
from service.reporting.measures.results import Period

_TYPES = {"subject": INDIVIDUAL, "subject-list": SUBJECT_LIST, "population": SUMMARY}
"""The codes of the parameter reportType, and what MeasureReport.type they ask for."""
_REFUSED = {
    "practitioner": (
        "There is no figure by practitioner here, and none is made: people learn from what went wrong where nobody is "
        "blamed for it; see the figures by custodian"
    ),
    "lastReceivedOn": "A report names all that was counted, so there is nothing to leave out; leave this out",
}
"""Parameters of HL7's operation that no report here goes by, and why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The report that is asked for."""

    audit: Audit
    period: Period
    type: str
    """A code of MeasureReport.type."""
    subject: str | None
    """Whom it is to be about, such as ``Patient/1``, None for everybody."""
    indicators: tuple[str, ...]
    """The indicators that lists are wanted of; empty for all."""


async def read_asked(request: Request, given: Sequence[Given], context: Context) -> Asked:
    """Return what is asked; raises OutcomeError where that cannot be told, or where there is no such report."""
    found = {item.name: item for item in given}
    for name, reason in _REFUSED.items():
        if name in found:
            raise _wrong(found[name], reason)
    audit = _audit(request, found, context)
    try:
        period = await context.measures.read_period(found["periodStart"].value, found["periodEnd"].value)
    except WrongPeriodError as error:
        raise _wrong(found[error.parameter], str(error)) from None
    kind = _type(found)
    return Asked(audit, period, kind, _subject(found, context), _indicators(given, audit, kind))


def _audit(request: Request, found: Mapping[str, Given], context: Context) -> Audit:
    """Return the Measure that the address names, or the parameter measure where it names none."""
    if len(request.path) > 2:
        if "measure" in found:
            raise _wrong(found["measure"], "The address names the Measure already")
        audit = context.measures.audits.get(request.path[1])
        if audit is None:
            raise OutcomeError(Issue("unknown-resource", "There is no such Measure"))
        return audit
    if "measure" not in found:
        raise OutcomeError(Issue("parameter-value", "measure: This parameter must be there", "http.measure"))
    names = found["measure"].value
    for measure_id, audit in context.measures.audits.items():
        if names in (audit.measure["url"], canonical_of(audit.measure), measure_id, f"Measure/{measure_id}"):
            return audit
    known = ", ".join(f"Measure/{measure_id}" for measure_id in context.measures.audits)
    raise _wrong(found["measure"], f"{quoted(names)} is none of the measures here: {known}")


def _type(found: Mapping[str, Given]) -> str:
    """Return the type of the report; by default it is about the subject, or else about everybody."""
    has_subject = "subject" in found
    if "reportType" not in found:
        return INDIVIDUAL if has_subject else SUMMARY
    kind = _TYPES.get(found["reportType"].value)
    if kind is None:
        raise _wrong(found["reportType"], f"This is none of: {', '.join(_TYPES)}")
    if kind == INDIVIDUAL and not has_subject:
        raise _wrong(found["reportType"], "A report on one person names who that is as subject")
    if kind != INDIVIDUAL and has_subject:
        raise _wrong(found["subject"], "A report on one person has the reportType subject")
    return kind


def _subject(found: Mapping[str, Given], context: Context) -> str | None:
    if "subject" not in found:
        return None
    text = found["subject"].value
    reference = context.pages.addresses.local(f"Patient/{text}" if is_id(text) else text)
    if reference is None or reference.type != "Patient":
        raise _wrong(found["subject"], "The subject is one person: a reference such as Patient/1")
    return reference.relative


def _indicators(given: Sequence[Given], audit: Audit, kind: str) -> tuple[str, ...]:
    known = {indicator.code for indicator in audit.indicators}
    asked = [item for item in given if item.name == "indicator"]
    for item in asked:
        if kind != SUBJECT_LIST:
            raise _wrong(item, "Only a report of the reportType subject-list is shortened to some indicators")
        if item.value not in known:
            raise _wrong(item, f"{quoted(item.value)} is no indicator of this Measure")
    return tuple(dict.fromkeys(item.value for item in asked))


def _wrong(given: Given, sentence: str) -> OutcomeError:
    return OutcomeError(Issue("parameter-value", f"{shown(given.name)}: {sentence}", given.place))
