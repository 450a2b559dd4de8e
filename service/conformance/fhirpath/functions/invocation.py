"""One use of a function in an expression: what it is used on, and its arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from service.conformance.fhirpath.collection import Collection, Get, Scope, this
from service.conformance.fhirpath.navigation import Navigation
from service.conformance.fhirpath.syntax import Call, Member, Node, Operation, Variable
from service.fhir.reference import LiteralReference


class Compiler(Protocol):
    """Makes collections of trees."""

    navigation: Navigation
    local: Callable[[str], LiteralReference | None]
    """Returns the reference in a text where it leads to this server."""

    def collection(self, node: Node, this: Collection) -> Collection:
        """Return what ``node`` gives where ``this`` is ``$this``; raises ValueError where that is not supported."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """``of.name(arguments)``, where ``this`` is ``$this``."""

    name: str
    of: Collection
    arguments: tuple[Node, ...]
    this: Collection
    compiler: Compiler

    def argument(self, number: int) -> Collection:
        """Return what an argument gives."""
        return self.compiler.collection(self.arguments[number], self.this)

    def each(self, number: int) -> Collection:
        """Return what an argument gives that is asked about each value of ``of``."""
        return self.compiler.collection(self.arguments[number], this(self.of.kinds))

    def text(self, number: int) -> Get:
        """Return what gives the text that an argument is, or None."""
        return self._typed(number, "String", str)

    def integer(self, number: int) -> Get:
        """Return what gives the whole number that an argument is, or None."""
        return self._typed(number, "Integer", int)

    def _typed(self, number: int, system: str, form: type) -> Get:
        argument = self.argument(number)
        demand(argument, self.name, system)
        value = argument.value
        return lambda focus, scope: found if type(found := value(focus, scope)) is form else None

    @property
    def speaks_of_index(self) -> bool:
        """Whether the first argument speaks of ``$index``."""
        return mentions(self.arguments[0], "$index")


Function = Callable[[Invocation], Collection]


def demand(collection: Collection, name: str, *systems: str) -> None:
    """Raise ValueError where no value of ``collection`` can be of a System type that the function ``name`` takes."""
    if collection.kinds and not collection.is_typed and not collection.systems <= set(systems):
        raise ValueError(f"{name}() needs a {systems[0]} and not a {collection.kinds[0].name}")


def mentions(node: Node | None, variable: str) -> bool:
    """Return whether an expression speaks of ``variable``."""
    match node:
        case Variable(name):
            return name == variable
        case Member(of):
            return mentions(of, variable)
        case Call(of, _, arguments):
            return any(mentions(part, variable) for part in (of, *arguments))
        case Operation(_, left, right):
            return mentions(left, variable) or mentions(right, variable)
    return False


def numbered(items: Get, evaluate: Get) -> Get:
    """Return what gives each item with what ``evaluate`` makes of it, which is told ``$index``."""

    def pairs(focus: Any, scope: Scope) -> list[tuple[Any, Any]]:
        found = enumerate(items(focus, scope))
        return [(item, evaluate(item, scope._replace(position=index))) for index, item in found]

    return pairs
