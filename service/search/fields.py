"""Where the values of a search parameter stand in a stored document.

A parameter with at most one plain value has a field of its own, ``search.status``, so that it can be part of a
compound index. Dates, numbers and quantities are ``{lo, hi}``, or a list of those; a composite is a list of members,
each an index of its own. All other values share the list ``words``, as ``code=value``, and so one index; what
modifiers ask for stands there too, as ``code:text=value``. What a list cannot be sorted by stands in ``order.<code>``:
its smallest and its greatest value.
"""

from collections.abc import Iterable

from service.conformance.search_parameters import COMPOSITE, SearchParameter
from service.search.predicate import OneOf, Predicate, Present, StartsWith, any_of

WORDS = "words"
TERMS = "terms"
"""The words of the texts of a resource, which no parameter has for itself."""
CONTAINED = "contained"
"""The indexes of the resources that a resource contains."""
BARE = "="
"""The form of an element that is there and says nothing by which it could be found."""
LEAST, MOST, LAST = "least", "most", "last"
"""Of several values the smallest and the greatest; of stretches those that begin first, begin last and end last."""
_BOUNDED = frozenset({"date", "number", "quantity"})
_PLAIN = frozenset({"code", "id", "boolean", "string", "uri"})
"""Types of one plain value, which is stored as it is when a resource can have only one."""


def is_bounded(parameter: SearchParameter) -> bool:
    """Return whether values are stored with a lower and an upper bound."""
    return parameter.type in _BOUNDED


def is_one_span(parameter: SearchParameter) -> bool:
    """Return whether the bounds are those of one value, not members of a list."""
    return is_bounded(parameter) and parameter.single and parameter.type != "quantity"


def has_own_field(parameter: SearchParameter) -> bool:
    """Return whether the one plain value of the parameter is stored in a field of its own."""
    if not parameter.single:
        return False
    (branch,) = parameter.branches
    return {
        "token": branch.type in _PLAIN,
        "reference": branch.type == "Reference" and bool(parameter.targets),  # for searches by id alone
        "uri": True,
    }.get(parameter.type, False)


def own_field(parameter: SearchParameter) -> str:
    """Return the field of a parameter that does not share ``words``."""
    return "_id" if parameter.code == "_id" else f"search.{parameter.code}"


def sort_field(parameter: SearchParameter, descending: bool) -> str:
    """Return the field that ``_sort`` goes by; it holds one value or is missing. Raises ValueError for a composite.

    Of several values that one counts which comes earliest in the order: the smallest, or the greatest if descending.
    """
    if parameter.type == COMPOSITE:
        raise ValueError(f"{parameter.code} has several parts; sort by one of them")
    if has_own_field(parameter):
        return own_field(parameter)
    if is_one_span(parameter):
        return f"{own_field(parameter)}.lo"
    return extreme(parameter, MOST if descending else LEAST)


def extreme(parameter: SearchParameter, name: str) -> str:
    """Return the field of the least or the greatest of several values."""
    return f"order.{parameter.code}.{name}"


def word(parameter: SearchParameter, form: str) -> str:
    """Return a form of a value, such as ``=a`` or ``:text=hope``, as it stands in the shared list."""
    return parameter.code + form


def equal(parameter: SearchParameter, values: Iterable[str]) -> Predicate:
    """Return the predicate that one of the plain ``values`` is among those of the parameter."""
    if has_own_field(parameter):
        return OneOf(own_field(parameter), tuple(values))
    return OneOf(WORDS, tuple(word(parameter, f"={value}") for value in values))


def starting(parameter: SearchParameter, form: str) -> Predicate:
    """Return the predicate that a form in the shared list starts with ``form``."""
    return StartsWith(WORDS, word(parameter, form))


def present(parameter: SearchParameter) -> Predicate:
    """Return the predicate that the resource has an element which the parameter is about."""
    own: list[Predicate] = []
    if has_own_field(parameter) or is_bounded(parameter):
        own = [Present(sort_field(parameter, descending=False))]  # of what is in a list, that is in an index
    elif parameter.type == COMPOSITE:
        own = [Present(own_field(parameter))]
    return any_of([*own, starting(parameter, "="), starting(parameter, ":")])


def link(parameter: SearchParameter) -> tuple[str, str]:
    """Return the field where references of the parameter stand, and what stands there before ``Type/id``."""
    return (own_field(parameter), "") if has_own_field(parameter) else (WORDS, word(parameter, "="))
