"""What a series says, in words: how it stands, how it has changed, and a line of values for who does not see it."""

from collections.abc import Sequence
from datetime import date

from service.reporting.dashboard.figures import Cell, Series
from service.reporting.dashboard.wording import WORDS, month_in_short, month_in_words

Months = Sequence[date]


def now(series: Series, months: Months) -> str:
    """Return how things stand at the end of the last month."""
    cell = series.cells[-1]
    month = month_in_words(months[-1])
    if cell.percent is None:
        return WORDS["now-few"].format(month=month)
    counts = {"numerator": cell.numerator, "denominator": cell.denominator}
    return WORDS["now"].format(month=month, percent=f"{cell.percent}%", **counts)


def of_all(said: str) -> str:
    """Return what was ``said`` of the whole service, where groups are shown beside it."""
    return WORDS["now-of-all"].format(said)


def change(series: Series, months: Months) -> str:
    """Return how the share has changed since the first month that is shown; empty where it cannot be told."""
    shown = [at for at, cell in enumerate(series.cells) if cell.percent is not None]
    if len(shown) < 2 or shown[-1] != len(series.cells) - 1:
        return ""
    first, last = series.cells[shown[0]], series.cells[-1]
    return _difference(first, last).format(month=month_in_words(months[shown[0]]))


def _difference(first: Cell, last: Cell) -> str:
    assert first.percent is not None
    assert last.percent is not None
    points = last.percent - first.percent
    if abs(points) <= first.uncertainty + last.uncertainty:
        return WORDS["change-same"]
    way = "change-up" if points > 0 else "change-down"
    one = "-one" if abs(points) == 1 else ""
    return WORDS[f"{way}{one}"].replace("{points}", str(abs(points)))


def share(percent: int | None) -> str:
    """Return a share, or that it is not shown."""
    return WORDS["few-cell"] if percent is None else f"{percent}%"


def cell_in_words(cell: Cell) -> str:
    """Return all that is published of a cell."""
    if cell.numerator is None or cell.denominator is None:
        return WORDS["few-cell"]
    counts = {"numerator": cell.numerator, "denominator": cell.denominator}
    if cell.percent is None:
        return WORDS["cell-without-share"].format(**counts)
    return WORDS["cell"].format(percent=cell.percent, **counts)


def over_time(values: Sequence[str], months: Months) -> str:
    """Return values with their months."""
    return ", ".join(f"{month_in_short(month)} {value}" for month, value in zip(months, values, strict=True))


def count(number: int | None) -> str:
    """Return a count, or that it is not shown."""
    return WORDS["few-cell"] if number is None else str(number)
