"""The numbers behind the pictures, for who would rather read them."""

from collections.abc import Sequence
from datetime import date

from service.reporting.dashboard.contents import Table
from service.reporting.dashboard.figures import Series
from service.reporting.dashboard.sentences import cell_in_words, count, share
from service.reporting.dashboard.wording import WORDS, month_in_short


def over_months(title: str, series: Series, months: Sequence[date]) -> Table:
    """Return the counts and shares of one series, a row for each month."""
    rows = [
        [month_in_short(month), count(cell.numerator), count(cell.denominator), share(cell.percent)]
        for month, cell in zip(months, series.cells, strict=True)
    ]
    return Table(_caption(title), [WORDS[name] for name in ("month", "count", "of", "share")], rows)


def side_by_side(title: str, series: Sequence[Series], months: Sequence[date]) -> Table:
    """Return several series, a row for each month and a column for each series."""
    rows = [
        [month_in_short(month), *(cell_in_words(each.cells[at]) for each in series)] for at, month in enumerate(months)
    ]
    return Table(_caption(title), [WORDS["month"], *(each.group for each in series)], rows)


def _caption(title: str) -> str:
    return WORDS["table"].format(title=title)
