"""The plan as a page: a read of a CarePlan by somebody who wants to read it (https://hl7.org/fhir/R4/http.html#read)."""

from collections.abc import Iterable
from typing import Any

from service.conformance.validation.validator import is_withdrawn
from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError, shown
from service.interactions.context import Context
from service.interactions.read import present
from service.narrative.plan_page import Related, goals_named, risk_assessments_named
from service.search.predicate import OneOf, Predicate
from service.search.source import SortKey, Source

MOST_RELATED = 200
"""Resources of one type on a page; beyond that the page says that there are more."""

_REFUSALS = {404: "missing", 410: "deleted"}

Resource = dict[str, Any]


def has_page(method: str, path: tuple[str, ...]) -> bool:
    """Return whether what is asked for comes as a page too."""
    return method == "GET" and len(path) == 2 and path[0] == "CarePlan" and path[1][0] not in "_$"


async def read_page(request: Request, context: Context) -> Response:
    """Return the page of a plan, its goals and risk decisions in it, or a page that says why there is none."""
    if request.parameters:
        names = [shown(name) for name, _ in request.parameters]
        sentence = "A page takes no parameter"
        raise OutcomeError(*(Issue("unknown-parameter", f"{sentence} {name}", f"http.{name}") for name in names))
    resource_type, resource_id = request.path
    stored = await context.store.read(resource_type, resource_id)
    try:
        plan = present(stored, resource_type)
    except OutcomeError as error:
        return Response(error.status, context.pages.refusal(_REFUSALS[error.status]), is_page=True)
    resource = json.parse(plan.body or b"")
    return Response(200, context.pages.plan(resource, await _related(resource, context)), is_page=True)


async def _related(plan: Resource, context: Context) -> Related:
    """Return what belongs on the page of ``plan``, in three searches."""
    of_plan = context.search_parser.parse([("part-of", f"CarePlan/{plan['id']}")], ["CarePlan"])
    plans, all_plans = await _search("CarePlan", of_plan.predicates["CarePlan"], context)
    parts = [part for part in plans if not is_withdrawn(part)]
    goals, all_goals = await _named("Goal", [item for part in (plan, *parts) for item in goals_named(part)], context)
    references = [item for resource in (plan, *parts, *goals) for item in risk_assessments_named(resource)]
    risks, all_risks = await _named("RiskAssessment", references, context)
    found = {f"{resource['resourceType']}/{resource['id']}": resource for resource in (*goals, *risks)}
    return Related(found, parts, all_plans and all_goals and all_risks)


async def _named(resource_type: str, references: Iterable[Resource], context: Context) -> tuple[list[Resource], bool]:
    """Return the resources of a type that ``references`` lead to here, and whether they are all."""
    locals_ = (context.pages.addresses.local(reference.get("reference", "")) for reference in references)
    ids = sorted({local.id for local in locals_ if local and local.type == resource_type})
    return await _search(resource_type, OneOf("_id", tuple(ids)), context) if ids else ([], True)


async def _search(resource_type: str, predicate: Predicate, context: Context) -> tuple[list[Resource], bool]:
    page = await context.store.search([Source(resource_type, predicate, (SortKey("_id"),))], MOST_RELATED)
    return [json.parse(item.body) for item in page.matches if item.body], page.after is None
