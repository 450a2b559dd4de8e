"""The syntax of FHIRPath, as a tree (http://hl7.org/fhirpath/N1/grammar.html)."""

from dataclasses import dataclass
from decimal import Decimal

from service.conformance.fhirpath.moments import Moment, moment
from service.conformance.fhirpath.quantities import Quantity
from service.conformance.fhirpath.system import System
from service.conformance.fhirpath.tokens import Token, tokens, unquoted


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, truth value, number, quantity, date or time; None is ``{}``."""

    value: System | None

    def __eq__(self, other: object) -> bool:
        """True and 1 are two values, which they are not to Python."""
        return isinstance(other, Literal) and (type(self.value), self.value) == (type(other.value), other.value)


@dataclass(frozen=True, slots=True)
class Member:
    """``of.name``; without ``of`` the name stands at the start of a path."""

    of: "Node | None"
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """``of.name(arguments)``."""

    of: "Node | None"
    name: str
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Variable:
    """``%name``, and with their mark ``$this`` and ``$index``."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """``left operator right``; for ``is`` and ``as`` the right side is the name of a type, for ``[`` the index."""

    operator: str
    left: "Node"
    right: "Node"


Node = Literal | Member | Call | Variable | Operation

_LEVELS = (
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "~", "!=", "!~"),
    ("<=", "<", ">", ">="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
"""Operators from the loosest to the tightest."""
_PERIODS = {"year", "month", "week", "day", "hour", "minute", "second", "millisecond"}


def parse(expression: str) -> Node:
    """Return the tree of ``expression``; raises ValueError where it is no FHIRPath."""
    parser = _Parser(expression)
    tree = parser.operation(0)
    if parser.tokens:
        raise ValueError(f"{parser.tokens[-1].text!r} is not expected in {expression!r}")
    return tree


class _Parser:
    """Recursive descent over the tokens, which are kept last first."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = tokens(expression)[::-1]

    def operation(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.signed()
        left = self.operation(level + 1)
        while self.tokens and self.tokens[-1].text in _LEVELS[level]:
            operator = self.tokens.pop().text
            right = self.type_name() if operator in ("is", "as") else self.operation(level + 1)
            left = Operation(operator, left, right)
        return left

    def signed(self) -> Node:
        if self.follows("+"):
            return self.signed()
        if self.follows("-"):
            return Operation("-", Literal(0), self.signed())
        return self.path()

    def path(self) -> Node:
        node = self.start()
        while True:
            if self.follows("."):
                node = self.invocation(node)
            elif self.follows("["):
                node = Operation("[", node, self.operation(0))
                self.expect("]")
            else:
                return node

    def start(self) -> Node:
        if not self.tokens:
            raise ValueError(f"{self.expression!r} ends too early")
        if self.follows("("):
            node = self.operation(0)
            self.expect(")")
            return node
        if self.follows("{"):
            self.expect("}")
            return Literal(None)
        kind, text = self.tokens[-1]
        if text in ("true", "false"):
            self.tokens.pop()
            return Literal(text == "true")
        if kind == "text":
            self.tokens.pop()
            return Literal(unquoted(text))
        if kind == "number":
            self.tokens.pop()
            return self.number(text)
        if kind == "moment":
            self.tokens.pop()
            return Literal(self.moment(text))
        if kind == "variable":
            self.tokens.pop()
            return Variable(text.removeprefix("%").strip("`'"))
        return self.invocation(None)

    def number(self, text: str) -> Node:
        unit = self.unit()
        if unit is not None:
            return Literal(Quantity(Decimal(text), unit))
        return Literal(Decimal(text) if "." in text else int(text))

    def unit(self) -> str | None:
        kind, text = self.tokens[-1] if self.tokens else ("", "")
        if kind == "text":
            self.tokens.pop()
            return unquoted(text)
        if kind == "name" and text.removesuffix("s") in _PERIODS:
            self.tokens.pop()
            return text.removesuffix("s")
        return None

    def moment(self, text: str) -> Moment:
        found = moment(text[1:])
        if found is None:
            raise ValueError(f"{text!r} is no date or time in {self.expression!r}")
        return found

    def invocation(self, of: Node | None) -> Node:
        name = self.name()
        if not self.follows("("):
            return Member(of, name)
        arguments: list[Node] = []
        while self.tokens and self.tokens[-1].text != ")":
            if arguments:
                self.expect(",")
            arguments.append(self.operation(0))
        self.expect(")")
        return Call(of, name, tuple(arguments))

    def type_name(self) -> Member:
        node = Member(None, self.name())
        while self.follows("."):
            node = Member(node, self.name())
        return node

    def name(self) -> str:
        kind, text = self.tokens.pop() if self.tokens else Token("", "")
        if kind not in ("name", "delimited"):
            raise ValueError(f"{text!r} is no name in {self.expression!r}")
        return unquoted(text) if kind == "delimited" else text

    def follows(self, mark: str) -> bool:
        """Return whether the next token is ``mark``, and pass over it."""
        if self.tokens and self.tokens[-1] == ("mark", mark):
            self.tokens.pop()
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.follows(mark):
            raise ValueError(f"{mark!r} is missing in {self.expression!r}")
