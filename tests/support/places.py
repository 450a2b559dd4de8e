"""Whether the place that an issue names is one of the resource."""

import re
from collections.abc import Iterator
from typing import Any

from tests.support.mutations import CHOICES, Json


def stands(resource: Json, place: str) -> bool:
    """Return whether there is something at ``place`` in ``resource``, or at least something that could hold it."""
    steps = re.findall(r"[^.\[\]()]+(?:\[\d+\])*(?:\.ofType\(\w+\))?", place)[1:]
    holders: list[Any] = [resource]
    for number, step in enumerate(steps):
        found = [item for holder in holders for item in _members(holder, step)]
        if not found:
            return number == len(steps) - 1
        holders = found
    return True


def _members(holder: Any, step: str) -> Iterator[Any]:
    """Yield what ``step`` leads to, and what stands beside it."""
    name, *numbers = re.findall(r"[^\[\]]+", step.partition(".ofType(")[0])
    of_type = step.partition(".ofType(")[2].removesuffix(")")
    forms = [name, *(key for key, (choice, _) in CHOICES.items() if choice == name)]
    for key in [f"{name}{of_type[:1].upper()}{of_type[1:]}"] if of_type else forms:
        for mark in ("", "_"):
            item = holder.get(mark + key) if isinstance(holder, dict) else None
            for position in numbers:
                item = item[int(position)] if isinstance(item, list) and int(position) < len(item) else None
            if item is not None:
                yield item
