"""A ViewDefinition, compiled to a function from a resource to its rows (…-ViewDefinition.html#processing-algorithm)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from service.conformance.fhirpath.collection import Collection, EvaluationError, Scope
from service.conformance.fhirpath.kinds import UNTYPED, Kind
from service.conformance.fhirpath.values import Node
from service.fhir.outcome import Issue, shown
from service.reporting.views.column import Column, Get, cell_of, column_of
from service.reporting.views.constants import constants_of
from service.reporting.views.definition import ColumnDefinition, Definition, Path, Select, read_definition
from service.reporting.views.faults import ViewError
from service.reporting.views.paths import Foci, Paths, Surroundings
from service.reporting.views.recursion import repeated

MOST_ROWS = 100_000
"""Of one resource: each select beside another multiplies them."""
Row = tuple[Any, ...]
Rows = Callable[[Any, Scope], Sequence[Row]]
"""Takes an element and the scope, and returns rows, or the parts of rows that a select makes."""
_FAILING = (EvaluationError, ArithmeticError, AttributeError, TypeError, KeyError, ValueError, RecursionError)
"""What an expression may stumble over in a resource that it was not written for."""


@dataclass(frozen=True, slots=True)
class View:
    """A table of the resources of one type."""

    definition: Definition
    columns: tuple[Column, ...]
    rows: Callable[[dict[str, Any]], Sequence[Row]]
    """Returns the rows of a resource, none where it is of another type or not wanted; raises ViewError."""

    @property
    def resource(self) -> str:
        """The type of its resources."""
        return self.definition.resource


def compile_view(given: Any, around: Surroundings) -> View:
    """Return the view that the ViewDefinition ``given`` defines; raises ViewError where it cannot be run."""
    definition = read_definition(given)
    paths = Paths(definition.resource, constants_of(definition.constants), definition.paths, around)
    compiler = _Compiler(paths)
    select = compiler.select(definition.select, (paths.start,))
    criteria = [compiler.criterion(path, (paths.start,)) for path in definition.where]
    if compiler.issues:
        raise ViewError(*compiler.issues)
    _refuse_duplicates(select.columns)
    columns = tuple(column for column, _ in select.columns)
    return View(definition, columns, _from_resources(definition.resource, paths, criteria, select.rows))


def _from_resources(
    name: str, paths: Paths, criteria: list[tuple[Get, str]], rows: Rows
) -> Callable[[dict[str, Any]], Sequence[Row]]:
    def of_resource(resource: dict[str, Any]) -> Sequence[Row]:
        if resource.get("resourceType") != name:
            return ()
        scope = Scope(resource, resource, resource, 0, 0, {})
        focus: Any = resource if paths.is_typed else Node(resource, paths.kinds.of_resource(resource))
        for is_so, place in criteria:
            if not _evaluated(is_so, focus, scope, place):
                return ()
        return rows(focus, scope)

    return of_resource


@dataclass(frozen=True, slots=True)
class _Part:
    """What a select makes of an element: columns, each with its place, and the rows."""

    columns: tuple[tuple[Column, str], ...]
    rows: Rows


class _Compiler:
    """Compiles selects; goes on after a fault, so that all of them are told at once."""

    def __init__(self, paths: Paths) -> None:
        self.issues: list[Issue] = []
        self._paths = paths

    def criterion(self, path: Path, about: tuple[Kind, ...]) -> tuple[Get, str]:
        """Return what tells whether a resource is wanted."""
        found = self._compiled(path, about)
        if found is None:
            return _nothing, path.place
        if found.kinds and not found.is_typed and found.systems != {"Boolean"}:
            self.issues.append(Issue("view-definition", "This has to be true or false of a resource", path.place))
        truth, value = found.truth, found.value

        def is_so(focus: Any, scope: Scope) -> bool:
            if found.is_typed and type(value(focus, scope)) not in (bool, type(None)):
                raise EvaluationError("a value that is neither true nor false")
            return truth(focus, scope) is True

        return is_so, path.place

    def select(self, select: Select, about: tuple[Kind, ...]) -> _Part:
        """Return what ``select`` makes of an element of one of the types ``about``."""
        iteration = self._iteration(select, about)
        if iteration is None:
            return self._at_one(select, about)
        kinds, foci, place = iteration
        part = self._at_one(select, kinds)
        blank = [tuple(0 if column.is_index else None for column, _ in part.columns)] if select.or_null else ()
        return _Part(part.columns, _for_each(foci, part.rows, blank, place))

    def _iteration(self, select: Select, about: tuple[Kind, ...]) -> tuple[tuple[Kind, ...], Foci, str] | None:
        if select.for_each is not None:
            found = self._compiled(select.for_each, about)
            return (found.kinds, found.items, select.for_each.place) if found else ((UNTYPED,), _none, "")
        if select.repeat:
            try:
                return *repeated(self._paths, select.repeat, about), f"{select.place}.repeat"
            except ViewError as error:
                self.issues.extend(error.issues)
                return (UNTYPED,), _none, ""
        return None

    def _at_one(self, select: Select, about: tuple[Kind, ...]) -> _Part:
        """Return what ``select`` makes of each of the elements that it goes through."""
        columns = [found for item in select.columns for found in self._column(item, about)]
        parts = [self.select(item, about) for item in select.selects]
        if select.union:
            parts.append(self._union([self.select(item, about) for item in select.union], select))
        own = tuple((column, definition.place) for column, definition, _ in columns)
        cells = _cells([get for _, _, get in columns], [definition.path.place for _, definition, _ in columns])
        every = (*own, *chain.from_iterable(part.columns for part in parts))
        return _Part(every, _product(cells, [part.rows for part in parts], select.place))

    def _column(
        self, definition: ColumnDefinition, about: tuple[Kind, ...]
    ) -> Iterator[tuple[Column, ColumnDefinition, Get]]:
        values = self._compiled(definition.path, about)
        if values is not None:
            try:
                column = column_of(definition, values, self._paths.structures)
            except ViewError as error:
                self.issues.extend(error.issues)
                return
            yield column, definition, cell_of(column, values)

    def _union(self, branches: list[_Part], select: Select) -> _Part:
        first = [(column.name, column.form, column.is_collection) for column, _ in branches[0].columns]
        for number, branch in enumerate(branches[1:], 1):
            others = [(column.name, column.form, column.is_collection) for column, _ in branch.columns]
            if others != first and not self.issues:
                sentence = "Each branch of a unionAll has the same columns, of the same types, in the same order"
                self.issues.append(Issue("view-definition", sentence, f"{select.place}.unionAll[{number}]"))
        every = [branch.rows for branch in branches]
        return _Part(branches[0].columns, lambda focus, scope: [row for rows in every for row in rows(focus, scope)])

    def _compiled(self, path: Path, about: tuple[Kind, ...]) -> Collection | None:
        try:
            return self._paths.compiled(path, about)
        except ViewError as error:
            self.issues.extend(error.issues)
            return None


def _for_each(foci: Foci, rows: Rows, blank: Sequence[Row], place: str) -> Rows:
    def of_each(focus: Any, scope: Scope) -> Sequence[Row]:
        found: list[Row] = []
        resource, root, context = scope[:3]
        items = _evaluated(foci, focus, scope, place)
        for number, item in enumerate(items):
            inner = Scope(resource, root, context, 0, number, {})
            found.extend(rows(item, inner))
        return found if items else blank

    return of_each


def _product(cells: Rows, parts: list[Rows], place: str) -> Rows:
    """Return the rows of an element: its own cells beside each combination of the rows of ``parts``."""
    if not parts:
        return cells

    def rows(focus: Any, scope: Scope) -> Sequence[Row]:
        found = cells(focus, scope)
        for part in parts:
            more = part(focus, scope)
            if len(found) * len(more) > MOST_ROWS:
                sentence = f"Of {_name(scope.root)} there are more than {MOST_ROWS} rows, of selects beside each other"
                raise ViewError(Issue("view-value", sentence, place))
            found = [(*row, *other) for row in found for other in more]
        return found

    return rows


def _cells(gets: list[Get], places: list[str]) -> Rows:
    def cells(focus: Any, scope: Scope) -> Sequence[Row]:
        try:
            return (tuple([get(focus, scope) for get in gets]),)
        except _FAILING:
            for get, place in zip(gets, places, strict=True):
                _evaluated(get, focus, scope, place)
            raise

    return cells


def _evaluated(get: Callable[[Any, Scope], Any], focus: Any, scope: Scope, place: str) -> Any:
    """Return what an expression gives; raises ViewError with the place of the expression where it gives nothing."""
    try:
        return get(focus, scope)
    except _FAILING as error:
        what = str(error) if isinstance(error, EvaluationError) and error.args else "several values, or none that fits,"
        sentence = f"Of {_name(scope.root)} this gives {what} where one value of the right type is needed"
        raise ViewError(Issue("view-value", sentence, place)) from error


def _name(resource: dict[str, Any]) -> str:
    return shown(f"{resource.get('resourceType')}/{resource.get('id')}")


def _refuse_duplicates(columns: Sequence[tuple[Column, str]]) -> None:
    first: dict[str, str] = {}
    for column, place in columns:
        if first.setdefault(column.name, place) != place:
            sentence = f"Another column is called {shown(column.name)} already"
            raise ViewError(Issue("view-definition", sentence, f"{place}.name"))


def _none(focus: Any, scope: Scope) -> Sequence[Any]:
    return ()


def _nothing(focus: Any, scope: Scope) -> Any:
    return None
