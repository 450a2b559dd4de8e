"""Where the values of a search parameter stand in a stored document.

A parameter with at most one plain value has a field of its own, ``search.status``, so that it can be part of a
compound index. Dates and numbers are ``{lo, hi}``, or a list of those. All other values share the list ``words``, as
``code=value``, and so one index. What a list cannot be sorted by stands in ``order.<code>``: ``least`` and ``most``,
its smallest and its greatest value.
"""

from service.conformance.search_parameters import SearchParameter
from service.search.types import token

WORDS = "words"
_BOUNDED = frozenset({"date", "number"})


def is_bounded(parameter: SearchParameter) -> bool:
    """Return whether values are stored with a lower and an upper bound."""
    return parameter.type in _BOUNDED


def has_own_field(parameter: SearchParameter) -> bool:
    """Return whether the one plain value of the parameter is stored in a field of its own."""
    if not parameter.single:
        return False
    (branch,) = parameter.branches
    return {
        "token": branch.type in token.SCALARS,
        "reference": branch.type == "Reference" and bool(parameter.targets),  # for searches by id alone
        "uri": True,
    }.get(parameter.type, False)


def own_field(parameter: SearchParameter) -> str:
    """Return the field of a parameter that does not share ``words``."""
    return "_id" if parameter.code == "_id" else f"search.{parameter.code}"


def sort_field(parameter: SearchParameter, descending: bool) -> str:
    """Return the field that ``_sort`` goes by; it holds one value or is missing.

    Of several values that one counts which comes earliest in the order: the smallest, or the greatest if descending.
    """
    if has_own_field(parameter):
        return own_field(parameter)
    if is_bounded(parameter) and parameter.single:
        return f"{own_field(parameter)}.lo"
    return f"order.{parameter.code}.{'most' if descending else 'least'}"


def word(code: str, value: str) -> str:
    """Return a value of the parameter ``code`` as it stands in the shared list."""
    return f"{code}={value}"
