"""From the tree of an expression to the collection that it gives."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from service.conformance.fhirpath.collection import EMPTY, Collection, Get, Scope, Truth, boolean, constant
from service.conformance.fhirpath.functions import FUNCTIONS
from service.conformance.fhirpath.functions.combining import union
from service.conformance.fhirpath.functions.invocation import Invocation
from service.conformance.fhirpath.functions.keys import Local
from service.conformance.fhirpath.functions.subsetting import index
from service.conformance.fhirpath.functions.types import is_type, of_type, type_name
from service.conformance.fhirpath.kinds import SYSTEM, UNTYPED, Kind, Kinds
from service.conformance.fhirpath.moments import Moment
from service.conformance.fhirpath.navigation import Navigation
from service.conformance.fhirpath.operators import OPERATORS
from service.conformance.fhirpath.operators.logic import negation
from service.conformance.fhirpath.quantities import UCUM, Quantity
from service.conformance.fhirpath.syntax import Call, Literal, Member, Node, Operation, Variable
from service.conformance.fhirpath.system import System
from service.conformance.structures import ANY
from service.fhir.reference import Addresses

SameReference = Callable[[dict[str, Any], dict[str, Any]], bool]

_CONSTANTS = {"ucum": UCUM, "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
_NO_ADDRESSES = Addresses()
_NO_VARIABLES: Mapping[str, Collection] = {}
_FAMILIES = {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}


class Compiler:
    """Compiles expressions about ``element``, which stands in a resource of the type ``resource``.

    ``variables`` are those of which they may speak beside FHIRPath's own; ``local`` tells what leads to this server.
    """

    def __init__(
        self,
        kinds: Kinds,
        element: Collection,
        resource: Kind,
        same_reference: SameReference | None = None,
        variables: Mapping[str, Collection] = _NO_VARIABLES,
        local: Local = _NO_ADDRESSES.local,
    ) -> None:
        self.navigation = Navigation(kinds)
        self.local = local
        self._same_reference = same_reference
        self._variables = {
            **variables,
            "resource": Collection((resource,), item=lambda focus, scope: scope.resource),
            "rootResource": Collection((kinds.named(ANY),), item=lambda focus, scope: scope.root),
            "context": Collection(element.kinds, item=lambda focus, scope: scope.context),
            "$index": Collection((SYSTEM["Integer"],), item=lambda focus, scope: scope.position),
        }

    def collection(self, node: Node, this: Collection) -> Collection:
        """Return what ``node`` gives where ``this`` is ``$this``; raises ValueError where that is not supported."""
        match node:
            case Literal(value):
                return _literal(value)
            case Variable("$this"):
                return this
            case Variable(name):
                return self._variable(name)
            case Member(None, name) if name[:1].isupper() and any(name in kind.ancestors for kind in this.kinds):
                return this
            case Member(of, name):
                return self.navigation.member(self._start(of, this), name)
            case Call():
                return self._call(node, this)
        return self._operation(node, this)

    def _start(self, of: Node | None, this: Collection) -> Collection:
        return this if of is None else self.collection(of, this)

    def _variable(self, name: str) -> Collection:
        if name in self._variables:
            return self._variables[name]
        if name in _CONSTANTS:
            return constant(_CONSTANTS[name], "String")
        for prefix, url in _FAMILIES.items():
            if name.startswith(prefix):
                return constant(url + name.removeprefix(prefix), "String")
        raise ValueError(f"There is no %{name}")

    def _call(self, node: Call, this: Collection) -> Collection:
        function, counts = FUNCTIONS.get(node.name, (None, range(0)))
        if function is None:
            raise ValueError(f"The function {node.name}() is not supported")
        if len(node.arguments) not in counts:
            raise ValueError(f"The function {node.name}() does not take {len(node.arguments)} arguments")
        return function(Invocation(node.name, self._start(node.of, this), node.arguments, this, self))

    def _operation(self, node: Operation, this: Collection) -> Collection:
        operator, left = node.operator, self.collection(node.left, this)
        if operator == "is":
            return is_type(self.navigation, left, type_name(node.right))
        if operator == "as":
            return of_type(self.navigation, left, type_name(node.right))
        if operator == "[":
            return index(Invocation("[]", left, (node.right,), this, self))
        right = self.collection(node.right, this)
        if operator == "|":
            return union(self.navigation, left, right)
        by_text = OPERATORS[operator](left, right)
        if operator in ("=", "!=") and self._same_reference is not None:
            return self._by_rule(node, this, self._same_reference) or by_text
        return by_text

    def _by_rule(self, node: Operation, this: Collection, same: SameReference) -> Collection | None:
        """Return whether References lead to the same, where it is their texts that ``node`` compares."""
        match node:
            case Operation(operator, Member(left, "reference"), Member(right, "reference")):
                mine, theirs = (self.navigation.having(self._start(of, this), "reference") for of in (left, right))
                names = [{kind.name for kind in side.kinds} for side in (mine, theirs)]
                if {"Reference"} in names and all(each & {"Reference", UNTYPED.name} for each in names):
                    truth = _is_same(mine, theirs, same) or _are_same(_references(mine), _references(theirs), same)
                    return boolean(truth if operator == "=" else negation(truth))
        return None


def _references(of: Collection) -> Get:
    """Return what gives the References in ``of``; of a choice, another type leads to no resource."""
    items = of.items
    if not of.is_typed:
        return items
    return lambda focus, scope: [node.value for node in items(focus, scope) if node.kind.name == "Reference"]


def _is_same(left: Collection, right: Collection, same: SameReference) -> Truth | None:
    """Return whether one Reference and one other lead to the same, where there can be no more of them."""
    if left.is_typed or right.is_typed or not left.is_single or not right.is_single:
        return None
    one, other = left.item, right.item

    def truth(focus: Any, scope: Scope) -> bool | None:
        mine, theirs = one(focus, scope), other(focus, scope)
        return None if mine is None or theirs is None else same(mine, theirs)

    return truth


def _are_same(left: Get, right: Get, same: SameReference) -> Truth:
    def truth(focus: Any, scope: Scope) -> bool | None:
        mine, theirs = left(focus, scope), right(focus, scope)
        if not mine or not theirs:
            return None
        return len(mine) == len(theirs) and all(map(same, mine, theirs))

    return truth


def _literal(value: System | None) -> Collection:
    match value:
        case None:
            return EMPTY
        case bool():
            return constant(value, "Boolean")
        case str():
            return constant(value, "String")
        case int():
            return constant(value, "Integer")
        case Decimal():
            return constant(value, "Decimal")
        case Quantity():
            return constant(value, "Quantity")
        case Moment():
            return constant(value, "Time" if value.is_time_of_day else "DateTime" if "T" in value.text else "Date")
