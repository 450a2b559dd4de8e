"""The tables that the service brings, in ``schemas/r4/views``, and those that clients define themselves.

A ViewDefinition is of one type of resource. Where a table is of several, it has a ViewDefinition for each of them, with
the same name and the same columns.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from service.conformance.fhirpath.syntax import Call, Member, Node, Operation, parse
from service.fhir.outcome import Issue
from service.reporting.views.compilation import View, compile_view
from service.reporting.views.definition import read_definition
from service.reporting.views.faults import ViewError
from service.reporting.views.paths import Surroundings

Table = tuple[View, ...]
_ENDLESS = {"matches", "replaceMatches"}
"""Functions that can be given a pattern for which they take longer than anybody waits."""


class Tables:
    """Finds the tables of the service by name, and compiles those of clients."""

    def __init__(self, folder: Path, around: Surroundings) -> None:
        self._folder = folder
        self._around = around

    @cached_property
    def definitions(self) -> list[dict[str, Any]]:
        """The ViewDefinitions that the service brings."""
        return [orjson.loads(file.read_bytes()) for file in sorted(self._folder.glob("*.json"))]

    @cached_property
    def _by_name(self) -> dict[str, Table]:
        found: dict[str, Table] = {}
        for given in self.definitions:
            view = compile_view(given, self._around)
            found[given["name"]] = (*found.get(given["name"], ()), view)
            found.setdefault(given["id"], (view,))
            found[given["url"]] = found[f"ViewDefinition/{given['id']}"] = (view,)
        return found

    @property
    def names(self) -> list[str]:
        """The names of the tables."""
        return list(dict.fromkeys(given["name"] for given in self.definitions))

    def named(self, text: str) -> Table | None:
        """Return the table of a name, or that of a ViewDefinition by id, url or reference; None where there is none."""
        return self._by_name.get(text.partition("|")[0])

    def defined(self, given: Any) -> Table:
        """Return the table that a client defines; raises ViewError where it cannot be made."""
        definition = read_definition(given)
        issues = [
            Issue("view-unsupported", f"The function {name}() is not for views of clients", path.place)
            for path in definition.paths
            for name in _calls(path.text)
            if name in _ENDLESS
        ]
        if issues:
            raise ViewError(*issues)
        return (compile_view(given, self._around),)


def _calls(text: str) -> Iterator[str]:
    """Yield the names of the functions in an expression; none where it is no FHIRPath."""
    try:
        todo: list[Node] = [parse(text)]
    except (ValueError, RecursionError):
        return
    while todo:
        match todo.pop():
            case Call(of, name, arguments):
                yield name
                todo.extend([*([of] if of else []), *arguments])
            case Member(of, _) if of is not None:
                todo.append(of)
            case Operation(_, left, right):
                todo.extend([left, right])
