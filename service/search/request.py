"""From the parameters of a search to what it asks for (https://hl7.org/fhir/R4/search.html)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from service.conformance.search_parameters import SearchParameter
from service.fhir.entry import Parameters, whole_number
from service.fhir.outcome import LONGEST_VALUE, Issue, OutcomeError, did_you_mean, shown
from service.search import fields
from service.search.predicate import Predicate, all_of
from service.search.source import SortKey
from service.search.types.reference import References
from service.search.values import ValueReader

T = TypeVar("T")

CONTROL = ("_sort", "_count", "_total", "_page")
"""The parameters that say how the result is to come."""
TOTALS = ("none", "estimate", "accurate")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What a search asks for."""

    predicate: Predicate
    sort: tuple[SortKey, ...]
    count: int
    total: str
    page: str | None
    """The token of a page after the first."""
    applied: Parameters
    """The parameters that were understood, without the page token, as the self link gives them."""
    ignored: tuple[Issue, ...]
    """What a lenient client sent and the service did not understand."""


@dataclass(frozen=True, slots=True)
class PageSizes:
    """Matches on a page where ``_count`` is not given, and the most that it may ask for."""

    default: int
    largest: int


class SearchParser:
    """Reads the searches of one resource type."""

    def __init__(
        self,
        parameters: dict[str, SearchParameter],
        references: References,
        sizes: PageSizes,
        now: Callable[[], int],
    ) -> None:
        self._parameters = parameters
        self._values = ValueReader(references, now)
        self._sizes = sizes

    def parse(self, parameters: Parameters, *, lenient: bool) -> SearchRequest:
        """Return what ``parameters`` ask for; raises OutcomeError with every parameter that cannot be read.

        ``lenient`` drops unknown parameters; a known one with an unusable value is refused all the same.
        """
        known = [item for item in parameters if self._is_known(item[0])]
        unknown = tuple(self._unknown(name) for name, _ in parameters if not self._is_known(name))
        refused = [] if lenient else list(unknown)
        control = _Control([item for item in known if item[0] in CONTROL], refused)
        predicates = []
        for name, text in known:
            if name in self._parameters:
                predicates.append(control.attempt(name, partial(self._values.predicate, self._parameters[name]), text))
        asked = control.value("_count", self._count)
        request = SearchRequest(
            predicate=all_of(item for item in predicates if item is not None),
            sort=control.value("_sort", self._sort) or (SortKey("_id"),),
            count=self._sizes.default if asked is None else asked,
            total=control.value("_total", _total) or "none",
            page=control.value("_page", str),
            applied=[item for item in known if item[0] != "_page"],
            ignored=unknown,
        )
        if refused:
            raise OutcomeError(*refused)
        return request

    def _is_known(self, name: str) -> bool:
        return name in self._parameters or name in CONTROL

    def _sort(self, text: str) -> tuple[SortKey, ...]:
        keys = []
        for item in text.split(","):
            name = item.removeprefix("-")
            if name not in self._parameters:
                raise ValueError(f"Cannot sort by {name[:64]!a}{self._hint(name)}")
            descending = item.startswith("-")
            keys.append(SortKey(fields.sort_field(self._parameters[name], descending), descending))
        if len(keys) > 4:
            raise ValueError("At most 4 parameters can be sorted by")
        return _decisive(keys)

    def _count(self, text: str) -> int:
        count = whole_number(text, self._sizes.largest)
        if count is None:
            raise ValueError(f"This is a whole number from 0 to {self._sizes.largest}")
        return count

    def _unknown(self, name: str) -> Issue:
        code, colon, modifier = name.partition(":")
        told = shown(name)
        if colon and code in self._parameters:
            sentence = f"The modifier :{shown(modifier)} of {code} is not supported"
        elif "." in name or name.startswith("_has"):
            sentence = f"{told}: chained searches are not supported"
        else:
            sentence = f"There is no search parameter {told}{self._hint(code)}"
        return Issue("unknown-parameter", sentence, f"http.{told}")

    def _hint(self, name: str) -> str:
        known = [*self._parameters, *CONTROL, "_summary", "_elements"]
        return did_you_mean(name[:LONGEST_VALUE], known)


class _Control:
    """The control parameters of one search; what is wrong with them, or any other, goes to ``refused``."""

    def __init__(self, given: Parameters, refused: list[Issue]) -> None:
        self._given = dict(given)
        self._refused = refused
        names = [name for name, _ in given]
        for name in self._given:
            if names.count(name) > 1:
                self._refuse(name, "This parameter is given twice")

    def value(self, name: str, read: Callable[[str], T]) -> T | None:
        """Return the value of a parameter, or None where it is not given or cannot be read."""
        return self.attempt(name, read, self._given[name]) if name in self._given else None

    def attempt(self, name: str, read: Callable[[str], T], text: str) -> T | None:
        """Return what ``read`` makes of ``text``, or None where that raises ValueError."""
        try:
            return read(text)
        except ValueError as error:
            self._refuse(name, str(error))
            return None

    def _refuse(self, name: str, reason: str) -> None:
        self._refused.append(Issue("parameter-value", f"{name}: {reason}", f"http.{name}"))


def _decisive(keys: Iterable[SortKey]) -> tuple[SortKey, ...]:
    """Return ``keys`` without those that decide nothing: what has been sorted by before, and all after the id."""
    found: dict[str, SortKey] = {}
    for key in (*keys, SortKey("_id")):
        found.setdefault(key.field, key)
        if key.field == "_id":
            break
    return tuple(found.values())


def _total(text: str) -> str:
    if text not in TOTALS:
        raise ValueError(f"This is one of: {', '.join(TOTALS)}")
    return text
