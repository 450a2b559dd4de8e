"""JSON Patch (https://www.rfc-editor.org/rfc/rfc6902) of a resource (https://hl7.org/fhir/R4/http.html#patch)."""

import re
from collections.abc import Iterator
from typing import Any

from jsonpatch import InvalidJsonPatch, JsonPatch, JsonPatchException, JsonPatchTestFailed
from jsonpointer import JsonPointer, JsonPointerException

from service.fhir.outcome import Issue, OutcomeError
from service.patch.copies import copied, holds_empty, without_empty
from service.patch.limits import Effort

MOST_COPIED = 100_000
"""Values that the ``copy`` operations of one patch may copy; a few dozen that copy each other's copies are millions."""
_SHOWN_POINTER = re.compile(r"[A-Za-z0-9_/\-]{1,128}")


def json_patched(resource: Any, patch: Any) -> Any:
    """Return ``resource`` as ``patch`` changes it, without arrays and objects that the patch has emptied.

    To remove the last item of a list is to remove the list, for JSON in FHIR has no empty one. Where the patch itself
    writes an empty one all stays as it is, for validation to refuse. Raises OutcomeError as `apply_json_patch` does.
    """
    try:
        changed = apply_json_patch(resource, patch)
        takes_away = any(operation["op"] in ("remove", "move") for operation in patch)
        writes_empty = any(holds_empty(operation.get("value")) for operation in patch)
        return without_empty(changed) if takes_away and not writes_empty else changed
    except RecursionError:
        raise OutcomeError(Issue("nesting", "The patch nests the resource too deeply")) from None


def apply_json_patch(value: Any, patch: Any) -> Any:
    """Return ``value`` as ``patch`` changes it, the patch being the array of its operations.

    Raises OutcomeError 400 where the patch is none, and 422 where an operation cannot be done or a test fails.
    """
    if not isinstance(patch, list):
        raise OutcomeError(Issue("patch-format", "A JSON Patch is an array of operations"))
    effort, steps = Effort(len(patch)), list(_steps(patch))
    changed, remaining = copied(value), MOST_COPIED
    for number, (operation, step) in enumerate(zip(patch, steps, strict=True), 1):
        if operation["op"] == "copy":
            remaining -= _size(changed, operation["from"])
        if remaining < 0:
            raise _failed(number, operation, f"The patch copies more than {MOST_COPIED} values")
        changed = _applied(step, changed, number, operation)
        effort.demand_time_left()
    return changed


def _steps(patch: list[Any]) -> Iterator[JsonPatch]:
    for number, operation in enumerate(patch, 1):
        try:
            yield JsonPatch([operation])
            if "from" in operation:
                JsonPointer(operation["from"])
        except (InvalidJsonPatch, JsonPointerException, TypeError):
            sentence = "It has an op, one of add, remove, replace, move, copy, test, and a path that is a JSON Pointer"
            raise _malformed(number, sentence) from None
        needed = _NEEDED.get(operation["op"])
        if needed is not None and needed not in operation:
            raise _malformed(number, f"{operation['op']} needs the member {needed}")


_NEEDED = {"add": "value", "replace": "value", "test": "value", "move": "from", "copy": "from"}
"""By the name of the operation what it has beside its path."""


def _applied(step: JsonPatch, value: Any, number: int, operation: dict[str, Any]) -> Any:
    try:
        return step.apply(value, in_place=True)
    except JsonPatchTestFailed:
        raise _failed(number, operation, "The value there is not the one expected", "patch-test") from None
    except (JsonPatchException, JsonPointerException):
        raise _failed(number, operation, "Nothing was found there that this can be done to") from None


def _size(value: Any, pointer: str) -> int:
    """Return how many values a copy of what is at ``pointer`` has."""
    todo, size = [JsonPointer(pointer).resolve(value, None)], 0
    while todo and size <= MOST_COPIED:
        item = todo.pop()
        size += 1
        if isinstance(item, (dict, list)):
            todo.extend(item.values() if isinstance(item, dict) else item)
    return size


def _malformed(number: int, sentence: str) -> OutcomeError:
    return OutcomeError(Issue("patch-format", f"Operation {number} of the patch cannot be read. {sentence}"))


def _failed(number: int, operation: dict[str, Any], sentence: str, rule: str = "patch-operation") -> OutcomeError:
    path = operation["path"]
    where = f" {path}" if _SHOWN_POINTER.fullmatch(path) else ""
    return OutcomeError(Issue(rule, f"Operation {number} of the patch, {operation['op']}{where}: {sentence}"))
