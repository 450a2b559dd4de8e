"""Every interaction, asked for with what is somebody's: the rows of the matrix.

``row`` says which row of the service's own table of interactions an `Ask` is one of: the shape of the path and the
method, with ``published`` before those of definitions, ``recorded`` before those of the audit and ``standing`` before
those of subscriptions. A row without an
`Ask` fails a test.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.security.world import ANN, goal, label, plan, provenance, risk, to, with_labels

Json = dict[str, Any]
Row = tuple[str, str]

BUNDLE: Row = ("", "POST")
PUBLISHED, RECORDED, STANDING = "published ", "recorded ", "standing "
TYPES = {"CarePlan": "plan", "Goal": "goal", "RiskAssessment": "risk", "Provenance": "provenance"}
_JSON, _XML = "application/fhir+json", "application/fhir+xml"
_FORM = "application/x-www-form-urlencoded"
_NEW = {"resourceType": "Provenance", "recorded": "2026-11-20T10:00:00Z", "agent": [{"who": {"display": "worker"}}]}
_PROFILE = ["https://w3id.org/recovery-plan/StructureDefinition/RecoveryCarePlan"]


@dataclass(frozen=True)
class Ask:
    """One request, with the status that a client gets who may work on Ann's record alone and asks for Ben's."""

    row: Row
    status: int
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    verb: str | None = None
    """The method where it is not that of the row: HEAD."""

    @property
    def method(self) -> str:
        return self.verb or self.row[1]

    @property
    def content(self) -> bytes | None:
        if self.body is None:
            return None
        return self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)

    @property
    def writes(self) -> bool:
        """Whether it is meant to change something."""
        operation = self.path.partition("?")[0].rpartition("/")[2]
        reads = operation.startswith("$") and operation not in ("$meta-add", "$meta-delete", "$import")
        return self.method in ("PUT", "PATCH", "DELETE", "POST") and not reads and operation != "_search"

    def __str__(self) -> str:
        told = f" {self.headers}" if self.headers else ""
        return f"{self.method} {self.path}{told}"


def asks(who: str) -> list[Ask]:
    """Return every kind of request for what is ``who``'s, none of which says more of them than an id or a number."""
    return [
        *reads(who),
        *searches(who),
        *operations(who),
        *writes(who),
        *conditional(who),
        *audit(who),
        *subscriptions(who),
        *bundles(who),
        *PUBLIC,
    ]


def reads(who: str) -> Iterator[Ask]:
    one, history, version = (
        ("{type}/{id}", "GET"),
        ("{type}/{id}/_history", "GET"),
        ("{type}/{id}/_history/{vid}", "GET"),
    )
    for name, short in TYPES.items():
        yield Ask(one, 404, f"/{name}/{who}-{short}")
        yield Ask(version, 404, f"/{name}/{who}-{short}/_history/1")
        yield Ask(history, 404, f"/{name}/{who}-{short}/_history")
    plan_path = f"/CarePlan/{who}-plan"
    yield Ask(one, 404, plan_path, verb="HEAD")
    yield Ask(one, 404, f"{plan_path}?_summary=true")
    yield Ask(one, 404, f"{plan_path}?_elements=title")
    yield Ask(one, 404, plan_path, headers={"Accept": _XML})
    yield Ask(one, 404, plan_path, headers={"Accept": "text/html"})
    yield Ask(one, 404, plan_path, headers={"If-None-Match": 'W/"2"'})
    yield Ask(one, 404, plan_path, headers={"If-None-Match": "*"})
    yield Ask(one, 404, plan_path, headers={"If-Modified-Since": "Sun, 01 Jan 2030 00:00:00 GMT"})
    for end in ("plan-PSY", "gone", "gone-V", "back", "turned", "lowered"):
        yield Ask(one, 404, f"/CarePlan/{who}-{end}")
        yield Ask(version, 404, f"/CarePlan/{who}-{end}/_history/1")
        yield Ask(version, 404, f"/CarePlan/{who}-{end}/_history/2")
        yield Ask(history, 404, f"/CarePlan/{who}-{end}/_history")
    yield Ask(version, 404, f"{plan_path}/_history/2", headers={"If-None-Match": 'W/"2"'})
    yield Ask(history, 404, f"{plan_path}/_history?_count=0")
    yield Ask(history, 404, f"{plan_path}/_history?_since=2020-01-01T00:00:00Z&_count=1")
    yield Ask(("{type}/_history", "GET"), 200, "/CarePlan/_history")
    yield Ask(("{type}/_history", "GET"), 200, "/Provenance/_history?_count=2&_since=2020-01-01T00:00:00Z")
    yield Ask(("_history", "GET"), 200, "/_history?_count=500")


def searches(who: str) -> Iterator[Ask]:
    by_type: Row = ("{type}", "GET")
    for query in QUERIES:
        yield Ask(by_type, 200, query.format(who=who))
    yield Ask(by_type, 403, f"/CarePlan?_id={who}-plan&_explain=true")
    form = {"Content-Type": _FORM}
    yield Ask(("{type}/_search", "POST"), 200, "/CarePlan/_search", f"patient={who}&_total=accurate", form)
    yield Ask(("_search", "POST"), 200, "/_search", f"_type=CarePlan,Goal&_id={who}-plan,{who}-goal", form)
    yield Ask(("", "GET"), 200, f"?_type=CarePlan,Goal,RiskAssessment,Provenance&_id={who}-plan,{who}-risk")
    yield Ask(("", "GET"), 200, f"?_lastUpdated=gt2020-01-01&_count=0&_content={who}words")
    inside: Row = ("{compartment}/{id}/{type}", "GET")
    for name in TYPES:
        yield Ask(inside, 200, f"/Patient/{who}/{name}?_total=accurate")
    yield Ask(inside, 200, f"/Patient/{who}/*?_summary=count")
    yield Ask(inside, 200, f"/Practitioner/worker/CarePlan?_id={who}-plan")
    yield Ask(inside, 200, f"/Encounter/visit/*?_id={who}-plan")
    posted: Row = ("{compartment}/{id}/{type}/_search", "POST")
    yield Ask(posted, 200, f"/Patient/{who}/CarePlan/_search", "_summary=count", form)


QUERIES = (
    "/CarePlan?_id={who}-plan",
    "/CarePlan?_id={who}-plan,{who}-part&_summary=count",
    "/CarePlan?patient={who}",
    "/CarePlan?patient=Patient/{who}&_count=0&_total=accurate",
    "/CarePlan?subject=Patient/{who}&_total=accurate&_count=1",
    "/CarePlan?subject=http://testserver/fhir/R4/Patient/{who}",
    "/CarePlan?subject=Patient/{who}&_sort=subject",
    "/CarePlan?identifier=urn:plans|{who}-plan-number",
    "/CarePlan?identifier=urn:plans|{who}-plan-number&_total=accurate&_count=0",
    "/CarePlan?_tag=urn:tags|{who}tag&_summary=true",
    "/CarePlan?_tag={who}tag&_security:missing=false&_summary=count",
    "/CarePlan?_security=R&_tag={who}tag",
    "/CarePlan?_source=urn:source:{who}",
    "/CarePlan?category=urn:kinds|{who}kind",
    "/CarePlan?category:text={who}kind",
    "/CarePlan?_text={who}text",
    "/CarePlan?_content={who}words&_summary=count",
    "/CarePlan?_filter=identifier eq urn:plans|{who}-plan-number",
    "/CarePlan?_filter=goal.identifier eq urn:goals|{who}-goal-number",
    "/CarePlan?_filter=not (goal.identifier eq urn:goals|{who}-goal-number)&_summary=count",
    "/CarePlan?goal:Goal.description:not={who}aim&_summary=count",
    "/CarePlan?goal=Goal/{who}-goal",
    "/CarePlan?goal=Goal/{who}-goal&_sort=-date,_id&_elements=title",
    "/CarePlan?goal:Goal.identifier=urn:goals|{who}-goal-number",
    "/CarePlan?goal.description={who}aim&_summary=count",
    "/CarePlan?part-of.identifier=urn:plans|{who}-plan-number",
    "/CarePlan?supporting-info:RiskAssessment.risk:text={who}risk",
    "/CarePlan?_has:Provenance:target:_id={who}-provenance",
    "/CarePlan?_has:CarePlan:part-of:identifier=urn:plans|{who}-part-number",
    "/CarePlan?_id={who}-plan&_include=CarePlan:goal&_include:iterate=Goal:addresses",
    "/CarePlan?_id={who}-plan&_revinclude=Provenance:target&_revinclude=CarePlan:part-of",
    "/CarePlan?_contained=true&identifier=urn:plans|{who}-plan-number",
    "/CarePlan?_contained=both&_tag={who}tag&_containedType=contained",
    "/Goal?_contained=true&description={who}inner",
    "/Goal?_contained=both&description={who}aim,{who}inner&_containedType=contained",
    "/Goal?_has:CarePlan:goal:identifier=urn:plans|{who}-plan-number",
    "/Goal?_has:CarePlan:goal:_has:Provenance:target:_id={who}-provenance&_summary=count",
    "/Goal?description={who}aim&_revinclude=CarePlan:goal&_revinclude:iterate=Provenance:target",
    "/Goal?addresses.risk:text={who}risk",
    "/RiskAssessment?_id={who}-risk&_revinclude=Goal:addresses&_revinclude:iterate=CarePlan:goal",
    "/RiskAssessment?risk:text={who}risk",
    "/RiskAssessment?_has:Goal:addresses:description={who}aim&_summary=count",
    "/Provenance?target=CarePlan/{who}-plan",
    "/Provenance?target:CarePlan.identifier=urn:plans|{who}-plan-number&_total=accurate",
    "/Provenance?patient={who}",
    "/Provenance?_id={who}-provenance&_include=Provenance:target&_include:iterate=CarePlan:goal",
)
"""Searches for what is somebody's, by each class of parameter; an order, a total and a count say nothing either."""


def operations(who: str) -> Iterator[Ask]:
    for verb in ("GET", "POST"):
        yield Ask(("{compartment}/{id}/$everything", verb), 200, f"/Patient/{who}/$everything?_count=0")
        yield Ask(("{compartment}/{id}/$everything", verb), 200, f"/Patient/{who}/$everything")
        yield Ask(("{type}/{id}/$everything", verb), 404, f"/CarePlan/{who}-plan/$everything")
        yield Ask(("{type}/{id}/$diff", verb), 404, f"/CarePlan/{who}-plan/$diff")
        yield Ask(("{type}/{id}/$diff", verb), 404, f"/CarePlan/{who}-turned/$diff?from=1&to=2")
        yield Ask(("{type}/{id}/$validate", verb), 404, f"/CarePlan/{who}-plan/$validate")
        yield Ask(("{type}/{id}/$validate", verb), 404, f"/Goal/{who}-goal/$validate?mode=delete")
        yield Ask(("{type}/{id}/$meta", verb), 404, f"/CarePlan/{who}-plan-R/$meta")
        yield Ask(("{type}/{id}/_history/{vid}/$meta", verb), 404, f"/CarePlan/{who}-turned/_history/2/$meta")
        yield Ask(("{type}/$meta", verb), 403, "/CarePlan/$meta")
        yield Ask(("$meta", verb), 403, "/$meta")
        run = "/$viewdefinition-run"
        yield Ask(("$viewdefinition-run", verb), 200, f"{run}?view=plans&patient={who}")
        yield Ask(("$viewdefinition-run", verb), 200, f"{run}?view=agreements&_format=json&patient={who}")
        yield Ask(("$report", verb), 403, "/$report?months=1&_format=csv")
        yield Ask(("$export", verb), 400, f"/$export?_typeFilter=CarePlan?_id={who}-plan")  # begun in test_exports.py
        yield Ask(("{compartment}/$export", verb), 400, "/Patient/$export")
        yield from _reports(who, verb)
    yield Ask(
        ("{type}/{id}/$validate", "GET"), 404, f"/CarePlan/{who}-plan/$validate?mode=profile&profile={_PROFILE[0]}"
    )
    here: Row = ("{type}/{id}/$validate", "POST")
    stored = f"/CarePlan/{who}-plan/$validate"
    yield Ask(here, 200, f"{stored}?mode=update", plan(f"{who}-plan", ANN))
    yield Ask(here, 200, f"{stored}?mode=update", plan(f"{who}-plan", ANN), {"If-Match": 'W/"1"'})
    yield Ask(here, 404, f"{stored}?mode=delete", None, {"If-Match": 'W/"1"'})
    known = plan("x", ANN, meta={"profile": _PROFILE}, goal=to(f"Goal/{who}-goal"))
    yield Ask(("{type}/$validate", "POST"), 200, "/CarePlan/$validate", known)
    yield Ask(("{type}/$validate", "GET"), 400, "/CarePlan/$validate")
    for verb in ("$meta-add", "$meta-delete"):
        body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": [label("R")]}}]}
        yield Ask((f"{{type}}/{{id}}/{verb}", "POST"), 404, f"/CarePlan/{who}-plan-R/{verb}", body)
        yield Ask((f"{{type}}/{{id}}/{verb}", "POST"), 404, f"/Goal/{who}-goal/{verb}", body, {"If-Match": 'W/"1"'})
    yield Ask(("$import", "POST"), 415, "/$import", {"resourceType": "Parameters"})  # begun in test_imports.py
    for row in (("$job/{id}", "GET"), ("$job/{id}", "DELETE")):
        yield Ask(row, 404, f"/$job/{who}-job")
    yield Ask(("$job/{id}/{file}", "GET"), 404, f"/$job/{who}-job/Goal-1.ndjson")


def _reports(who: str, verb: str) -> Iterator[Ask]:
    """Ask for reports: nobody has the right to what is published, and what a report counts is within one's sight."""
    month = "periodStart=2025-12&periodEnd=2025-12"
    one, some = "/Measure/recovery-orientation-audit/$evaluate-measure", "/Measure/$evaluate-measure"
    of_one, of_some = (
        (PUBLISHED + "{type}/{id}/$evaluate-measure", verb),
        (PUBLISHED + "{type}/$evaluate-measure", verb),
    )
    yield Ask(of_one, 200, f"{one}?{month}&subject=Patient/{who}")
    yield Ask(of_some, 200, f"{some}?{month}&subject=Patient/{who}&measure=Measure/recovery-orientation-audit")
    yield Ask(of_one, 403, f"{one}?{month}")
    yield Ask(of_one, 403, f"{one}?{month}&reportType=subject-list")


def writes(who: str) -> Iterator[Ask]:
    put, patch, delete = ((("{type}/{id}"), verb) for verb in ("PUT", "PATCH", "DELETE"))
    name = f"{who}-plan"
    mine = plan(name, ANN)
    made = {"CarePlan": plan, "Goal": goal, "RiskAssessment": risk}
    for resource_type, make in made.items():
        path = f"/{resource_type}/{who}-{TYPES[resource_type]}"
        yield Ask(put, 404, path, make(f"{who}-{TYPES[resource_type]}", ANN))
        yield Ask(delete, 204, path)
    yield Ask(put, 404, f"/CarePlan/{name}", plan(name, ANN, subject={"reference": f"Patient/{who}"}))
    for condition in ({"If-Match": 'W/"2"'}, {"If-Match": 'W/"1"'}, {"If-None-Match": "*"}, {"If-None-Match": 'W/"2"'}):
        fails = "If-Match" in condition
        yield Ask(put, 412 if fails else 404, f"/CarePlan/{name}", mine, condition)
        yield Ask(delete, 412 if fails else 204, f"/CarePlan/{name}", None, condition)
    for end in ("gone", "gone-V", "back", "turned", "plan-R"):
        yield Ask(put, 404, f"/CarePlan/{who}-{end}", plan(f"{who}-{end}", ANN))
        yield Ask(delete, 204, f"/CarePlan/{who}-{end}")
    yield Ask(put, 404, f"/CarePlan/{name}", mine, {"X-Provenance": orjson.dumps(_NEW).decode()})
    yield Ask(put, 404, f"/CarePlan/{name}", mine, {"Prefer": "return=OperationOutcome"})
    yield Ask(put, 422, f"/CarePlan/{name}", {**mine, "status": "no-status"})
    yield Ask(put, 400, f"/CarePlan/{name}", {**mine, "title": 1})
    yield Ask(put, 400, f"/CarePlan/{name}", {**mine, "id": "another"})
    as_json = {"Content-Type": "application/json-patch+json"}
    yield Ask(patch, 404, f"/CarePlan/{name}", [{"op": "no-op"}], as_json)
    guess = [{"op": "test", "path": "/title", "value": f"{who}title"}, {"op": "add", "path": "/note", "value": []}]
    yield Ask(patch, 404, f"/CarePlan/{name}", guess, as_json)
    yield Ask(patch, 404, f"/CarePlan/{name}", guess[:1], {**as_json, "If-Match": 'W/"2"'})
    yield Ask(patch, 404, f"/Goal/{who}-goal", guess[:1], as_json)
    yield Ask(patch, 404, f"/CarePlan/{name}", _replace("CarePlan.title", "x"))
    xml = '<diff><replace sel="CarePlan/title/@value">x</replace></diff>'
    yield Ask(patch, 404, f"/CarePlan/{name}", xml, {"Content-Type": "application/xml-patch+xml"})
    create: Row = ("{type}", "POST")
    theirs = {"subject": {"reference": f"Patient/{who}"}}
    yield Ask(create, 403, "/CarePlan", plan("x", ANN, **theirs))
    yield Ask(create, 403, "/Goal", goal("x", ANN, **theirs))
    yield Ask(create, 403, "/RiskAssessment", risk("x", ANN, **theirs))
    yield Ask(create, 403, "/Provenance", provenance("x", f"CarePlan/{who}-plan"))
    yield Ask(create, 403, "/CarePlan", with_labels(plan("x", ANN, subject={"reference": f"Patient/{who}"}), "R"))
    yield Ask(create, 422, "/CarePlan", plan("x", ANN, meta={"profile": _PROFILE}, goal=to(f"Goal/{who}-goal")))


def conditional(who: str) -> Iterator[Ask]:
    """Yield writes on a condition that what is ``who``'s fulfils."""
    condition = f"identifier=urn:plans|{who}-plan-number"
    mine = plan("x", ANN)
    del mine["id"]
    put, patch, delete = (("{type}", verb) for verb in ("PUT", "PATCH", "DELETE"))
    yield Ask(("{type}", "POST"), 201, "/CarePlan", mine, {"If-None-Exist": condition})
    yield Ask(("{type}", "POST"), 201, "/CarePlan", mine, {"If-None-Exist": f"_tag={who}tag"})
    yield Ask(("{type}", "POST"), 201, "/CarePlan", mine, {"If-None-Exist": f"goal.description={who}aim"})
    yield Ask(put, 201, f"/CarePlan?{condition}", mine)
    yield Ask(put, 201, f"/CarePlan?_tag={who}tag", mine)
    yield Ask(put, 404, f"/CarePlan?{condition}", {**mine, "id": f"{who}-plan"})
    yield Ask(put, 404, "/CarePlan?identifier=urn:plans|nothing", {**mine, "id": f"{who}-plan"})
    yield Ask(patch, 404, f"/CarePlan?{condition}", _replace("CarePlan.title", "x"))
    yield Ask(patch, 404, f"/CarePlan?_tag={who}tag", _replace("CarePlan.title", "x"))
    yield Ask(delete, 204, f"/CarePlan?{condition}")
    yield Ask(delete, 204, f"/CarePlan?_tag={who}tag")
    yield Ask(delete, 204, f"/Goal?_has:CarePlan:goal:identifier=urn:plans|{who}-plan-number")


def bundles(who: str) -> Iterator[Ask]:
    """Yield Bundles whose entries do what the others do alone."""
    mine = plan("x", ANN)
    by_search = f"Goal?identifier=urn:goals|{who}-goal-number"
    yield Ask(
        BUNDLE, 200, "", _bundle("batch", *([*reads(who)][:12]), *_some(searches(who), 9), *_some(operations(who), 3))
    )
    one_of_each = {
        (ask.method, ask.path.partition("?")[0]): ask for ask in (*writes(who), *conditional(who)) if _fits(ask)
    }
    yield Ask(BUNDLE, 200, "", _bundle("batch", *_some(one_of_each.values(), 2)))
    yield Ask(BUNDLE, 404, "", _bundle("transaction", Ask(("", "GET"), 0, f"/CarePlan/{who}-plan")))
    yield Ask(
        BUNDLE, 404, "", _bundle("transaction", Ask(("", "PUT"), 0, f"/CarePlan/{who}-plan", plan(f"{who}-plan", ANN)))
    )
    yield Ask(BUNDLE, 200, "", _bundle("transaction", Ask(("", "DELETE"), 0, f"/CarePlan/{who}-plan")))
    yield Ask(
        BUNDLE, 422, "", _bundle("transaction", Ask(("", "POST"), 0, "/CarePlan", mine | {"goal": to(by_search)}))
    )
    yield Ask(
        BUNDLE, 200, "", _bundle("transaction", Ask(("", "GET"), 0, f"/CarePlan?patient={who}&_include=CarePlan:goal"))
    )
    new = Ask(("", "POST"), 0, "/CarePlan", mine, {"If-None-Exist": f"identifier=urn:plans|{who}-plan-number"})
    yield Ask(BUNDLE, 200, "", _bundle("transaction", new))
    theirs = plan("x", ANN, subject={"reference": f"Patient/{who}"})
    yield Ask(
        BUNDLE,
        403,
        "",
        _bundle(
            "transaction", Ask(("", "POST"), 0, "/Goal", goal("x", ANN)), Ask(("", "POST"), 0, "/CarePlan", theirs)
        ),
    )


def audit(who: str) -> Iterator[Ask]:
    """Yield what asks who saw something: nobody is told whose scopes do not name AuditEvent."""
    yield Ask((f"{RECORDED}{{type}}", "GET"), 403, f"/AuditEvent?entity=CarePlan/{who}-plan")
    yield Ask((f"{RECORDED}{{type}}", "GET"), 403, f"/AuditEvent?patient={who}", headers={"Accept": "text/html"})
    yield Ask(
        (f"{RECORDED}{{type}}/_search", "POST"), 403, "/AuditEvent/_search", f"patient={who}", {"Content-Type": _FORM}
    )
    yield Ask((f"{RECORDED}{{type}}/{{id}}", "GET"), 403, f"/AuditEvent/{who}-1-1")


def subscriptions(who: str) -> Iterator[Ask]:
    """Yield what asks who is told of somebody's record, which nobody is with a patient in context, and asks to be."""
    path, form = f"/Subscription/{who}-told", {"Content-Type": _FORM}
    channel = {"type": "rest-hook", "endpoint": "https://reports.example.org/fhir"}
    asked = {"resourceType": "Subscription", "id": f"{who}-told", "reason": "told", "status": "requested"}
    asked |= {"criteria": f"CarePlan?patient={who}", "channel": channel}
    yield Ask((f"{STANDING}{{type}}", "GET"), 403, f"/Subscription?criteria=CarePlan%3Fpatient%3D{who}")
    yield Ask((f"{STANDING}{{type}}/_search", "POST"), 403, "/Subscription/_search", f"_id={who}-told", form)
    yield Ask((f"{STANDING}{{type}}/{{id}}", "GET"), 403, path)
    yield Ask((f"{STANDING}{{type}}/{{id}}/_history", "GET"), 403, f"{path}/_history")
    yield Ask((f"{STANDING}{{type}}/{{id}}/_history/{{vid}}", "GET"), 403, f"{path}/_history/1")
    yield Ask((f"{STANDING}{{type}}", "POST"), 403, "/Subscription", asked)
    yield Ask((f"{STANDING}{{type}}/{{id}}", "PUT"), 403, path, asked)
    yield Ask((f"{STANDING}{{type}}/{{id}}", "DELETE"), 403, path)


def _some(found: Iterable[Ask], step: int) -> list[Ask]:
    return [*found][::step]


def _bundle(kind: str, *entries: Ask) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": [_entry(each) for each in entries if _fits(each)]}


def _fits(ask: Ask) -> bool:
    """Return whether a Bundle can have ``ask`` as an entry."""
    return not isinstance(ask.body, str) and not ask.headers.keys() - _IN_ENTRIES.keys()


_IN_ENTRIES = {
    "If-Match": "ifMatch",
    "If-None-Match": "ifNoneMatch",
    "If-None-Exist": "ifNoneExist",
}


def _entry(ask: Ask) -> Json:
    told = {_IN_ENTRIES[name]: value for name, value in ask.headers.items()}
    entry: Json = {"request": {"method": ask.method, "url": ask.path.removeprefix("/"), **told}}
    return entry | ({"resource": ask.body} if isinstance(ask.body, dict) else {})


def _replace(path: str, value: str) -> Json:
    """Return a FHIRPath Patch that replaces one value."""
    told = {"type": ("valueCode", "replace"), "path": ("valueString", path), "value": ("valueString", value)}
    parts = [{"name": name, key: text} for name, (key, text) in told.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


PUBLIC = (
    Ask((f"{PUBLISHED}{{type}}", "GET"), 200, "/StructureDefinition?name=agreement"),
    Ask((f"{PUBLISHED}{{type}}/_search", "POST"), 200, "/ValueSet/_search", "_count=1", {"Content-Type": _FORM}),
    Ask((f"{PUBLISHED}{{type}}/{{id}}", "GET"), 200, "/CodeSystem/validation-rule"),
    Ask(("metadata", "GET"), 200, "/metadata"),
)
"""What is nobody's: the definitions, for every client, and what the service says of itself."""
