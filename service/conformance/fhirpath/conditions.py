"""Invariants, compiled once to conditions of JSON values (https://hl7.org/fhir/R4/conformance-rules.html#constraints).

Types are settled when compiling, as far as they can be. What the compiler does not know fails at load, not at a write.
"""

from collections.abc import Callable, Iterable
from typing import Any

from service.conformance.fhirpath.collection import Scope, holds, this
from service.conformance.fhirpath.compiler import Compiler, SameReference
from service.conformance.fhirpath.functions.invocation import mentions
from service.conformance.fhirpath.kinds import Kind, kinds_of
from service.conformance.fhirpath.syntax import Node as Tree
from service.conformance.fhirpath.syntax import parse
from service.conformance.fhirpath.values import Node
from service.conformance.structures import ANY, Structure, Structures

__all__ = ["Condition", "SameReference", "Scope", "compile_condition"]

Condition = Callable[[Any, Scope], bool]
"""Takes the JSON value of an element, and the scope; returns whether the invariant holds of it."""


def compile_condition(
    expression: str | Tree,
    start: Structure | str,
    structures: Structures,
    same_reference: SameReference | None = None,
    choice: Iterable[str] = (),
) -> Condition:
    """Return the condition that ``expression`` makes for an element that ``start`` describes.

    ``start`` is a structure or the name of a type; ``choice`` names the other types that the element can have, of
    which the expression may speak too. ``same_reference`` tells whether two References lead to the same; without it
    their texts are compared.

    Raises ValueError where the expression uses FHIRPath that is not supported, or elements that do not exist.
    """
    kinds = kinds_of(structures)
    tree = parse(expression) if isinstance(expression, str) else expression
    kind = kinds.named(start) if isinstance(start, str) else kinds.of_structure(start)
    holder = start.partition(".")[0] if isinstance(start, str) else start.path.partition(".")[0]
    resource = kinds.named(holder if structures.is_resource(holder) else ANY)
    element = this([kind, *map(kinds.named, choice)])
    is_so = holds(Compiler(kinds, element, resource, same_reference).collection(tree, element).truth)
    if mentions(tree, "context") or element.is_typed:
        return _in_context(is_so, kind if element.is_typed else None)
    return is_so


def _in_context(is_so: Condition, kind: Kind | None) -> Condition:
    """Return the condition that knows ``%context``, and of which type the element is where that may be another."""

    def is_so_in_context(value: Any, scope: Scope) -> bool:
        element = value if kind is None else Node(value, kind)
        return is_so(element, scope._replace(context=element))

    return is_so_in_context
