"""From the parameters of a search to what it asks for (https://hl7.org/fhir/R4/search.html)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from service.conformance.terminology import Terminology
from service.fhir.entry import Parameters, whole_number
from service.fhir.outcome import MOST_SHOWN, Issue, OutcomeError, shown
from service.search import criteria, fields
from service.search.criteria import Criteria, UnknownParameterError
from service.search.include import INCLUDES, MOST_INCLUDES, Include, read_include
from service.search.modifier import Knowledge
from service.search.order import decisive, natural_order
from service.search.predicate import Predicate, all_of
from service.search.references import References
from service.search.source import SortKey, Source

T = TypeVar("T")

TOTALS = ("none", "estimate", "accurate")
CONTAINED = ("false", "true", "both")
CONTAINED_TYPES = ("container", "contained")
MOST_SORT_KEYS = 4
MOST_CHARACTERS = 64_000
"""Of all values of one search together."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a service allows in its searches."""

    page_size: int
    """Matches on a page where ``_count`` is not given."""
    largest_page: int
    """The most that ``_count`` may ask for."""
    explain: bool = False
    """Whether ``_explain`` may ask how a search is done."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What a search asks for."""

    predicates: Mapping[str, Predicate]
    """What is demanded of the resources of each type that is searched."""
    order: Mapping[str, tuple[SortKey, ...]]
    count: int
    total: str
    page: str | None
    """The token of a page after the first."""
    contained: str
    contained_type: str
    includes: tuple[Include, ...]
    explain: bool
    used: Mapping[str, set[str]]
    """By type the codes of the parameters that it goes by."""
    applied: Parameters
    """The parameters that were understood and say what is searched, as the self link gives them."""
    ignored: tuple[Issue, ...]
    """What a lenient client sent and the service did not understand."""

    @property
    def sources(self) -> list[Source]:
        """What is searched."""
        return [Source(name, predicate, self.order[name]) for name, predicate in self.predicates.items()]


class SearchParser:
    """Reads the searches over ``types``, the search parameters of each resource type by their codes.

    The types in ``linked`` are those whose resources refer to each other.
    """

    def __init__(
        self,
        types: Mapping[str, criteria.Parameters],
        linked: Collection[str],
        terminology: Terminology,
        references: References,
        now: Callable[[], int],
        settings: Settings,
    ) -> None:
        self.types = dict(types)
        self.linked = frozenset(linked)
        self._knowledge = Knowledge(references, terminology, now)
        self._settings = settings

    def parse(
        self,
        parameters: Parameters,
        types: Sequence[str],
        *,
        base: str = "",
        lenient: bool = False,
        now: int | None = None,
    ) -> SearchRequest:
        """Return what ``parameters`` ask of the resources of ``types``, for a client who calls this server ``base``.

        Raises OutcomeError with every parameter that cannot be read. ``lenient`` drops unknown parameters; a known one
        with an unusable value is refused all the same. What is approximately now is so at ``now``, where that is given.
        """
        references = self._knowledge.references.asked_at(base) if base else self._knowledge.references
        clock = self._knowledge.now if now is None else lambda: now
        knowledge = Knowledge(references, self._knowledge.terminology, clock)
        if sum(len(text) for _, text in parameters) > MOST_CHARACTERS:
            raise OutcomeError(Issue("parameter-value", f"A search has at most {MOST_CHARACTERS} characters of values"))
        reading = _Reading(self, Criteria(self.types, self.linked, knowledge), types, lenient)
        for name, text in parameters:
            reading.read(name, text)
            if len(reading.refused) > MOST_SHOWN:
                break  # nobody is told of more
        if reading.refused:
            raise OutcomeError(*reading.refused)
        return reading.request()

    @property
    def types_linked(self) -> dict[str, criteria.Parameters]:
        """The types whose resources refer to each other, and their parameters."""
        return {name: parameters for name, parameters in self.types.items() if name in self.linked}

    @property
    def settings(self) -> Settings:
        """What is allowed."""
        return self._settings


@dataclass(slots=True)
class _Reading:
    """The parameters of one search that have been read so far."""

    parser: SearchParser
    criteria: Criteria
    types: Sequence[str]
    lenient: bool
    refused: list[Issue] = field(default_factory=list)
    ignored: list[Issue] = field(default_factory=list)
    applied: Parameters = field(default_factory=list)
    demands: list[list[Predicate]] = field(default_factory=list)
    """For each criterion what it demands of each of the types."""
    results: dict[str, object] = field(default_factory=dict)
    includes: list[Include] = field(default_factory=list)

    def read(self, name: str, text: str) -> None:
        plain = name.partition(":")[0]
        if plain in INCLUDES:
            found = self._attempt(name, text, partial(read_include, name, text, self.parser.types_linked, self.types))
            self.includes.extend(found or ())
            if len(self.includes) > MOST_INCLUDES:
                self._refuse(name, f"A search has at most {MOST_INCLUDES} includes")
        elif name in _RESULT:
            if name in self.results:
                self._refuse(name, "This parameter is given twice")
            self.results[name] = self._attempt(name, text, partial(_RESULT[name], self, text))
        else:
            read = partial(self.criteria.read, name=name, text=text)
            demand = self._attempt(name, text, lambda: [read(each) for each in self.types])
            if demand is not None:
                self.demands.append(demand)

    def request(self) -> SearchRequest:
        together = [all_of(demands) for demands in zip(*self.demands, strict=True)] or [all_of(())] * len(self.types)
        predicates = dict(zip(self.types, together, strict=True))
        contained = str(self.results.get("_contained", "false"))
        given = self.results.get("_sort")
        order = given if isinstance(given, dict) else natural_order(predicates)
        return SearchRequest(
            predicates=predicates,
            order={name: decisive(keys, predicates[name], len(order) == 1) for name, keys in order.items()},
            count=self._count_asked(),
            total=str(self.results.get("_total", "none")),
            page=self._page_asked(),
            contained=contained,
            contained_type=str(self.results.get("_containedType", "container")),
            includes=tuple(self.includes),
            explain=bool(self.results.get("_explain")),
            used=self._used(),
            applied=[item for item in self.applied if item[0] not in ("_page", "_explain")],
            ignored=tuple(self.ignored),
        )

    def _used(self) -> dict[str, set[str]]:
        used = {name: set(codes) for name, codes in self.criteria.used.items()}
        for include in self.includes:
            used.setdefault(include.type, set()).update(item.code for item in include.parameters)
        if self.results.get("_contained", "false") != "false":
            for name in self.parser.types:
                used.setdefault(name, set()).add("_contained")
        return used

    def _count_asked(self) -> int:
        asked = self.results.get("_count")
        return asked if isinstance(asked, int) else self.parser.settings.page_size

    def _page_asked(self) -> str | None:
        token = self.results.get("_page")
        return token if isinstance(token, str) else None

    def _attempt(self, name: str, text: str, read: Callable[[], T]) -> T | None:
        """Return what ``read`` gives, or None where it raises; what was understood counts as applied."""
        try:
            found = read()
        except UnknownParameterError as error:
            issue = Issue("unknown-parameter", str(error), f"http.{shown(name)}")
            (self.ignored if self.lenient else self.refused).append(issue)
        except ValueError as error:
            self._refuse(name, str(error))
        else:
            self.applied.append((name, text))
            return found
        return None

    def _refuse(self, name: str, reason: str) -> None:
        self.refused.append(Issue("parameter-value", f"{shown(name)}: {reason}", f"http.{shown(name)}"))


def _sort(reading: _Reading, text: str) -> dict[str, list[SortKey]]:
    items = text.split(",")
    if len(items) > MOST_SORT_KEYS:
        raise ValueError(f"At most {MOST_SORT_KEYS} parameters can be sorted by")
    keys: dict[str, list[SortKey]] = {name: [] for name in reading.types}
    for item in items:
        descending = item.startswith("-")
        for name, its_keys in keys.items():
            try:
                parameter = reading.criteria.parameter(name, item.removeprefix("-"))
            except UnknownParameterError as error:
                raise ValueError(f"Cannot sort by that. {error}") from None
            its_keys.append(SortKey(fields.sort_field(parameter, descending), descending))
    return keys


def _count(reading: _Reading, text: str) -> int:
    count = whole_number(text, reading.parser.settings.largest_page)
    if count is None:
        raise ValueError(f"This is a whole number from 0 to {reading.parser.settings.largest_page}")
    return count


def _one_of(known: Sequence[str]) -> Callable[[_Reading, str], str]:
    def read(_: _Reading, text: str) -> str:
        if text not in known:
            raise ValueError(f"This is one of: {', '.join(known)}")
        return text

    return read


def _explain(reading: _Reading, text: str) -> bool:
    if text == "true" and not reading.parser.settings.explain:
        raise ValueError("How a search is done is told where the setting RECOVERY_EXPLAIN is yes")
    return _one_of(("true", "false"))(reading, text) == "true"


_RESULT: Mapping[str, Callable[[_Reading, str], object]] = {
    "_sort": _sort,
    "_count": _count,
    "_total": _one_of(TOTALS),
    "_page": lambda _, text: text,
    "_contained": _one_of(CONTAINED),
    "_containedType": _one_of(CONTAINED_TYPES),
    "_explain": _explain,
}
"""The parameters that say how the result is to come, and what reads each of them."""

RESULT_PARAMETERS = frozenset((*_RESULT, *INCLUDES))
"""Those and the includes: a condition, which only selects, has none of them."""
