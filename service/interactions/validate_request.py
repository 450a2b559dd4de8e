"""What a call of $validate asks (https://hl7.org/fhir/R4/resource-operation-validate.html).

Its parameters come in the address or in a Parameters resource; a body of another type is the resource itself.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.fhir.entry import Request
from service.fhir.outcome import LONGEST_VALUE, MOST_SHOWN, Issue, OutcomeError, did_you_mean, quoted, shown
from service.interactions.context import Context

_MODES = ("create", "update", "delete", "profile")
_OF_INSTANCES = ("update", "delete", "profile")
_OF_STORED = ("", "profile")
"""The modes in which the resource is the stored one where none is sent."""
_MEMBERS = {"resource": ("resource",), "mode": ("valueCode",), "profile": ("valueUri", "valueCanonical")}
"""The parameters, and where a Parameters resource has their values."""
_TYPES = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class ValidateRequest:
    """What is to be looked at, and how."""

    mode: str
    """Empty where the resource is looked at for its own sake."""
    profiles: tuple[str, ...]
    resource: Any
    root: str | None
    """Where the resource stands, if it is not the body itself."""
    is_of_stored: bool
    """Whether the resource is the one that is stored at the address."""


class _Given(NamedTuple):
    name: str
    value: Any
    place: str | None


def read_validate_request(request: Request, context: Context) -> ValidateRequest:
    """Return what ``request`` asks; raises OutcomeError where that cannot be told or cannot be done."""
    given = [_Given(name, value, f"http.{shown(name)}") for name, value in request.parameters]
    if isinstance(request.resource, dict) and request.resource.get("resourceType") == "Parameters":
        given.extend(_parts(request.resource, context))
    elif request.resource is not None:
        given.append(_Given("resource", request.resource, None))
    found = {item.name: item for item in given}
    issues = [
        *_unusable(given),
        *_wrong_mode(found, request, context),
        *_wrong_profile(found, request.path[0], context),
    ]
    if issues:
        raise OutcomeError(*issues)
    mode = found["mode"].value if "mode" in found else ""
    profiles = (found["profile"].value,) if "profile" in found else ()
    resource = found.get("resource", _Given("resource", None, None))
    return ValidateRequest(
        mode, profiles, resource.value, resource.place, "resource" not in found and mode in _OF_STORED
    )


def _parts(parameters: dict[str, Any], context: Context) -> Iterator[_Given]:
    """Yield what a Parameters resource gives; raises OutcomeError where it is not shaped as one."""
    parts = parameters.get("parameter", [])
    bare = parameters
    if parts and isinstance(parts, list):  # what is in them is looked at later
        stub = {"resource": {"resourceType": "Parameters"}}
        whole = [part | stub if isinstance(part, dict) and "resource" in part else part for part in parts]
        bare = {**parameters, "parameter": whole}
    issues = [issue for issue in context.validator.issues(bare) if issue.is_error]
    if issues:
        raise OutcomeError(*issues)
    for number, part in enumerate(parts):
        place = f"Parameters.parameter[{number}]"
        members = _MEMBERS.get(part["name"], ())
        member = next((name for name in members if name in part), None)
        yield _Given(part["name"], part.get(member), f"{place}.resource" if member == "resource" else place)


def _unusable(given: list[_Given]) -> Iterator[Issue]:
    times = Counter(item.name for item in given if not _is_unknown(item))
    for item in given[:MOST_SHOWN]:
        if _is_unknown(item):
            hint = did_you_mean(item.name[:LONGEST_VALUE], _MEMBERS)
            sentence = f"$validate takes no parameter {shown(item.name)} here{hint}"
            yield Issue("unknown-parameter", sentence, item.place)
        elif times[item.name] > 1:
            yield Issue("parameter-value", f"{item.name}: This parameter is given twice", item.place)
        elif item.value is None:
            sentence = f"{item.name}: This parameter is given as {' or '.join(_MEMBERS[item.name])}"
            yield Issue("parameter-value", sentence, item.place)


def _is_unknown(item: _Given) -> bool:
    return item.name not in _MEMBERS or item.place == "http.resource"


def _wrong_mode(found: dict[str, _Given], request: Request, context: Context) -> Iterator[Issue]:
    given = found.get("mode", _Given("mode", "", None))
    mode, place = given.value, given.place
    is_instance = len(request.path) == 3
    if mode and mode not in _MODES:
        yield Issue("parameter-value", f"mode: {quoted(mode)} is not one of: {', '.join(_MODES)}", place)
    elif mode in _OF_INSTANCES and not is_instance:
        sentence = f"mode: {mode} is asked of one resource, at {request.path[0]}/[id]/$validate"
        yield Issue("parameter-value", sentence, place)
    elif mode in ("update", "delete") and not _is_offered(mode, request.path[0], context):
        yield Issue("parameter-value", f"mode: there is no {mode} of a {request.path[0]} here", place)
    elif mode == "profile" and ("resource" in found or "profile" not in found):
        sentence = "mode: profile looks at what is stored by the profile that is named; send profile and no resource"
        yield Issue("parameter-value", sentence, place)
    elif "resource" not in found and mode != "delete" and not (is_instance and mode in _OF_STORED):
        sentence = "There is no resource to look at; send one as the body, or as the parameter resource"
        yield Issue("parameter-value", sentence, place)


def _is_offered(code: str, resource_type: str, context: Context) -> bool:
    offered = context.definitions.resource_capabilities[resource_type]["interaction"]
    return any(item["code"] == code for item in offered)


def _wrong_profile(found: dict[str, _Given], resource_type: str, context: Context) -> Iterator[Issue]:
    given = found.get("profile", _Given("profile", None, None))
    profile, place = given.value, given.place
    if profile is None or profile in (_TYPES + name for name in context.structures.ancestors(resource_type)):
        return
    url, _, version = profile.partition("|")
    definition = context.definitions.find(url)
    if not context.validator.knows(url) or definition is None or version not in ("", definition["version"]):
        yield Issue("profile-unknown", f"The profile {shown(profile)} is not held here, so nothing was checked", place)
    elif definition["type"] != resource_type:
        yield Issue("profile-type", f"{shown(url)} is a profile of {definition['type']}, not of {resource_type}", place)
