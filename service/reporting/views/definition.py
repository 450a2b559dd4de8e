"""A ViewDefinition as it was given (https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition.html).

What is not defined is refused, and so is what is not of its type: a misspelt member would else leave out rows silently.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.fhir.outcome import Issue, did_you_mean, shown
from service.reporting.views.faults import ViewError

TYPE = "ViewDefinition"
DEEPEST = 20
"""Levels of ``select`` and ``unionAll`` in each other."""
MOST_COLUMNS = 1_000
_FHIR_VERSIONS = {"4.0", "4.0.0", "4.0.1"}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
"""The names of views, columns and constants: such as databases take."""
_METADATA = frozenset(
    {"resourceType", "id", "meta", "implicitRules", "language", "text", "contained", "url", "identifier", "version"}
    | {"versionAlgorithmString", "versionAlgorithmCoding", "name", "title", "status", "experimental", "date"}
    | {"publisher", "contact", "description", "useContext", "jurisdiction", "purpose", "copyright", "copyrightLabel"}
    | {"profile", "fhirVersion"}
)
_OF_EVERY_ELEMENT = frozenset({"id", "extension"})
_VIEW = _METADATA | {"resource", "constant", "select", "where"}
_SELECT = frozenset({"column", "select", "forEach", "forEachOrNull", "repeat", "unionAll"})
_COLUMN = frozenset({"path", "name", "description", "collection", "type", "tag"})
_ITERATIONS = ("forEach", "forEachOrNull", "repeat")


@dataclass(frozen=True, slots=True)
class Path:
    """A FHIRPath expression and its place in the ViewDefinition."""

    text: str
    place: str


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """``column``."""

    name: str
    path: Path
    type: str | None
    is_collection: bool
    description: str
    place: str


@dataclass(frozen=True, slots=True)
class Select:
    """``select``, a branch of ``unionAll``, or the ViewDefinition itself, which is one without iteration."""

    place: str
    columns: tuple[ColumnDefinition, ...] = ()
    selects: "tuple[Select, ...]" = ()
    union: "tuple[Select, ...]" = ()
    for_each: Path | None = None
    or_null: bool = False
    repeat: tuple[Path, ...] = ()

    @property
    def paths(self) -> "Iterator[Path]":
        """Every expression in it."""
        yield from (column.path for column in self.columns)
        yield from self.repeat
        if self.for_each is not None:
            yield self.for_each
        for select in (*self.selects, *self.union):
            yield from select.paths


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole ViewDefinition, as far as it says what the rows are."""

    name: str
    description: str
    resource: str
    constants: tuple[tuple[dict[str, Any], str], ...]
    """Each with its place."""
    where: tuple[Path, ...]
    select: Select

    @property
    def paths(self) -> Iterator[Path]:
        """Every expression in it."""
        yield from self.where
        yield from self.select.paths


def read_definition(given: Any) -> Definition:
    """Return what ``given`` defines; raises ViewError with every fault that is seen in it."""
    return _Reader().definition(given)


class _Reader:
    """Reads on after a fault, so that all of them are told at once."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self._columns = 0

    def definition(self, given: Any) -> Definition:
        if not isinstance(given, dict) or given.get("resourceType", TYPE) != TYPE:
            raise ViewError(Issue("view-definition", "This is no ViewDefinition", TYPE))
        self._members(given, TYPE, _VIEW)
        self._version(given)
        definition = Definition(
            name=self._name(given, TYPE) or "",
            description=self._text(given, "description", TYPE) or "",
            resource=self._text(given, "resource", TYPE, is_required=True) or "",
            constants=tuple(self._objects(given, "constant", TYPE)),
            where=tuple(
                path for item, place in self._objects(given, "where", TYPE) for path in self._path(item, "path", place)
            ),
            select=Select(TYPE, selects=tuple(self._selects(given, "select", TYPE, 0))),
        )
        if not definition.select.selects:
            self._fault("A view has a select", f"{TYPE}.select")
        if self.issues:
            raise ViewError(*self.issues)
        return definition

    def _version(self, given: dict[str, Any]) -> None:
        versions = given.get("fhirVersion")
        if versions is not None and not (
            isinstance(versions, list) and _FHIR_VERSIONS.intersection(map(str, versions))
        ):
            self._fault("The resources here are those of FHIR 4.0.1", f"{TYPE}.fhirVersion", "view-unsupported")

    def _selects(self, holder: dict[str, Any], name: str, place: str, depth: int) -> Iterator[Select]:
        if depth > DEEPEST and name in holder:
            self._fault(f"At most {DEEPEST} levels of select can be in each other", f"{place}.{name}")
            return
        for item, its_place in self._objects(holder, name, place):
            self._members(item, its_place, _SELECT | _OF_EVERY_ELEMENT)
            yield self._select(item, its_place, depth)

    def _select(self, item: dict[str, Any], place: str, depth: int) -> Select:
        iterations = [name for name in _ITERATIONS if name in item]
        if len(iterations) > 1:
            self._fault(f"A select has one of {' and '.join(iterations)}, and not both", place)
        select = Select(
            place,
            tuple(column for found in self._objects(item, "column", place) for column in self._column(*found)),
            tuple(self._selects(item, "select", place, depth + 1)),
            tuple(self._selects(item, "unionAll", place, depth + 1)),
            next((path for name in _ITERATIONS[:2] for path in self._path(item, name, place, is_required=False)), None),
            "forEachOrNull" in item,
            tuple(self._repeated(item, place)),
        )
        if not (select.columns or select.selects or select.union) and not self.issues:
            self._fault("A select has a column, a select or a unionAll", place)
        return select

    def _column(self, item: dict[str, Any], place: str) -> Iterator[ColumnDefinition]:
        self._members(item, place, _COLUMN | _OF_EVERY_ELEMENT)
        self._columns += 1
        if self._columns > MOST_COLUMNS:
            self._fault(f"A view has at most {MOST_COLUMNS} columns", place)
            return
        name = self._name(item, place, is_required=True)
        is_collection = item.get("collection", False)
        if not isinstance(is_collection, bool):
            self._fault("This is true or false", f"{place}.collection")
        paths = list(self._path(item, "path", place))
        kind, description = self._text(item, "type", place), self._text(item, "description", place)
        if name and paths:
            yield ColumnDefinition(name, paths[0], kind, is_collection is True, description or "", place)

    def _name(self, holder: dict[str, Any], place: str, *, is_required: bool = False) -> str | None:
        name = self._text(holder, "name", place, is_required=is_required)
        if name is not None and not NAME.fullmatch(name):
            self._fault("A name has letters, digits and _, and starts with a letter", f"{place}.name")
        return name

    def _repeated(self, item: dict[str, Any], place: str) -> Iterator[Path]:
        paths = item.get("repeat", [])
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            self._fault("This is a list of FHIRPath expressions", f"{place}.repeat")
            return
        for number, text in enumerate(paths):
            yield Path(text, f"{place}.repeat[{number}]")

    def _path(self, item: dict[str, Any], name: str, place: str, is_required: bool = True) -> Iterator[Path]:
        text = self._text(item, name, place, is_required=is_required)
        if text is not None:
            yield Path(text, f"{place}.{name}")

    def _objects(self, holder: dict[str, Any], name: str, place: str) -> Iterator[tuple[dict[str, Any], str]]:
        items = holder.get(name, [])
        if not isinstance(items, list):
            self._fault("This is a list", f"{place}.{name}")
            return
        for number, item in enumerate(items):
            if isinstance(item, dict):
                yield item, f"{place}.{name}[{number}]"
            else:
                self._fault("This is an object", f"{place}.{name}[{number}]")

    def _text(self, holder: dict[str, Any], name: str, place: str, *, is_required: bool = False) -> str | None:
        value = holder.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if value is not None or is_required:
            self._fault("This is a text" if value is not None else "This must be there", f"{place}.{name}")
        return None

    def _members(self, item: dict[str, Any], place: str, known: frozenset[str]) -> None:
        if item.get("modifierExtension"):
            self._fault("No modifier extension is known here", f"{place}.modifierExtension", "view-unsupported")
        for name in item:
            if name.removeprefix("_") not in known and name not in ("modifierExtension", "extension"):
                hint = did_you_mean(name, known)
                self._fault(f"No element {shown(name)} is defined here{hint}", f"{place}.{shown(name)}")

    def _fault(self, sentence: str, place: str, rule: str = "view-definition") -> None:
        self.issues.append(Issue(rule, sentence, place))
