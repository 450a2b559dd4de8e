"""JSON objects that say who may do what: none of them may be read in two ways."""

import json
from typing import Any


def read_object(text: bytes) -> dict[str, Any]:
    """Return the JSON object in ``text``; raises ValueError unless it is one, in UTF-8 and without a name twice."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("this is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("this is not a JSON object")
    return value


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("this names a member twice")
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
