"""The tables of REST cases in ``cases``: each says what R4's page of the RESTful API, or a decision of ours, demands.

A case has a ``case`` and a ``why``; what is ``given`` (resources that are put before); ``steps``; and what is so
``after``: by ``Type/id`` the version that stands (so many are in its history, of which the last is a deletion where the
number is negative, and 0 is a resource that there never was), by a search how many it finds.

A step is a request (``do``, ``headers``, ``send`` or ``text``) and what is expected of its answer: the ``status``, its
headers (``answer``), what the body ``has`` by path, ``says`` as text or ``never`` says, which errors it tells (as
``issues`` with rule and place, or as ``rules`` alone). What it is to ``keep`` for later steps is named with its path,
or with ``header`` and the header's name. ``{n}`` is a word of the case alone; ``{ids}``, ``{base}`` and ``{urn1}`` to
``{urn3}`` stand for addresses, ``{long}`` for 6,000 characters.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BASE = "http://testserver/fhir/R4"
TEMPLATES: dict[str, Any] = json.loads((HERE / "templates.json").read_text())


@dataclass(frozen=True)
class Step:
    """One request and what its answer has to be."""

    do: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    send: Any = None
    text: str | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    has: dict[str, Any] = field(default_factory=dict)
    says: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    rules: list[str] | None = None
    issues: list[list[str | None]] | None = None
    keep: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A sequence of requests to one service."""

    theme: str
    number: int
    case: str
    why: str
    steps: list[Step]
    given: list[Any] = field(default_factory=list)
    after: dict[str, int] = field(default_factory=dict)
    service: str = "usual"

    def names(self) -> dict[str, str]:
        """Return what the placeholders stand for before the first step."""
        word = f"{self.theme}-{self.number}".replace("_", "-")
        urns = {f"urn{each}": uuid.uuid5(uuid.NAMESPACE_URL, f"{word}/{each}").urn for each in (1, 2, 3)}
        return {"n": word, "ids": "http://example.org/ids", "base": BASE, "long": "choir " * 1_000, **urns}


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """Return ``value`` with what its placeholders stand for, whether they are in a text or deep inside."""
    if isinstance(value, str):
        for name, stands_for in names.items():
            value = value.replace(f"{{{name}}}", stands_for)
        return value
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if isinstance(value, dict):
        return {filled(key, names): filled(item, names) for key, item in value.items()}
    return value


def body_of(spec: Any) -> Any:
    """Return the JSON value that ``spec`` means: a template with other members, a Bundle, or the value itself."""
    if isinstance(spec, dict) and "as" in spec:
        members = {**TEMPLATES[spec["as"]], **{key: item for key, item in spec.items() if key != "as"}}
        return {key: item for key, item in members.items() if item is not None}
    for kind in ("transaction", "batch"):
        if isinstance(spec, dict) and kind in spec:
            return {"resourceType": "Bundle", "type": kind, "entry": [_entry(item) for item in spec[kind]]}
    return spec


def _entry(spec: dict[str, Any]) -> dict[str, Any]:
    method, _, url = spec["do"].partition(" ")
    more = {key: item for key, item in spec.items() if key not in ("do", "send", "fullUrl")}
    made = {"fullUrl": spec["fullUrl"]} if "fullUrl" in spec else {}
    made |= {"resource": body_of(spec["send"])} if "send" in spec else {}
    return {**made, "request": {"method": method, "url": url, **more}}


def all_cases() -> Iterator[Case]:
    """Yield every case of every table."""
    for file in sorted((HERE / "cases").glob("*.json")):
        for number, row in enumerate(json.loads(file.read_text())):
            steps = [Step(**step) for step in row.pop("steps")]
            yield Case(file.stem, number, steps=steps, **row)


CASES = list(all_cases())


def shown(case: Case) -> str:
    """Return what a test of ``case`` is called."""
    return f"{case.theme}: {case.case}"
