"""Generated expressions of tests, and, or, not and parentheses, with their plain meaning; how reading time grows."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st


@dataclass(frozen=True)
class Expression:
    """Items with a connective before each but the first; an item is a test or an expression in parentheses."""

    items: "tuple[tuple[str, bool, str | Expression], ...]"
    """Connective, whether the item is negated, and the item."""

    def written(self, test: Callable[[str], str], negation: str, implied_and: bool = False) -> str:
        """Return it as text, with ``test`` as the spelling of a test."""
        parts = []
        for number, (connective, negated, item) in enumerate(self.items):
            if number and not (implied_and and connective == "and"):
                parts.append(connective)
            inner = test(item) if isinstance(item, str) else item.written(test, negation, implied_and)
            bare = isinstance(item, str) and not negated
            parts.append(inner if bare else f"{negation if negated else ''}({inner})")
        return " ".join(parts)


def truth(expression: Expression, true: set[str]) -> bool:
    """Return whether ``expression`` holds where the tests in ``true`` do, from left to right."""
    result = False
    for number, (connective, negated, item) in enumerate(expression.items):
        value = (item in true if isinstance(item, str) else truth(item, true)) is not negated
        if number == 0:
            result = value
        elif connective == "and":
            result = result and value
        else:
            result = result or value
    return result


def expressions() -> st.SearchStrategy[Expression]:
    """Return expressions of the tests a, b, c and d, four levels deep."""

    def of(items: st.SearchStrategy[str | Expression]) -> st.SearchStrategy[Expression]:
        item = st.tuples(st.sampled_from(["and", "or"]), st.booleans(), items)
        return st.lists(item, min_size=1, max_size=4).map(lambda found: Expression(tuple(found)))

    tests: st.SearchStrategy[str | Expression] = st.sampled_from("abcd")
    level = of(tests)
    for _ in range(3):
        level = of(tests | level)
    return level


def assert_linear(read: Callable[[int], object]) -> None:
    """Assert that a text of 16 times the size takes about 16 times as long; quadratic would be 256."""

    def seconds(size: int) -> float:
        spent = []
        for _ in range(5):
            start = time.process_time()
            read(size)
            spent.append(time.process_time() - start)
        return min(spent)

    assert seconds(80_000) < 64 * seconds(5_000) + 0.01
