"""FHIRPath of search parameters, compiled once to plain steps over JSON (http://hl7.org/fhirpath/N1/).

Types are settled when compiling: a path over ``value[x]`` becomes one branch per type, each a chain of steps that
takes values out of dicts and lists. What the compiler does not know fails at load, never at a write.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from service.conformance.fhirpath.syntax import Call, Literal, Member, Node, Operation, Variable, parse
from service.conformance.structures import Element, Structure, Structures
from service.fhir.reference import parse_reference

Values = list[Any]
Step = Callable[[Values, Any], Values]
"""Takes the values so far and the whole resource."""
Criterion = Callable[[Any, Any], bool]
"""Tells of one value, given the whole resource."""

_SUPERTYPES = {"Resource", "DomainResource"}


@dataclass(frozen=True, slots=True)
class Branch:
    """One way through the definitions to values of one type."""

    type: str
    structure: Structure | None
    element: Element | None = None
    single: bool = True
    """Whether a resource can have at most one value here."""
    steps: tuple[Step, ...] = ()

    def values(self, resource: Any) -> Values:
        """Return the values in ``resource``, in document order."""
        return self.run([resource], resource)

    def run(self, values: Values, resource: Any) -> Values:
        """Return what the steps make of ``values``."""
        for step in self.steps:
            if not values:
                break
            values = step(values, resource)
        return values

    def then(self, step: Step) -> "Branch":
        """Return this branch with one more step."""
        return replace(self, steps=(*self.steps, step))


def compile_path(expression: str, resource_type: str, structures: Structures) -> list[Branch]:
    """Return the branches of those parts of ``expression`` that speak of ``resource_type``.

    Raises ValueError where the expression uses FHIRPath that is not supported, or elements that do not exist.
    """
    compiler = _Compiler(resource_type, structures)
    parts = [part for part in _alternatives(parse(expression)) if compiler.concerns(part)]
    return [branch for part in parts for branch in compiler.branches(part, [compiler.root])]


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


class _Compiler:
    def __init__(self, resource_type: str, structures: Structures) -> None:
        self._type = resource_type
        self._structures = structures
        self.root = Branch(resource_type, structures.of_type(resource_type))

    def concerns(self, node: Node) -> bool:
        return _first_name(node) in {self._type, *_SUPERTYPES}

    def branches(self, node: Node, context: list[Branch]) -> list[Branch]:
        """Return the branches that ``node`` leads to from ``context``."""
        if isinstance(node, Member):
            if node.of is None and context == [self.root] and node.name in {self._type, *_SUPERTYPES}:
                return context
            return self._children(self._start(node.of, context), node.name)
        if isinstance(node, Call):
            return self._call(node, self._start(node.of, context))
        if isinstance(node, Operation) and node.operator == "as" and isinstance(node.right, Member):
            return _of_type(self.branches(node.left, context), node.right.name)
        if node == Variable("resource"):
            return [self.root.then(lambda values, resource: [resource])]
        raise ValueError(f"{node} is not supported here")

    def _start(self, of: Node | None, context: list[Branch]) -> list[Branch]:
        return context if of is None else self.branches(of, context)

    def _children(self, context: list[Branch], name: str) -> list[Branch]:
        found = [
            Branch(element.type, self._below(element), element, branch.single and not element.many, branch.steps).then(
                _all_of(element.key) if element.many else _one_of(element.key)
            )
            for branch in context
            if branch.structure is not None
            for element in branch.structure.choices.get(name, ())
        ]
        if not found:
            raise ValueError(f"There is no element {name} below {', '.join(branch.type for branch in context)}")
        return found

    def _below(self, element: Element) -> Structure | None:
        return None if self._structures.is_primitive(element.type) else self._structures.below(element)

    def _call(self, node: Call, context: list[Branch]) -> list[Branch]:
        argument = node.arguments[0] if len(node.arguments) == 1 else None
        if node.name == "ofType" and isinstance(argument, Member):
            return _of_type(context, argument.name)
        if node.name == "where" and argument is not None:
            return [branch.then(_only(self._criterion(argument, branch))) for branch in context]
        raise ValueError(f"The function {node.name}() is not supported here")

    def _criterion(self, node: Node, branch: Branch) -> Criterion:
        if isinstance(node, Operation) and node.operator == "is":
            return _resolves_to(node)
        if isinstance(node, Operation) and node.operator == "and":
            first, second = self._criterion(node.left, branch), self._criterion(node.right, branch)
            return lambda value, resource: first(value, resource) and second(value, resource)
        if isinstance(node, Operation) and node.operator == "=":
            return self._equality(node, branch)
        if isinstance(node, Call) and node.name == "exists" and not node.arguments:
            found = self._values(node.of, branch) if node.of else None
            if found is not None:
                return lambda value, resource: bool(found(value, resource))
        raise ValueError(f"{node} is not supported as a condition")

    def _equality(self, node: Operation, branch: Branch) -> Criterion:
        if isinstance(node.left, Member) and node.left.of is None and isinstance(node.right, Literal):
            elements = branch.structure.choices.get(node.left.name, ()) if branch.structure else ()
            if [(item.key, item.many) for item in elements] == [(node.left.name, False)]:
                return _has(node.left.name, node.right.value)
        left = self._values(node.left, branch)
        if isinstance(node.right, Literal):
            wanted = [node.right.value]
            return lambda value, resource: left(value, resource) == wanted
        right = self._values(node.right, branch)

        def equal(value: Any, resource: Any) -> bool:
            found = left(value, resource)
            return bool(found) and found == right(value, resource)

        return equal

    def _values(self, node: Node, branch: Branch) -> Callable[[Any, Any], Values]:
        start = Branch(branch.type, branch.structure, branch.element)
        ways = self.branches(node, [start])
        return lambda value, resource: [item for way in ways for item in way.run([value], resource)]


def _of_type(branches: list[Branch], name: str) -> list[Branch]:
    found = [branch for branch in branches if branch.type == name]
    if not found:
        raise ValueError(f"There is no {name} among {', '.join(branch.type for branch in branches)}")
    return found


# Equal steps are one object, by which those who run many branches see what they share.


@cache
def _one_of(key: str) -> Step:
    return lambda values, resource: [value[key] for value in values if key in value]


@cache
def _all_of(key: str) -> Step:
    return lambda values, resource: [item for value in values for item in value.get(key, ()) if item is not None]


@cache
def _only(criterion: Criterion) -> Step:
    return lambda values, resource: [value for value in values if criterion(value, resource)]


@cache
def _has(key: str, wanted: str | bool) -> Criterion:
    return lambda value, resource: value.get(key) == wanted


@cache
def _resolves_to(node: Operation) -> Criterion:
    """Return the condition ``resolve() is Type``, told from the reference's text: nothing is fetched."""
    if node.left != Call(None, "resolve", ()) or not isinstance(node.right, Member):
        raise ValueError(f"{node} is not supported as a condition")
    wanted = node.right.name

    def resolves(value: Any, resource: Any) -> bool:
        literal = parse_reference(value.get("reference", ""))
        return (literal.type if literal else value.get("type")) == wanted

    return resolves
