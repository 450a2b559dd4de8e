"""The tables of searches in ``cases``: each names what R4's search page, a definition or another server's tests settle.

A case has a ``query`` in which ``{name}`` stands for an entry of ``names.json``, a ``why``, and what has to come back:
the ``matches`` in any order, or ``in_order``, or ``all_but`` some of the type; or a ``status`` with the rule's ``key``
and what the answer ``says``. What only ``survives`` may be answered or refused. A match is named by its id, or by
``Type/id`` where it is not of the type that is searched.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESOURCES = sorted((HERE / "resources").glob("*.json"))
NAMES: dict[str, str] = json.loads((HERE / "names.json").read_text())


@dataclass(frozen=True)
class Case:
    """One search and its answer; ``repeat`` lets a placeholder stand for a text so many times, and what is between."""

    theme: str
    query: str
    why: str
    matches: list[str] | None = None
    in_order: list[str] | None = None
    all_but: list[str] | None = None
    includes: list[str] = field(default_factory=list)
    total: int | None = None
    links: list[str] | None = None
    members: list[str] | None = None
    outcome: str | None = None
    body: str | None = None
    prefer: str | None = None
    status: int | None = None
    key: str | None = None
    says: list[str] = field(default_factory=list)
    parameter: str | None = None
    repeat: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    survives: bool = False

    @property
    def address(self) -> str:
        """The address that is asked for, below the service's FHIR address."""
        return self.filled(self.query)

    def filled(self, text: str) -> str:
        """Return ``text`` with what its placeholders stand for."""
        for name, stands_for in NAMES.items():
            text = text.replace(f"{{{name}}}", stands_for)
        for name, (part, between, times) in self.repeat.items():
            text = text.replace(f"{{{name}}}", between.join([part] * times))
        return text

    def named(self, entries: list[str]) -> list[str]:
        """Return ``entries`` with the type that is searched before those that do not name one."""
        kind = self.query.partition("?")[0].strip("/").rpartition("/")[2]
        return [name if "/" in name else f"{kind}/{name}" for name in entries]

    @property
    def expected(self) -> list[str]:
        """The matches as ``Type/id``, in order if there is one."""
        if self.all_but is not None:
            kind = self.query.partition("?")[0]
            without = self.named(self.all_but)
            assert set(without) <= set(STORED), "a resource that is not stored cannot be left out"
            return [name for name in STORED if name.startswith(f"{kind}/") and name not in without]
        found = self.in_order if self.in_order is not None else self.matches
        assert found is not None, f"{self.query} says nothing of its matches"
        return self.named(found)


def entries_of(file: Path) -> list[str]:
    """Return ``Type/id`` of each resource that the transaction in ``file`` stores: those that it creates in order."""
    urls = [entry["request"]["url"] for entry in json.loads(file.read_text())["entry"]]
    return [url if "/" in url else f"{url}/record-{number}" for number, url in enumerate(urls, start=1)]


EARLIER = HERE / "resources" / "earlier.json"
STORED = [name for file in RESOURCES if file != EARLIER for name in entries_of(file)]


def all_cases() -> Iterator[Case]:
    """Yield every case of every table."""
    for file in sorted((HERE / "cases").glob("*.json")):
        rows: list[dict[str, Any]] = json.loads(file.read_text())
        for row in rows:
            yield Case(theme=file.stem, **row)


CASES = list(all_cases())
HOSTILE = [case for case in CASES if case.survives]


def shown(case: Case) -> str:
    """Return what a test of ``case`` is called."""
    body = f" + {case.body}" if case.body is not None else ""
    text = f"{case.query}{body}" + (f" ({case.prefer})" if case.prefer else "")
    return f"{case.theme}: {text if len(text) < 150 else text[:149] + '…'}"
