"""The FHIRPath expressions of a view, compiled about the elements that they are asked of."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.conformance.fhirpath.collection import EMPTY, Collection, this
from service.conformance.fhirpath.compiler import SameReference
from service.conformance.fhirpath.functions.keys import Local
from service.conformance.fhirpath.kinds import SYSTEM, UNTYPED, Kind, Kinds, kinds_of
from service.conformance.fhirpath.navigation import NoElementError
from service.conformance.fhirpath.syntax import Node, parse
from service.conformance.structures import ANY, Structures
from service.fhir.outcome import Issue
from service.fhir.reference import Addresses
from service.reporting.views.definition import Path
from service.reporting.views.faults import ViewError
from service.reporting.views.sharing import SharingCompiler, parts_of

_NO_ADDRESSES = Addresses()
_LONGEST_SENTENCE = 500


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a view is compiled with, beside its definition."""

    structures: Structures
    local: Local = _NO_ADDRESSES.local
    """Returns the reference in a text where it leads to this server, and so to a row."""
    same_reference: SameReference | None = _NO_ADDRESSES.same_reference


class Paths:
    """Compiles the expressions of one view."""

    def __init__(
        self, resource: str, constants: Mapping[str, Collection], every: Iterable[Path], around: Surroundings
    ) -> None:
        self.structures = around.structures
        self.kinds: Kinds = kinds_of(around.structures)
        self.is_typed = around.structures.is_resource(resource)
        self.start: Kind = self.kinds.named(resource) if self.is_typed else UNTYPED
        self._variables = {
            **constants,
            "rowIndex": Collection((SYSTEM["Integer"],), item=lambda focus, scope: scope.row),
        }
        self._around = around
        self._trees: dict[str, Node | ViewError] = {path.place: _tree(path) for path in every}
        trees = [tree for tree in self._trees.values() if not isinstance(tree, ViewError)]
        self._times = Counter(part for tree in trees for part in parts_of(tree))
        self._compilers: dict[tuple[Kind, ...], SharingCompiler] = {}

    def compiled(self, path: Path, about: tuple[Kind, ...], *, or_nothing: bool = False) -> Collection:
        """Return what ``path`` gives about an element of one of the types ``about``; raises ViewError.

        With ``or_nothing`` a path to an element that does not exist gives nothing.
        """
        tree = self._trees[path.place]
        if isinstance(tree, ViewError):
            raise tree
        try:
            return self._compiler(about).about_element(tree)
        except (ValueError, LookupError, RecursionError) as error:
            if or_nothing and isinstance(error, NoElementError):
                return EMPTY
            raise _refusal(error, path) from None

    def _compiler(self, about: tuple[Kind, ...]) -> SharingCompiler:
        if about not in self._compilers:
            resource = self.start if self.is_typed else self.kinds.named(ANY)
            around = self._around
            self._compilers[about] = SharingCompiler(
                self._times,
                self.kinds,
                this(about),
                resource,
                around.same_reference,
                self._variables,
                around.local,
            )
        return self._compilers[about]


def _tree(path: Path) -> Node | ViewError:
    try:
        return parse(path.text)
    except (ValueError, RecursionError) as error:
        return _refusal(error, path)


def _refusal(error: Exception, path: Path) -> ViewError:
    text = "It is nested too deeply" if isinstance(error, RecursionError) else str(error.args[0] if error.args else "")
    sentence = text.translate(dict.fromkeys(range(32), " "))[:_LONGEST_SENTENCE]
    return ViewError(Issue("view-definition", sentence or "This FHIRPath cannot be compiled", path.place))


Foci = Callable[[Any, Any], Any]
"""Takes an element and the scope, and returns the elements that are gone through."""
