"""How the document is written: what fits on one line stays there, so that differences read well."""

from collections.abc import Iterator
from typing import Any

from service.fhir import json

_WIDTH = 160


def laid_out(value: Any) -> bytes:
    """Return ``value`` as JSON text, each level indented by one space."""
    return b"".join(_parts(value, 0)) + b"\n"


def _parts(value: Any, level: int) -> Iterator[bytes]:
    line = json.dump(value)
    if len(line) + level <= _WIDTH or not isinstance(value, (dict, list)):
        yield line
        return
    members = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    opening, closing = (b"{", b"}") if isinstance(value, dict) else (b"[", b"]")
    yield opening
    for number, (key, item) in enumerate(members):
        yield (b",\n" if number else b"\n") + b" " * (level + 1)
        if key is not None:
            yield json.dump(key) + b": "
        yield from _parts(item, level + 1)
    yield b"\n" + b" " * level + closing
