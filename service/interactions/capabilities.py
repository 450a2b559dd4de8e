"""capabilities: GET [base]/metadata (https://hl7.org/fhir/R4/http.html#capabilities)."""

from importlib.metadata import version
from typing import Any

from service.conformance.offers import offers
from service.fhir import json
from service.fhir.entry import Request, Response, once
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context

MODES = ("full", "normative", "terminology")
_IN_BOTH = ("status", "experimental", "date", "publisher")


async def capabilities(request: Request, context: Context) -> Response:
    """Return the CapabilityStatement of this running service, or its TerminologyCapabilities for ``mode``."""
    asked = once(request.parameters)
    mode = asked.pop("mode", "full")
    if asked or mode not in MODES:
        rule = "unknown-parameter" if asked else "parameter-value"
        raise OutcomeError(Issue(rule, f"metadata takes only mode, one of: {', '.join(MODES)}", "http.mode"))
    if mode == "terminology":
        return Response(200, json.dump(_terminology(request.base, context)), touched=())
    security = await context.smart.security()
    return Response(200, json.dump(_statement(request.base, context, security)), touched=())


def _statement(base: str, context: Context, security: dict[str, Any]) -> dict[str, Any]:
    statement = {**context.definitions.capability, **_instance(base)}
    (rest,) = statement["rest"]
    resources = [_resource(item, context) for item in rest["resource"]]
    return {**statement, "rest": [{**rest, "security": security, "resource": resources}]}


def _resource(item: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return what is said of one type, with what follows from its search parameters and from the settings."""
    name, stored = item["type"], context.definitions.stored_types
    if name not in stored:
        return item
    links = {
        f"{source}:{parameter.code}": parameter
        for source in stored
        for parameter in context.search_parser.types[source].values()
        if parameter.type == "reference"
    }
    own = [link for link in links if link.startswith(f"{name}:")]
    reverse = [link for link, parameter in links.items() if name in parameter.targets]
    is_versioned = context.limits.require_if_match and offers(item, "update")
    versioning = {"versioning": "versioned-update"} if is_versioned else {}
    deletes_several = context.limits.conditional_delete > 1 and offers(item, "conditional-delete")
    delete = {"conditionalDelete": "multiple"} if deletes_several else {}
    return {**item, **versioning, **delete, "searchInclude": ["*", *own], "searchRevInclude": ["*", *reverse]}


def _terminology(base: str, context: Context) -> dict[str, Any]:
    capability = context.definitions.capability
    shared = {key: capability[key] for key in _IN_BOTH if key in capability}
    return {"resourceType": "TerminologyCapabilities", **shared, **_instance(base)}


def _instance(base: str) -> dict[str, Any]:
    return {
        "kind": "instance",
        "software": {"name": "Recovery Plan Service", "version": version("recovery-plan-service")},
        "implementation": {"description": "Co-produced recovery plans as FHIR R4", "url": base},
    }
