"""FHIRPath of search parameters, compiled once to plain steps over JSON (http://hl7.org/fhirpath/N1/).

Types are settled when compiling: a path over ``value[x]`` becomes one branch per type, each a chain of steps that
takes values out of dicts and lists. What the compiler does not know fails at load, never at a write.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from service.conformance.fhirpath.collection import Collection, Scope, holds, this
from service.conformance.fhirpath.compiler import Compiler
from service.conformance.fhirpath.functions.types import type_name
from service.conformance.fhirpath.kinds import Kind, Kinds, kinds_of
from service.conformance.fhirpath.syntax import Call, Member, Node, Operation, Variable, parse
from service.conformance.structures import Element, Structures

Values = list[Any]
Step = Callable[[Values, Any], Values]
"""Takes the values so far and the whole resource."""


@dataclass(frozen=True, slots=True)
class ToMember:
    """The step to a member of objects: to its value, or to each of its values."""

    key: str
    many: bool

    def __call__(self, values: Values, resource: Any) -> Values:
        """Return what is there in each of ``values``."""
        if self.many:
            return [item for value in values for item in value.get(self.key, ()) if item is not None]
        return [value[self.key] for value in values if self.key in value]


@dataclass(frozen=True, slots=True)
class Where:
    """The step to those objects whose member ``key`` is ``text``."""

    key: str
    text: str

    def __call__(self, values: Values, resource: Any) -> Values:
        """Return those of ``values``."""
        return [value for value in values if value.get(self.key) == self.text]


@dataclass(frozen=True, slots=True)
class Branch:
    """One way through the definitions to values of one type."""

    kind: Kind
    element: Element | None = None
    repeats: tuple[tuple[str, ...], ...] = ()
    """What there can be several of on the way: each an element by its name, or an extension by the urls to it."""
    steps: tuple[Step, ...] = ()
    urls: tuple[str, ...] = ()
    """The urls of the extensions that it leads into, the outermost first."""

    @property
    def type(self) -> str:
        """The name of the type."""
        return self.kind.name

    @property
    def single(self) -> bool:
        """Whether a resource can have at most one value here."""
        return not self.repeats

    def values(self, resource: Any) -> Values:
        """Return the values in ``resource``, in document order."""
        values = [resource]
        for step in self.steps:
            if not values:
                break
            values = step(values, resource)
        return values

    def to(self, element: Element, kind: Kind) -> "Branch":
        """Return the branch to an element below this one."""
        repeats = (*self.repeats, (element.key,)) if element.many else self.repeats
        step = ToMember(element.key, element.many)
        return replace(self, kind=kind, element=element, repeats=repeats).then(step)

    def then(self, step: Step) -> "Branch":
        """Return this branch with one more step."""
        return replace(self, steps=(*self.steps, step))


def compile_path(expression: str, resource_type: str, structures: Structures) -> list[Branch]:
    """Return the branches of those parts of ``expression`` that speak of ``resource_type``.

    Raises ValueError where the expression uses FHIRPath that is not supported, or elements that do not exist.
    """
    kinds = kinds_of(structures)
    compiler = _PathCompiler(kinds, Branch(kinds.named(resource_type)), kinds.named(resource_type))
    parts = [part for part in _alternatives(parse(expression)) if compiler.concerns(part)]
    return [branch for part in parts for branch in compiler.branches(part)]


def compile_path_from(start: Branch, expression: str, resource_type: str, structures: Structures) -> list[Branch]:
    """Return the branches of ``expression`` whose steps begin with one value of ``start``.

    Raises ValueError as ``compile_path`` does.
    """
    kinds = kinds_of(structures)
    compiler = _PathCompiler(kinds, replace(start, repeats=(), steps=()), kinds.named(resource_type))
    return [branch for part in _alternatives(parse(expression)) for branch in compiler.branches(part)]


def _alternatives(node: Node) -> list[Node]:
    if isinstance(node, Operation) and node.operator == "|":
        return _alternatives(node.left) + _alternatives(node.right)
    return [node]


def _first_name(node: Node | None) -> str | None:
    while node is not None:
        if isinstance(node, Operation):
            node = node.left
        elif isinstance(node, (Member, Call)):
            if node.of is None:
                return node.name
            node = node.of
        else:
            return None
    return None


class _PathCompiler:
    def __init__(self, kinds: Kinds, root: Branch, resource: Kind) -> None:
        self._kinds = kinds
        self._root = root
        self._resource = resource

    def concerns(self, node: Node) -> bool:
        return _first_name(node) in self._root.kind.ancestors

    def branches(self, node: Node) -> list[Branch]:
        """Return the branches that ``node`` leads to from the resource."""
        match node:
            case Variable("resource"):
                return [self._root.then(_the_resource)]
            case Member(None, name) if name in self._root.kind.ancestors:
                return [self._root]
            case Member(of, name):
                return self._children(self._start(of), name)
            case Call(of, "ofType", (wanted,)) | Operation("as", of, wanted):
                return _of_type(self._start(of), type_name(wanted))
            case Call(of, "where", (criterion,)):
                return [self._only(branch, criterion) for branch in self._start(of)]
        raise ValueError(f"{node} is not supported in the path of a search parameter")

    def _start(self, of: Node | None) -> list[Branch]:
        return [self._root] if of is None else self.branches(of)

    def _children(self, context: list[Branch], name: str) -> list[Branch]:
        found = [
            branch.to(element, kind)
            for branch in context
            if not branch.kind.is_primitive
            for element, kind in self._kinds.members(branch.kind, name)
        ]
        if not found:
            raise ValueError(f"There is no element {name} below {', '.join(branch.type for branch in context)}")
        return found

    def _only(self, branch: Branch, criterion: Node) -> Branch:
        asked = _condition(self._kinds, branch.kind, self._resource, criterion).asks
        urls = (asked.text,) if asked and asked.key == "url" and branch.type == "Extension" else ()
        only_those = _only(self._kinds, branch.kind, self._resource, criterion)
        if not urls:
            return branch.then(only_those)
        way = (*branch.urls, *urls)
        return replace(branch.then(only_those), urls=way, repeats=(*branch.repeats[:-1], way))


def _of_type(branches: list[Branch], name: str) -> list[Branch]:
    found = [branch for branch in branches if branch.type == name]
    if not found:
        raise ValueError(f"There is no {name} among {', '.join(branch.type for branch in branches)}")
    return found


@cache
def _condition(kinds: Kinds, kind: Kind, resource: Kind, criterion: Node) -> Collection:
    element = this([kind])
    return Compiler(kinds, element, resource).collection(criterion, element)


@cache
def _only(kinds: Kinds, kind: Kind, resource: Kind, criterion: Node) -> Step:
    """Return the step to those for which ``criterion`` holds, equal for equal criteria as all steps are."""
    condition = _condition(kinds, kind, resource, criterion)
    if condition.asks is not None:
        return Where(*condition.asks)
    is_so = holds(condition.truth)

    def those_for_which_it_is_so(values: Values, resource: Any) -> Values:
        scope = Scope(resource, resource, resource)
        return [value for value in values if is_so(value, scope)]

    return those_for_which_it_is_so


def _the_resource(values: Values, resource: Any) -> Values:
    return [resource]
