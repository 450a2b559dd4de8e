"""The parameters of a history (https://hl7.org/fhir/R4/http.html#history)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from service.fhir.datetimes import moment_of
from service.fhir.entry import Parameters, once, whole_number
from service.fhir.outcome import Issue, OutcomeError, did_you_mean, shown
from service.interactions.context import Context
from service.interactions.representation import VIEW, Views
from service.search.types.date import query_stretch
from service.store.history import Within

T = TypeVar("T")

_KNOWN = ("_count", "_since", "_at", "_page", *VIEW)
_NOT_TAKEN = {
    "_sort": "A history comes with the latest version first; R4 has no other order for it",
    "_list": "The versions that a list refers to cannot be asked for; there are no lists here",
}
_MILLISECOND = 1_000


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """What a history asks for."""

    within: Within
    count: int
    page: str | None
    """The token of a page after the first."""
    views: Views
    """The parts of the resources that are to be shown."""


def read_parameters(parameters: Parameters, types: Sequence[str], context: Context) -> HistoryRequest:
    """Return what ``parameters`` ask of the history of ``types``; raises OutcomeError with all that cannot be read."""
    unknown = [_unknown(name) for name, _ in parameters if name not in _KNOWN]
    if unknown:
        raise OutcomeError(*unknown)
    views, asked = Views(parameters, types, context), once(parameters)
    if views.counts_only:
        raise OutcomeError(Issue("parameter-value", "_summary=count is for searches", "http._summary"))
    settings = context.search_parser.settings
    refused: list[Issue] = []

    def read(name: str, of_text: Callable[[str], T]) -> T | None:
        text = asked.get(name)
        try:
            return None if text is None else of_text(text)
        except (ValueError, OverflowError) as error:
            reason = str(error) if isinstance(error, ValueError) else "There is no such time"
            refused.append(Issue("parameter-value", f"{name}: {reason}", f"http.{name}"))
            return None

    count = read("_count", lambda text: _count(text, settings.largest_page))
    within = Within(read("_since", _since), read("_at", _period))
    if refused:
        raise OutcomeError(*refused)
    return HistoryRequest(within, settings.page_size if count is None else count, asked.get("_page"), views)


def _unknown(name: str) -> Issue:
    plain = f"A history has no parameter {shown(name)}{did_you_mean(name, _KNOWN)}"
    return Issue("unknown-parameter", _NOT_TAKEN.get(name, plain), f"http.{shown(name)}")


def _count(text: str, largest: int) -> int:
    count = whole_number(text, largest)
    if count is None:
        raise ValueError(f"This is a whole number from 0 to {largest}")
    return count


def _since(text: str) -> datetime:
    """Return the first millisecond that is not before the time in ``text``: versions are of whole ones."""
    return moment_of(-(-query_stretch(text)[0] // _MILLISECOND) * _MILLISECOND)


def _period(text: str) -> tuple[datetime, datetime]:
    start, end = query_stretch(text)
    return moment_of(start), moment_of(end)
