"""Copies of JSON values, and what a patch may leave behind: arrays and objects without content."""

from typing import Any


def copied(value: Any) -> Any:
    """Return a copy of ``value`` that shares no array and no object with it; numbers keep their digits."""
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if type(value) is list else value


def without_empty(value: Any, is_beside: bool = False) -> Any:
    """Return ``value`` without arrays and objects that hold nothing, or nothing but such; JSON in FHIR has none.

    ``is_beside`` says that the value stands beside that of a primitive element: there the items of an array belong to
    those of another by their position, and null takes the place of an empty one.
    """
    if type(value) is dict:
        members = {key: without_empty(item, key[:1] == "_") for key, item in value.items()}
        return {key: item for key, item in members.items() if not _is_empty(item)}
    if type(value) is not list:
        return value
    items = [without_empty(item) for item in value]
    kept = [None if _is_empty(item) else item for item in items] if is_beside else items
    kept = [item for item in kept if not _is_empty(item)]
    return kept if any(item is not None for item in kept) else []


def holds_empty(value: Any) -> bool:
    """Return whether there is an array or object without content in ``value``."""
    if type(value) is dict:
        return not value or any(map(holds_empty, value.values()))
    return type(value) is list and (not value or any(map(holds_empty, value)))


def _is_empty(value: Any) -> bool:
    return type(value) in (dict, list) and not value
