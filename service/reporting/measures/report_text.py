"""The text of a MeasureReport, for people (https://hl7.org/fhir/R4/narrative.html)."""

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from service.conformance.validation.xhtml import XHTML
from service.narrative.dates import Dates
from service.narrative.wording import WORDS
from service.reporting.measures.results import Period

_MEANT = {
    "summary": (
        "All counts are multiples of five: a random number is added to each before it is rounded, so that nothing can "
        "be learned about one person. Most are within five of what was counted, and nearly all within ten; small "
        "changes from one period to the next mean nothing. Fewer than five, or of fewer than five people, are not "
        "shown, and some that are little more."
    ),
    "individual": "What is told here is about one person, exact, and not to be passed on.",
    "subject-list": "Counts are exact, and the lists name the records that were counted: not to be passed on.",
}
"""By the type of the report what a reader has to know of its counts."""
_READ = (
    "Figures are for learning together. None is about a member of staff, and where people disagree that is information "
    "and no failure."
)
_BETTER = {"increase": "more is better", "decrease": "less is better", None: "for information"}
_NOT_SHOWN = "not shown"


class Row(NamedTuple):
    """One indicator, as it is read."""

    code: str
    title: str
    meaning: str
    direction: str | None
    """``increase`` where more is better, ``decrease`` where less is, None where neither is."""
    numerator: int | None
    denominator: int | None
    percent: float | None


def text_of(title: str, kind: str, period: Period, rows: Iterable[Row]) -> dict[str, str]:
    """Return the Narrative of a report of the type ``kind``; what is broken down stands in the report alone."""
    say = Dates(WORDS).say
    days = f"{say(period.start.isoformat())} to {say(period.end.isoformat())}"
    opening = "".join(f"<p>{escape(words)}</p>" for words in (_MEANT[kind], _READ))
    cells = ("Indicator", "What it means", "Direction", "Count", "Of", "Share")
    head = "".join(f"<th>{each}</th>" for each in cells)
    body = "".join(_row(row) for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return {
        "status": "generated",
        "div": f'<div xmlns="{XHTML}"><h2>{escape(title)}, {days}</h2>{opening}{table}</div>',
    }


def _row(row: Row) -> str:
    counts = [_NOT_SHOWN if count is None else str(count) for count in (row.numerator, row.denominator)]
    share = "" if row.percent is None else f"{row.percent:g} %"
    cells = (f"{row.code}: {row.title}", row.meaning, _BETTER[row.direction], *counts, share)
    return f"<tr>{''.join(f'<td>{escape(cell, quote=False)}</td>' for cell in cells)}</tr>"
