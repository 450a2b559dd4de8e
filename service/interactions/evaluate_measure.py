"""$evaluate-measure: how recovery-oriented practice is (https://hl7.org/fhir/R4/measure-operation-evaluate-measure.html).

Over the whole service it gives what is published, which anybody may be given the right to read. Exact counts are for
who may read what was counted: of one person, or of everybody with the lists of what was counted.
"""

from collections.abc import Awaitable, Callable, Mapping

from service.conformance.definitions import CANONICAL
from service.fhir import json
from service.fhir.entry import Request, Response
from service.interactions.context import Context
from service.interactions.evaluate_measure_request import Asked, read_asked
from service.interactions.operation_input import read_input
from service.interactions.traces import traced_report
from service.reporting.measures.report import INDIVIDUAL, SUBJECT_LIST, SUMMARY
from service.security.decisions import require

OPERATION = f"{CANONICAL}/OperationDefinition/evaluate-measure"
MEASURED = ("CarePlan", "Goal", "RiskAssessment")
"""The types that are counted."""

_RIGHTS = {INDIVIDUAL: "report-individual", SUBJECT_LIST: "report-subject-list"}


async def evaluate_measure(request: Request, context: Context) -> Response:
    """Return a MeasureReport; raises OutcomeError where there is none, or the client may not have it."""
    given = read_input(request, context.definitions.get(OPERATION), context)
    asked = await read_asked(request, given, context)
    return await _REPORTS[asked.type](asked, request, context)


async def _summary(asked: Asked, request: Request, context: Context) -> Response:
    """Return what is published, which discloses no version of anything."""
    require("report-summary", None, context.access)
    report = await context.measures.published(asked.audit, asked.period)
    return Response(200, json.dump(report), touched=())


async def _traced(asked: Asked, request: Request, context: Context) -> Response:
    for name in MEASURED:
        require(_RIGHTS[asked.type], name, context.access)
        await context.readiness.require(name, ["subject"])
    return await traced_report(asked, request.base, context)


_REPORTS: Mapping[str, Callable[[Asked, Request, Context], Awaitable[Response]]] = {
    SUMMARY: _summary,
    INDIVIDUAL: _traced,
    SUBJECT_LIST: _traced,
}
