"""What a compiled expression gives: a collection, as functions of an element and of what stands around it.

Everything in FHIRPath is a collection; most hold one value at most, and many are only asked whether they hold any. So
each collection comes as several functions, of which whoever asks takes the one that does no more than is needed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from service.conformance.fhirpath.kinds import SYSTEM, UNTYPED, Kind
from service.conformance.fhirpath.system import System
from service.conformance.fhirpath.values import Node, reader

_NONE_SHARED: dict[int, Any] = {}


class Scope(NamedTuple):
    """What an expression can speak of beside its own element."""

    resource: dict[str, Any]
    """``%resource``: the resource that the element stands in, a contained one where it is in one."""
    root: dict[str, Any]
    """``%rootResource``: the outermost."""
    context: Any = None
    """``%context``: set where the expression speaks of it."""
    position: int = 0
    """``$index``: set where the expression speaks of it."""
    row: int = 0
    """``%rowIndex``: which of the elements this is that a view goes through."""
    shared: dict[int, Any] = _NONE_SHARED
    """What has been found of the element for several expressions about it: set where they share anything."""


class EvaluationError(ValueError):
    """The expression cannot be evaluated: it needs one value and has several, or one of another type."""


Get = Callable[[Any, Scope], Any]
"""Takes the element that the expression is asked about (``$this``), and the scope."""
Truth = Callable[[Any, Scope], bool | None]


class MemberIs(NamedTuple):
    """The condition that the member ``key`` of the element is ``text``."""

    key: str
    text: str


class Collection:
    """A compiled expression.

    ``kinds`` are the types that its values can be of. Where that is one, values stand as in JSON; where there are
    several, each is a Node.
    """

    key: str | None = None
    """The member of the element that it gives, where that is a single text and nothing else is needed to know it."""
    literal: System | None = None
    """The value that it always is."""
    asks: MemberIs | None = None
    """What it asks of the element, where it is nothing but that."""
    narrowed: "Callable[[str], Collection] | None" = None
    """Returns those of one type, where there is a shorter way to them than through all."""
    told: "Callable[[str], Truth] | None" = None
    """Returns whether the one value is of a type, where more is known of it than the value."""

    def __init__(
        self,
        kinds: Iterable[Kind],
        *,
        items: Get | None = None,
        item: Get | None = None,
        exists: Truth | None = None,
        value: Get | None = None,
    ) -> None:
        self.kinds = tuple(dict.fromkeys(kinds))
        self.is_single = item is not None
        self.items: Get = items or _as_list(_required(item))
        """Returns all values, as a sequence that nobody changes."""
        self.item: Get = item or _as_single(self.items)
        """Returns the one value, or None where there is none; raises EvaluationError."""
        self.exists: Truth = exists or (_is_there(self.item) if self.is_single else _are_there(self.items))
        self.read = reader(self.kinds)
        """Takes a value, and returns its System value."""
        self.value: Get = value or _read(self.item, self.read)
        """Returns the System value of the one value, or None; raises EvaluationError."""
        self.values: Get = _values(self.items, self.read)
        """Returns the System values of all that have one."""
        self.truth: Truth = _truth(self)
        """Returns whether it is true, or None where that is not known; raises EvaluationError."""

    @property
    def is_typed(self) -> bool:
        """Whether each value is a Node."""
        return len(self.kinds) > 1 or self.kinds == (UNTYPED,)

    @property
    def is_this(self) -> bool:
        """Whether it is the element itself."""
        return self.item is _itself

    @property
    def systems(self) -> set[str | None]:
        """The System types that its values can have; None stands for values that have none, or an unknown one."""
        return {kind.system for kind in self.kinds}


def this(kinds: Iterable[Kind]) -> Collection:
    """Return the element itself."""
    of = tuple(kinds)
    is_read_as_it_is = len(of) == 1 and of[0].system in ("String", "Boolean")
    return Collection(of, item=_itself, value=_its_value if is_read_as_it_is else None)


def boolean(truth: Truth) -> Collection:
    """Return the collection of one truth value, or none where ``truth`` gives None."""
    return Collection((SYSTEM["Boolean"],), item=truth, value=truth)


def constant(value: System, system: str) -> Collection:
    """Return the collection of one System value."""
    found = Collection((SYSTEM[system],), item=lambda focus, scope: value, exists=lambda focus, scope: True)
    found.literal = value
    return found


def holds(truth: Truth) -> Callable[[Any, Scope], bool]:
    """Return whether something is true: not false, not unknown, and nothing that cannot be evaluated."""

    def is_so(focus: Any, scope: Scope) -> bool:
        try:
            return truth(focus, scope) is True
        except (EvaluationError, ArithmeticError):
            return False

    return is_so


def chain(of: Collection, below: Collection) -> Collection:
    """Return what ``below`` gives for each value of ``of``."""
    if of.is_this:
        return below
    if of.is_single and below.is_single:
        return Collection(
            below.kinds,
            item=_then(of.item, below.item, None),
            exists=_then(of.item, below.exists, False),
            value=_then(of.item, below.value, None),
        )
    return Collection(below.kinds, items=_flat(of, below), exists=_any(of.items, below.exists))


def _itself(focus: Any, scope: Scope) -> Any:
    return focus


def _its_value(focus: Any, scope: Scope) -> Any:
    return focus.value if type(focus) is Node else focus


def _required(item: Get | None) -> Get:
    assert item is not None
    return item


def _as_list(item: Get) -> Get:
    return lambda focus, scope: () if (found := item(focus, scope)) is None else (found,)


def _as_single(items: Get) -> Get:
    def item(focus: Any, scope: Scope) -> Any:
        found: Sequence[Any] = items(focus, scope)
        if len(found) > 1:
            raise EvaluationError
        return found[0] if found else None

    return item


def _is_there(item: Get) -> Truth:
    return lambda focus, scope: item(focus, scope) is not None


def _are_there(items: Get) -> Truth:
    return lambda focus, scope: bool(items(focus, scope))


def _then(first: Get, following: Get, otherwise: Any) -> Get:
    def get(focus: Any, scope: Scope) -> Any:
        found = first(focus, scope)
        return otherwise if found is None else following(found, scope)

    return get


def _flat(of: Collection, below: Collection) -> Get:
    outer = of.items
    if below.is_single:
        inner = below.item
        return lambda focus, scope: [item for one in outer(focus, scope) if (item := inner(one, scope)) is not None]
    inner = below.items
    return lambda focus, scope: [item for one in outer(focus, scope) for item in inner(one, scope)]


def _any(items: Get, exists: Truth) -> Truth:
    def any_of_them(focus: Any, scope: Scope) -> bool:
        for item in items(focus, scope):  # noqa: SIM110 - a generator costs more than the loop
            if exists(item, scope):
                return True
        return False

    return any_of_them


def _read(item: Get, read: Callable[[Any], Any]) -> Get:
    return lambda focus, scope: None if (found := item(focus, scope)) is None else read(found)


def _values(items: Get, read: Callable[[Any], Any]) -> Get:
    return lambda focus, scope: [value for item in items(focus, scope) if (value := read(item)) is not None]


def _truth(collection: Collection) -> Truth:
    """Singleton evaluation: a truth value is itself, another single value is true."""
    if collection.systems == {"Boolean"}:
        return collection.value
    item, read = collection.item, collection.read

    def truth(focus: Any, scope: Scope) -> bool | None:
        found = item(focus, scope)
        if found is None:
            return None
        value = read(found)
        return value if type(value) is bool else True

    return truth


EMPTY = Collection((), item=lambda focus, scope: None, exists=lambda focus, scope: False)
"""The collection of nothing."""
