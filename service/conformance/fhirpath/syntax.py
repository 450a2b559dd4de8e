"""The syntax of the FHIRPath that search parameters use, as a tree (http://hl7.org/fhirpath/N1/grammar.html)."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """A text or a truth value."""

    value: str | bool


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
    """``%name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """``left operator right``; for ``is`` and ``as`` the right side is the name of a type."""

    operator: str
    left: "Node"
    right: "Node"


Node = Literal | Member | Call | Variable | Operation

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<name>%?[A-Za-z_]\w*)|(?P<mark>[().,|=]))")
_LEVELS = (("implies",), ("or", "xor"), ("and",), ("=",), ("is", "as"), ("|",))
"""Operators from the loosest to the tightest; FHIRPath puts the union above the type operators."""


def parse(expression: str) -> Node:
    """Return the tree of ``expression``; raises ValueError where it uses what is not supported."""
    parser = _Parser(expression)
    tree = parser.operation(0)
    if parser.tokens:
        raise ValueError(f"{parser.tokens[-1]!r} is not expected in {expression!r}")
    return tree


class _Parser:
    """Recursive descent over the tokens, which are kept last first."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens: list[str] = []
        position = 0
        text = expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise ValueError(f"{text[position:]!r} is not supported in {expression!r}")
            self.tokens.append(match.group().strip())
            position = match.end()
        self.tokens.reverse()

    def operation(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.path()
        left = self.operation(level + 1)
        while self.tokens and self.tokens[-1] in _LEVELS[level]:
            operator = self.tokens.pop()
            left = Operation(operator, left, self.operation(level + 1))
        return left

    def path(self) -> Node:
        node = self.start()
        while self.tokens and self.tokens[-1] == ".":
            self.tokens.pop()
            node = self.member(node)
        return node

    def start(self) -> Node:
        if not self.tokens:
            raise ValueError(f"{self.expression!r} ends too early")
        first = self.tokens[-1]
        if first == "(":
            self.tokens.pop()
            node = self.operation(0)
            self.expect(")")
            return node
        if first.startswith("'"):
            return Literal(re.sub(r"\\(.)", r"\1", self.tokens.pop()[1:-1]))
        if first.startswith("%"):
            return Variable(self.tokens.pop()[1:])
        if first in ("true", "false"):
            return Literal(self.tokens.pop() == "true")
        return self.member(None)

    def member(self, of: Node | None) -> Node:
        name = self.tokens.pop() if self.tokens else ""
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError(f"{name!r} is no name in {self.expression!r}")
        if not self.tokens or self.tokens[-1] != "(":
            return Member(of, name)
        self.tokens.pop()
        arguments: list[Node] = []
        while self.tokens and self.tokens[-1] != ")":
            if arguments:
                self.expect(",")
            arguments.append(self.operation(0))
        self.expect(")")
        return Call(of, name, tuple(arguments))

    def expect(self, mark: str) -> None:
        if not self.tokens or self.tokens.pop() != mark:
            raise ValueError(f"{mark!r} is missing in {self.expression!r}")
