"""The one door: every HTTP call and every Bundle entry becomes an interaction here."""

import re
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from service.conformance.offers import CONDITIONAL, offers
from service.fhir.entry import Request, Response
from service.fhir.outcome import MOST_SHOWN, Issue, OutcomeError, shown
from service.fhir.reference import is_id
from service.interactions.bulk.kickoff import export_people, export_system
from service.interactions.bulk_import.start import start_import
from service.interactions.capabilities import capabilities
from service.interactions.conditional import delete_matches, patch_match, update_match
from service.interactions.context import Context
from service.interactions.create import create
from service.interactions.dashboard import report
from service.interactions.delete import delete
from service.interactions.diff import diff
from service.interactions.evaluate_measure import evaluate_measure
from service.interactions.everything import everything_of_person, everything_of_plan
from service.interactions.history import history_instance, history_system, history_type
from service.interactions.idempotency import only_once
from service.interactions.jobs import job_cancel, job_file, job_status
from service.interactions.meta import meta_add, meta_delete, meta_in_use, meta_of_resource
from service.interactions.page import read_page
from service.interactions.patch import patch
from service.interactions.permission import permitted
from service.interactions.provenance import attributed, not_attributed
from service.interactions.read import read, read_published, read_recorded, vread
from service.interactions.search import (
    search_compartment,
    search_published,
    search_recorded,
    search_system,
    search_type,
)
from service.interactions.subscription.writing import (
    create_subscription,
    delete_subscription,
    update_subscription,
)
from service.interactions.update import update
from service.interactions.validate import validate
from service.interactions.viewdefinition_run import viewdefinition_run

Handler = Callable[[Request, Context], Awaitable[Response]]
Interactions = dict[str, dict[str, tuple[str, Handler]]]

INTERACTIONS: Interactions = {
    "": {"GET": ("search-system", search_system)},
    "_search": {"POST": ("search-system", search_system)},
    "metadata": {"GET": ("capabilities", capabilities)},
    "$meta": {"GET": ("$meta", meta_in_use), "POST": ("$meta", meta_in_use)},
    "$export": {"GET": ("$export", export_system), "POST": ("$export", export_system)},
    "{compartment}/$export": {"GET": ("$export", export_people), "POST": ("$export", export_people)},
    "{compartment}/{id}/{type}": {"GET": ("search-type", search_compartment)},
    "{compartment}/{id}/{type}/_search": {"POST": ("search-type", search_compartment)},
    "{compartment}/{id}/$everything": {
        "GET": ("$everything", everything_of_person),
        "POST": ("$everything", everything_of_person),
    },
    "{type}": {
        "GET": ("search-type", search_type),
        "POST": ("create", create),
        "PUT": ("conditional-update", update_match),
        "PATCH": ("conditional-patch", patch_match),
        "DELETE": ("conditional-delete", delete_matches),
    },
    "{type}/_search": {"POST": ("search-type", search_type)},
    "{type}/$validate": {"GET": ("$validate", validate), "POST": ("$validate", validate)},
    "{type}/{id}": {
        "GET": ("read", read),
        "PUT": ("update", update),
        "PATCH": ("patch", patch),
        "DELETE": ("delete", delete),
    },
    "{type}/{id}/$diff": {"GET": ("$diff", diff), "POST": ("$diff", diff)},
    "{type}/{id}/$validate": {"GET": ("$validate", validate), "POST": ("$validate", validate)},
    "_history": {"GET": ("history-system", history_system)},
    "{type}/_history": {"GET": ("history-type", history_type)},
    "{type}/{id}/_history": {"GET": ("history-instance", history_instance)},
    "{type}/{id}/_history/{vid}": {"GET": ("vread", vread)},
    "{type}/{id}/$everything": {
        "GET": ("$everything", everything_of_plan),
        "POST": ("$everything", everything_of_plan),
    },
    "{type}/$meta": {"GET": ("$meta", meta_in_use), "POST": ("$meta", meta_in_use)},
    "{type}/{id}/$meta": {"GET": ("$meta", meta_of_resource), "POST": ("$meta", meta_of_resource)},
    "{type}/{id}/_history/{vid}/$meta": {"GET": ("$meta", meta_of_resource), "POST": ("$meta", meta_of_resource)},
    "{type}/{id}/$meta-add": {"POST": ("$meta-add", meta_add)},
    "{type}/{id}/$meta-delete": {"POST": ("$meta-delete", meta_delete)},
    "$viewdefinition-run": {
        "GET": ("$viewdefinition-run", viewdefinition_run),
        "POST": ("$viewdefinition-run", viewdefinition_run),
    },
    "$import": {"POST": ("$import", start_import)},
    "$report": {"GET": ("$report", report), "POST": ("$report", report)},
    "$job/{id}": {"GET": ("job-status", job_status), "DELETE": ("job-cancel", job_cancel)},
    "$job/{id}/{file}": {"GET": ("job-file", job_file)},
}
"""By the shape of the path and the method: the code that a CapabilityStatement has for it, and what carries it out."""
PUBLISHED: Interactions = {
    "{type}": {"GET": ("search-type", search_published)},
    "{type}/_search": {"POST": ("search-type", search_published)},
    "{type}/{id}": {"GET": ("read", read_published)},
    "{type}/$evaluate-measure": {
        "GET": ("$evaluate-measure", evaluate_measure),
        "POST": ("$evaluate-measure", evaluate_measure),
    },
    "{type}/{id}/$evaluate-measure": {
        "GET": ("$evaluate-measure", evaluate_measure),
        "POST": ("$evaluate-measure", evaluate_measure),
    },
}
"""The same for the definitions that the service holds."""
RECORDED: Interactions = {
    "{type}": {"GET": ("search-type", search_recorded)},
    "{type}/_search": {"POST": ("search-type", search_recorded)},
    "{type}/{id}": {"GET": ("read", read_recorded)},
}
"""The same for what the service records of itself."""
STANDING: Interactions = {
    "{type}": {"GET": ("search-type", search_type), "POST": ("create", create_subscription)},
    "{type}/_search": {"POST": ("search-type", search_type)},
    "{type}/{id}": {
        "GET": ("read", read),
        "PUT": ("update", update_subscription),
        "DELETE": ("delete", delete_subscription),
    },
    "{type}/{id}/_history": {"GET": ("history-instance", history_instance)},
    "{type}/{id}/_history/{vid}": {"GET": ("vread", vread)},
}
"""The same for what clients ask the service to go on doing, which is no part of any record."""

_WRITES_ONE = {"create", "update", "patch", "delete"}
_WRITES = {*_WRITES_ONE, "$meta-add", "$meta-delete", *CONDITIONAL}
_ATTRIBUTED = _WRITES - {"delete", "conditional-delete"}
"""Those of which a Provenance can tell, for they write a version."""
_ALWAYS_OFFERED = {"capabilities", "search-type", "job-status", "job-cancel", "job-file"}
"""What a CapabilityStatement has no words for at the level where it is."""
_INSTANCE = "{type}/{id}"
_COMPARTMENT = "{compartment}/{id}"
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{1,63}")


async def perform(request: Request, context: Context) -> Response:
    """Return what comes of ``request``; raises OutcomeError where it cannot be done."""
    code, handler = find_interaction(request.method, request.path, context)
    context = await permitted(code, request, context)
    if code in _WRITES_ONE:
        _refuse_parameters(request)
    if request.provenance is not None:
        if code not in _ATTRIBUTED or request.path[0] in context.definitions.standing_types:
            raise not_attributed("This request stores no version of a record")
        handler = partial(attributed, handler)
    if code in _WRITES:
        return await only_once(request, context, handler)
    return await (read_page if request.as_page else handler)(request, context)


def find_interaction(method: str, path: tuple[str, ...], context: Context) -> tuple[str, Handler]:
    """Return code and handler of what ``method`` at ``path`` asks for.

    Raises OutcomeError 404 or 405, or 400 for what is no id.
    """
    shape = _shape(path, context)
    methods = _interactions(path, context).get(shape, {}).items()
    offered = {name: found for name, found in methods if _is_offered(found[0], path, context)}
    if not offered:
        raise _unknown_address()
    if method not in offered:
        raise not_allowed(method, offered)
    if shape.startswith((_INSTANCE, _COMPARTMENT)) and not is_id(path[1]):
        sentence = "An id has 1 to 64 of the characters A-Z, a-z, 0-9, '-' and '.'"
        raise OutcomeError(Issue("id-format", sentence, f"{path[0]}.id"))
    return offered[method]


def _interactions(path: tuple[str, ...], context: Context) -> Interactions:
    if path and context.published.holds_type(path[0]):
        return PUBLISHED
    if path and path[0] in context.definitions.standing_types:
        return STANDING
    return RECORDED if path and path[0] in context.definitions.recorded_types else INTERACTIONS


def _shape(path: tuple[str, ...], context: Context) -> str:
    if path in ((), ("metadata",)) or (len(path) == 1 and path[0][0] in "_$"):
        return "/".join(path)
    if path[0] == "$job" and len(path) < 4:
        return "/".join(("$job", "{id}", "{file}")[: len(path)])
    if not _TYPE_NAME.fullmatch(path[0]):
        raise _unknown_address()
    if path[0] in context.compartments and len(path) > 2:
        return _shape_in_compartment(path, context)
    if path[0] in context.compartments and path[1:] and path[1][0] == "$":
        return f"{{compartment}}/{path[1]}"
    if path[0] not in context.search_parser.types:
        raise unknown_type(path[0], context)
    match path[1:]:
        case ():
            return "{type}"
        case (segment,):
            return f"{{type}}/{segment}" if segment[0] in "_$" else _INSTANCE
        case (_, segment) if segment[0] in "_$":
            return f"{_INSTANCE}/{segment}"
        case (_, "_history", _):
            return f"{_INSTANCE}/_history/{{vid}}"
        case (_, "_history", _, segment) if segment[0] == "$":
            return f"{_INSTANCE}/_history/{{vid}}/{segment}"
    return ""


def _shape_in_compartment(path: tuple[str, ...], context: Context) -> str:
    if path[2][0] == "$":
        return "/".join((_COMPARTMENT, *path[2:]))
    held = context.compartments[path[0]].parameters
    if path[2] != "*" and path[2] not in held:
        sentence = f"{shown(path[2])} is not searched in the compartment of {path[0]}; searched are"
        raise OutcomeError(Issue("unknown-type", f"{sentence} {', '.join(held)} and *"))
    return "/".join((_COMPARTMENT, "{type}", *path[3:]))


def unknown_type(name: str, context: Context) -> OutcomeError:
    """Return the outcome 404 for a type of resource that is not served."""
    served = ", ".join(context.search_parser.types)
    return OutcomeError(Issue("unknown-type", f"{shown(name)} is not served here; served are {served}"))


def _is_offered(code: str, path: tuple[str, ...], context: Context) -> bool:
    rest = context.definitions.capability["rest"][0]
    capability = context.definitions.resource_capabilities.get(path[0]) if path else None
    if capability is not None:
        return offers(capability, code)
    if code.startswith("$"):  # of the whole system, or of a compartment
        listed = [item["definition"] for item in rest.get("operation", ()) if f"${item['name']}" == code]
        return any(_is_for(definition, path, context) for definition in listed)
    return code in _ALWAYS_OFFERED or offers(rest, code)


def _is_for(operation: str, path: tuple[str, ...], context: Context) -> bool:
    """Return whether an operation of the whole service is one at ``path``: of the root, or of a compartment's type."""
    definition = context.definitions.get(operation)
    is_of_root = len(path) == 1
    return bool(definition["system"]) if is_of_root else path[0] in definition.get("resource", ())


def _refuse_parameters(request: Request) -> None:
    """Raise OutcomeError 400 where a write is given parameters: ignored, a condition among them would be lost."""
    hint = "; a condition for a create is in the header If-None-Exist" if request.method == "POST" else ""
    issues = [
        Issue("unknown-parameter", f"{shown(name)}: This write takes no parameters{hint}", f"http.{shown(name)}")
        for name, _ in request.parameters[:MOST_SHOWN]
    ]
    if issues:
        raise OutcomeError(*issues)


def _unknown_address() -> OutcomeError:
    sentence = "No interaction has this address; GET metadata lists what there is"
    return OutcomeError(Issue("unknown-address", sentence))


def not_allowed(method: str, methods: Iterable[str]) -> OutcomeError:
    """Return the outcome 405 for ``method`` at an address that takes ``methods``."""
    allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)
    sentence = f"{method} is not allowed here; allowed are {', '.join(allowed)}"
    return OutcomeError(Issue("method-not-allowed", sentence), headers={"Allow": ", ".join(allowed)})
