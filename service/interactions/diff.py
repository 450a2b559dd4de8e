"""$diff: what changed between two versions, as a FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html)."""

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context
from service.interactions.differences import version_differences
from service.interactions.operation_input import read_input
from service.interactions.read import present, stored_version
from service.store.document import Stored

_OPERATION = "https://w3id.org/recovery-plan/OperationDefinition/diff"
_BOOLEANS = {"true": True, "false": False, True: True, False: False}


async def diff(request: Request, context: Context) -> Response:
    """Return a Parameters with the operations that make the version ``to`` of the version ``from``.

    Without ``to`` that is the current version, without ``from`` the one before. Raises OutcomeError 404 where there is
    no such version, and 410 where one of them is a deletion.
    """
    given = {item.name: item.value for item in read_input(request, context.definitions.get(_OPERATION), context)}
    with_meta = _BOOLEANS.get(given.get("includeMeta", False))
    if with_meta is None:
        raise OutcomeError(Issue("parameter-value", "includeMeta is true or false", "http.includeMeta"))
    if "to" in given:
        after = await _version(given["to"], request, context)
    else:
        after = present(await context.store.read(*request.path[:2]), request.path[0])
    before = await _version(given.get("from", str(after.version - 1)), request, context)
    operations = [item.as_parameter() for item in version_differences(before, after, context, with_meta)]
    parameters = {"resourceType": "Parameters"} | ({"parameter": operations} if operations else {})
    return Response(200, json.dump(parameters), touched=tuple(dict.fromkeys(before.touched + after.touched)))


async def _version(number: str, request: Request, context: Context) -> Stored:
    return await stored_version((*request.path[:2], "_history", number), context)
