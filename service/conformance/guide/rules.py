"""The rules of a profile: what each says, and when it applies (https://hl7.org/fhir/R4/conformance-rules.html#constraints)."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.conformance.definitions import Definition
from service.conformance.fhirpath.syntax import Call, Literal, Member, Node, Operation, parse
from service.conformance.structures import OF_EVERY_ELEMENT, Constraint

_STATUSES = ("status", "lifecycleStatus")


@dataclass(frozen=True, slots=True)
class Occasion:
    """The element that says where a record stands, and the codes of it at which a rule applies."""

    element: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant of a profile."""

    constraint: Constraint
    occasion: Occasion | None
    """None where the rule applies at any time."""


def own_rules(profile: Definition) -> list[Rule]:
    """Return the rules that ``profile`` adds to those of its type."""
    return [
        Rule(constraint, occasion(constraint.expression))
        for element in profile["differential"]["element"]
        for constraint in Constraint.of(element)
    ]


def inherited_rules(profile: Definition) -> list[Constraint]:
    """Return the rules that every resource of the profile's type keeps, whether or not it claims the profile."""
    left_out = {*OF_EVERY_ELEMENT, *(rule.constraint.key for rule in own_rules(profile))}
    every = [item for element in profile["snapshot"]["element"] for item in Constraint.of(element)]
    return list({item.key: item for item in every if item.key not in left_out}.values())


def occasion(expression: str) -> Occasion | None:
    """Return when an invariant asks for something: what it says of the status before ``implies``, None if nothing."""
    tree = parse(expression)
    if not isinstance(tree, Operation) or tree.operator != "implies":
        return None
    asked = list(_statuses(tree.left))
    return Occasion(asked[0][0], tuple(code for _, code in asked)) if asked else None


def _statuses(node: Node) -> Iterator[tuple[str, str]]:
    """Yield each element that tells a status with a code that it is compared with."""
    match node:
        case Operation("=", Member(None, name), Literal(str(code))) if name in _STATUSES:
            yield name, code
        case Call(Member(None, name), "where", (condition,)) if name in _STATUSES:
            yield from ((name, code) for code in _texts(condition))
        case Call(Call() as of, _, _):
            yield from _statuses(of)
        case Operation(_, left, right):
            yield from _statuses(left)
            yield from _statuses(right)


def _texts(node: Node) -> Iterator[str]:
    match node:
        case Literal(str(text)):
            yield text
        case Operation(_, left, right):
            yield from _texts(left)
            yield from _texts(right)
