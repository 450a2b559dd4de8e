"""Tests joined by and, or, not and parentheses, as ``_filter``, ``_text`` and ``_content`` have them.

There is no precedence between and and or: they are taken from left to right, as
https://hl7.org/fhir/R4/search_filter.html says of ``_filter``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from service.search.predicate import Not, Predicate, all_of, any_of

MOST_TESTS = 100
"""Tests in one expression."""
DEEPEST = 20
"""Levels in one expression; parentheses make one, and so do not and each change between and and or."""

_AFTER_TEST = {True: "and or or", False: "and, or, or a closing parenthesis"}

Connective = Literal["and", "or"]
Mark = Connective | Literal["not", "(", ")"]
MARKS: dict[str, Mark] = {"and": "and", "or": "or", "not": "not", "(": "(", ")": ")"}


class Token(NamedTuple):
    """A mark or one test, and where in the text it starts."""

    at: int
    part: Mark | Predicate


@dataclass(slots=True)
class _Group:
    """What stands between two parentheses, as far as it has been read."""

    is_negated: bool = False
    parts: list[Predicate] = field(default_factory=list)
    levels: int = 0
    """Those of the deepest of ``parts``."""
    joined_by: Connective | None = None
    awaits_test: bool = True
    negates_next: bool = False

    def join(self, by: Connective) -> None:
        if self.joined_by not in (None, by):
            self.parts, self.levels = [self.whole()], self.levels + 1
        self.joined_by, self.awaits_test = by, True

    def add(self, part: Predicate, levels: int, *, is_negated: bool) -> None:
        self.parts.append(Not(part) if is_negated else part)
        self.levels = max(self.levels, levels + is_negated)
        self.awaits_test = self.negates_next = False

    def whole(self) -> Predicate:
        return any_of(self.parts) if self.joined_by == "or" else all_of(self.parts)


def read_expression(tokens: Iterable[Token], test: str) -> Predicate:
    """Return what ``tokens`` say; ``test`` is what a sentence calls a test.

    Raises ValueError where they are no expression, with the place, or are too many; none is taken after that.
    """
    groups, tests = [_Group()], 0
    for at, part in tokens:
        group = groups[-1]
        _check(part, at, group, test, is_outermost=len(groups) == 1)
        match part:
            case "and" | "or":
                group.join(part)
            case "not":
                group.negates_next = not group.negates_next
            case "(":
                groups.append(_Group(is_negated=group.negates_next))
            case ")":
                groups.pop()
                groups[-1].add(group.whole(), group.levels + 1, is_negated=group.is_negated)
            case _:
                tests += 1
                group.add(part, 0, is_negated=group.negates_next)
        if tests > MOST_TESTS:
            raise refusal(at, f"is {test} too many: at most {MOST_TESTS} can be joined")
        if max(len(groups) - 1, groups[-1].levels) > DEEPEST:
            raise refusal(
                at,
                f"is too deep: at most {DEEPEST} levels can be read, and parentheses, not, and each change "
                "between and and or make one",
            )
    if groups[-1].awaits_test:
        raise ValueError(f"At the end, {test} is missing")
    if len(groups) > 1:
        raise ValueError("At the end, a closing parenthesis is missing")
    return groups[0].whole()


def refusal(at: int, reason: str) -> ValueError:
    """Return the error that says why the expression cannot be read from the character ``at``, counted from 0."""
    return ValueError(f"Character {at + 1} {reason}")


def _check(part: Mark | Predicate, at: int, group: _Group, test: str, *, is_outermost: bool) -> None:
    """Raise ValueError where ``part`` cannot follow what has been read."""
    if group.awaits_test:
        if part in ("and", "or", ")"):
            raise refusal(at, f"cannot stand here: {test} is expected")
    elif part not in ("and", "or", ")"):
        raise refusal(at, f"cannot stand here: {_AFTER_TEST[is_outermost]} is expected")
    elif part == ")" and is_outermost:
        raise refusal(at, "closes a parenthesis that was not opened")
