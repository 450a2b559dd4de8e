"""patch: PATCH [base]/[type]/[id] (https://hl7.org/fhir/R4/http.html#patch)."""

import binascii
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.media_types import FHIR_JSON, FHIR_XML, JSON_PATCH, XML_PATCH
from service.fhir.outcome import Issue, OutcomeError, located
from service.interactions.checks import checked_resource
from service.interactions.context import Context
from service.interactions.preconditions import check_preconditions
from service.interactions.read import present
from service.interactions.writing import write_next, write_until_first
from service.patch.fhirpath_patch import fhirpath_patched
from service.patch.json_patch import json_patched
from service.patch.xml_patch import xml_patched
from service.store.document import Stored

Json = dict[str, Any]


async def patch(request: Request, context: Context) -> Response:
    """Store what the patch makes of the current version and return 200, with that version where nothing changes.

    Raises OutcomeError 404 or 410 where there is nothing, 412 where a precondition fails, 400 where the patch cannot be
    read, and 422 where it cannot be done.
    """
    return await write_until_first(request, context, partial(_patched, request, context))


async def _patched(request: Request, context: Context, current: Stored | None) -> Response:
    stored = present(current, request.path[0])
    await check_preconditions(request, stored, context)
    assert stored.body is not None
    before = json.parse(stored.body)
    changed = context.narratives.after_patch(before, _applied(before, request, context))
    bare = replace(request, text=None)  # the places of what is wrong are in the resource, and that was not sent
    resource, warnings = await checked_resource(replace(bare, resource=changed, warnings=None), context)
    return await write_next(stored, resource, bare, context, warnings)


def patch_of_entry(resource: Any) -> tuple[str, Any]:
    """Return media type and content of a patch that the entry of a Bundle carries: of a Parameters, or of a Binary.

    Raises OutcomeError 400 where it is neither, or its content cannot be read.
    """
    resource_type = resource.get("resourceType") if isinstance(resource, dict) else None
    if resource_type == "Parameters":
        return FHIR_JSON, resource
    if resource_type != "Binary":
        sentence = f"A patch is a Parameters, or a Binary with the contentType {JSON_PATCH} or {XML_PATCH}"
        raise OutcomeError(Issue("resource-type", sentence, f"{resource_type or 'Parameters'}.resourceType"))
    media_type, data = resource.get("contentType"), resource.get("data")
    if media_type not in (JSON_PATCH, XML_PATCH):
        raise _unreadable(f"The patch in a Binary is {JSON_PATCH} or {XML_PATCH}", "Binary.contentType")
    try:
        body = b64decode(data, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise _unreadable(
            "Binary.data has to hold the patch as base64, and this is not base64", "Binary.data"
        ) from None
    if media_type == XML_PATCH:
        return media_type, body
    try:
        return media_type, json.parse(body)
    except OutcomeError as error:
        issues = [replace(issue, expression="Binary.data", position=None) for issue in error.issues]
        raise OutcomeError(*issues) from None


def _applied(resource: Json, request: Request, context: Context) -> Json:
    """Return ``resource`` as it is after the patch; raises OutcomeError where it would be another one, or none."""
    try:
        media_type, content = (
            patch_of_entry(request.resource) if not request.media_type else (request.media_type, request.resource)
        )
        changed = _FORMS[media_type](resource, content, context)
    except OutcomeError as error:
        if request.text is None or request.place is not None:
            raise
        raise OutcomeError(*located(list(error.issues), request.text)) from None
    if not isinstance(changed, dict) or any(changed.get(name) != resource[name] for name in ("resourceType", "id")):
        sentence = "A patch cannot change which resource this is: its resourceType and its id stay as they are"
        raise OutcomeError(Issue("patch-operation", sentence, f"{request.path[0]}.id"))
    return changed


def _by_fhirpath(resource: Json, parameters: Any, context: Context) -> Json:
    if not isinstance(parameters, dict) or parameters.get("resourceType") != "Parameters":
        sentence = "A FHIRPath Patch is a Parameters, and its resourceType must say so"
        if isinstance(parameters, list):
            sentence += f"; a JSON Patch is sent as {JSON_PATCH}"
        raise OutcomeError(Issue("resource-type", sentence, "Parameters.resourceType"))
    issues = [issue for issue in context.validator.issues(parameters) if issue.status == 400 or issue.rule == "inv-1"]
    if issues:  # what is wrong with values at their new place is told of the resource
        raise OutcomeError(*issues)
    return fhirpath_patched(resource, parameters, context.structures)


_FORMS: dict[str, Callable[[Json, Any, Context], Any]] = {
    JSON_PATCH: lambda resource, patch, context: json_patched(resource, patch),
    FHIR_JSON: _by_fhirpath,
    FHIR_XML: _by_fhirpath,
    XML_PATCH: lambda resource, patch, context: xml_patched(resource, patch, context.xml),
}
"""By the media type of a patch: what applies it. The same are in the CapabilityStatement as ``patchFormat``."""


def _unreadable(sentence: str, place: str) -> OutcomeError:
    return OutcomeError(Issue("patch-format", sentence, place))
