"""The published figures as CSV (https://www.rfc-editor.org/rfc/rfc4180), a line for each indicator, group and month."""

import csv
import io
from collections.abc import Collection, Iterator

from service.reporting.dashboard.figures import Cell, Figures, Indicator, Series
from service.reporting.dashboard.wording import WORDS

HEAD = ("indicator", "title", "better", "month", "by", "group", "counted", "of", "percent", "note")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet(figures: Figures, codes: Collection[str] = (), by: str | None = None) -> str:
    """Return the figures, those of ``codes`` only where there are any.

    ``by`` says whose: None for all groups, empty for the whole service, else the groups that it names besides.
    """
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(HEAD)
    for indicator in figures.indicators:
        if not codes or indicator.code in codes:
            writer.writerows(_rows(figures, indicator, by))
    return target.getvalue()


def _rows(figures: Figures, indicator: Indicator, by: str | None) -> Iterator[list[str | int]]:
    shown: list[tuple[str, Series]] = [("", indicator.whole)]
    for name, groups in indicator.groups.items():
        if by in (None, name):
            shown.extend((name, each) for each in groups)
    for name, series in shown:
        for month, cell in zip(figures.months, series.cells, strict=True):
            yield [
                indicator.code,
                indicator.title,
                indicator.better or "",
                f"{month:%Y-%m}",
                name,
                _harmless(series.group),
                *_counts(cell),
            ]


def _counts(cell: Cell) -> list[str | int]:
    counts = ["" if value is None else value for value in (cell.numerator, cell.denominator, cell.percent)]
    return [*counts, WORDS["few-cell"] if "" in counts[:2] else ""]


def _harmless(text: str) -> str:
    """Return ``text`` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
