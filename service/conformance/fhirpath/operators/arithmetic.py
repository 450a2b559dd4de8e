"""Arithmetic, and putting texts together (http://hl7.org/fhirpath/N1/#math)."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from service.conformance.fhirpath.collection import Collection, EvaluationError, Scope
from service.conformance.fhirpath.kinds import SYSTEM
from service.conformance.fhirpath.system import is_number

_Calculation = Callable[[Any, Any], Any]
_Operator = Callable[[Collection, Collection], Collection]
_ALLOWED = ({"String"}, {"Integer"}, {"Decimal"}, {"Integer", "Decimal"})


def _sum(left: Any, right: Any) -> Any:
    return left + right


def _quotient(left: Any, right: Any) -> Any:
    return Decimal(left) / Decimal(right)


def _whole_quotient(left: Any, right: Any) -> Any:
    return int(Decimal(left) // Decimal(right))


def _remainder(left: Any, right: Any) -> Any:
    rest = Decimal(left) % Decimal(right)
    return int(rest) if isinstance(left, int) and isinstance(right, int) else rest


def _operator(calculate: _Calculation, of_texts: bool = False, result: str | None = None) -> _Operator:
    def compiled(left: Collection, right: Collection) -> Collection:
        systems = left.systems | right.systems
        is_static = not (left.is_typed or right.is_typed)
        if is_static and (systems not in _ALLOWED or (systems == {"String"} and not of_texts)):
            raise ValueError("Arithmetic is supported with numbers alone, and + with texts too")
        mine, theirs = left.value, right.value

        def item(focus: Any, scope: Scope) -> Any:
            one, other = mine(focus, scope), theirs(focus, scope)
            if one is None or other is None:
                return None
            if not (
                (is_number(one) and is_number(other)) or (of_texts and isinstance(one, str) and isinstance(other, str))
            ):
                raise EvaluationError
            try:
                return calculate(one, other)
            except ArithmeticError:
                return None  # division by zero gives nothing, and so does what is too large to be a number

        kind = result or ("Integer" if systems == {"Integer"} else "String" if "String" in systems else "Decimal")
        return Collection((SYSTEM[kind],), item=item)

    return compiled


def _concatenation(left: Collection, right: Collection) -> Collection:
    for operand in (left, right):
        if operand.kinds and not operand.is_typed and operand.systems != {"String"}:
            raise ValueError("The operator & puts texts together, and nothing else")
    mine, theirs = left.value, right.value

    def item(focus: Any, scope: Scope) -> str:
        return "".join(_text(value) for value in (mine(focus, scope), theirs(focus, scope)))

    return Collection((SYSTEM["String"],), item=item)


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise EvaluationError
    return value or ""


ARITHMETIC: dict[str, _Operator] = {
    "+": _operator(_sum, of_texts=True),
    "-": _operator(lambda left, right: left - right),
    "*": _operator(lambda left, right: left * right),
    "/": _operator(_quotient, result="Decimal"),
    "div": _operator(_whole_quotient, result="Integer"),
    "mod": _operator(_remainder),
    "&": _concatenation,
}
