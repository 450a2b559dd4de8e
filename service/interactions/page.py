"""The plan as a page, and who saw it as another (https://hl7.org/fhir/R4/http.html#read)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from service.conformance.validation.validator import is_withdrawn
from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError, shown
from service.fhir.reference import is_id
from service.fhir.touched import Touched
from service.interactions.context import Context
from service.interactions.read import present
from service.interactions.representation import VIEW
from service.interactions.search import search_recorded
from service.narrative.plan_page import Related, goals_named, risk_assessments_named
from service.narrative.wording import WORDS
from service.search.predicate import OneOf, Predicate
from service.search.source import SortKey, Source
from service.security.audit_event import TYPE

MOST_RELATED = 200
"""Resources of one type on a page; beyond that the page says that there are more."""

_WHOLE = "A page shows whole events: leave out _summary and _elements, and let _count be 1 or more"
_ABOUT = ("entity", "patient")
"""The parameters of a search of the audit that say what it is about."""
_LINKS = {"first": WORDS["audit-newest"], "next": WORDS["audit-older"]}
"""By the relation of a link what it is called on a page."""
_REFUSALS = {404: "missing", 410: "deleted"}

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Member:
    """A resource on the page, and the version that it is."""

    content: Resource
    touched: tuple[Touched, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """Resources of one type; complete where there are no more."""

    members: list[_Member]
    is_complete: bool

    @property
    def contents(self) -> list[Resource]:
        """The resources."""
        return [each.content for each in self.members]


def has_page(method: str, path: tuple[str, ...]) -> bool:
    """Return whether what is asked for comes as a page too."""
    is_plan = len(path) == 2 and path[0] == "CarePlan" and path[1][0] not in "_$"
    return method == "GET" and (is_plan or path == (TYPE,))


async def read_page(request: Request, context: Context) -> Response:
    """Return the page of what has one: of a plan, or of a search of the audit."""
    return await (_audit_page if request.path == (TYPE,) else _plan_page)(request, context)


async def _audit_page(request: Request, context: Context) -> Response:
    """Return AuditEvents as a table."""
    lacking = [name for name, text in request.parameters if name in VIEW or (name, text) == ("_count", "0")]
    if lacking:
        raise OutcomeError(*(Issue("parameter-value", _WHOLE, f"http.{name}") for name in lacking))
    found = await search_recorded(request, context)
    bundle = json.parse(found.body or b"")
    asked = [text for name, text in request.parameters if name in _ABOUT for text in text.split(",")]
    about = [local.relative for text in asked if (local := context.pages.addresses.local(text))]
    people = [f"Patient/{text}" for name, text in request.parameters if name == "patient" and is_id(text)]
    urls = {each["relation"]: each["url"] for each in bundle["link"]}
    links = [(label, _in_format("html", urls[relation])) for relation, label in _LINKS.items() if relation in urls]
    links += [(WORDS["audit-plan"], f"{request.base}/{name}") for name in about if name.startswith("CarePlan/")]
    links.append((WORDS["audit-data"], _in_format("json", urls["self"])))
    return replace(found, body=context.pages.audit(bundle, [*about, *people], links), is_page=True)


def _in_format(name: str, url: str) -> str:
    return f"{url}{'' if url.endswith('?') else '&' if '?' in url else '?'}_format={name}"


async def _plan_page(request: Request, context: Context) -> Response:
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
        body = context.pages.refusal(_REFUSALS[error.status])
        return Response(error.status, body, is_page=True, touched=error.touched)
    resource = json.parse(plan.body or b"")
    related, touched = await _related(resource, context)
    return Response(200, context.pages.plan(resource, related), is_page=True, touched=plan.touched + touched)


async def _related(plan: Resource, context: Context) -> tuple[Related, tuple[Touched, ...]]:
    """Return what belongs on the page of ``plan``, in three searches, and which versions that is."""
    of_plan = context.search_parser.parse([("part-of", f"CarePlan/{plan['id']}")], ["CarePlan"])
    plans = await _search("CarePlan", of_plan.predicates["CarePlan"], context)
    plans = replace(plans, members=[each for each in plans.members if not is_withdrawn(each.content)])
    parts = plans.contents
    goals = await _named("Goal", [item for part in (plan, *parts) for item in goals_named(part)], context)
    references = [item for resource in (plan, *parts, *goals.contents) for item in risk_assessments_named(resource)]
    risks = await _named("RiskAssessment", references, context)
    found = {f"{resource['resourceType']}/{resource['id']}": resource for resource in goals.contents + risks.contents}
    every = (plans, goals, risks)
    touched = tuple(each for some in every for member in some.members for each in member.touched)
    return Related(found, parts, all(some.is_complete for some in every)), touched


async def _named(resource_type: str, references: Iterable[Resource], context: Context) -> "_Found":
    """Return the resources of a type that ``references`` lead to here."""
    locals_ = (context.pages.addresses.local(reference.get("reference", "")) for reference in references)
    ids = sorted({local.id for local in locals_ if local and local.type == resource_type})
    return await _search(resource_type, OneOf("_id", tuple(ids)), context) if ids else _Found([], is_complete=True)


async def _search(resource_type: str, predicate: Predicate, context: Context) -> "_Found":
    page = await context.store.search([Source(resource_type, predicate, (SortKey("_id"),))], MOST_RELATED)
    members = [_Member(json.parse(item.body), item.touched) for item in page.matches if item.body]
    return _Found(members, is_complete=page.after is None)
