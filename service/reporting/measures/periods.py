"""The measurement period: whole months that have ended (https://hl7.org/fhir/R4/measure-operation-evaluate-measure.html).

Months are those of UTC, for everybody: two reports of a month that ends at different hours would differ by what was
written in between. Only some lengths are reported: of many periods that end together, each would be a further look at
the same few records.
"""

import re
from calendar import monthrange
from datetime import date, datetime
from typing import NamedTuple

from service.reporting.measures.results import Period

LENGTHS = {1: "a month", 3: "a quarter", 6: "half a year", 12: "a year"}
"""How many months a period may have; a period of any of them may end with any month."""

_DATE = re.compile(r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d))?)?")


class WrongPeriodError(ValueError):
    """There is no report of this period; ``parameter`` is the one that is wrong, and the message says why."""

    def __init__(self, parameter: str, sentence: str) -> None:
        super().__init__(sentence)
        self.parameter = parameter


class Month(NamedTuple):
    """A month of the calendar; months are in the order of time."""

    year: int
    number: int
    """From 1 to 12."""

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @classmethod
    def read(cls, text: str) -> "Month":
        """Return the month that ``text`` such as ``2026-10`` names; raises ValueError."""
        first = date.fromisoformat(f"{text}-01")
        return cls(first.year, first.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return date(self.year, self.number, monthrange(self.year, self.number)[1])

    @property
    def period(self) -> Period:
        """All of its days."""
        return Period(self.first, self.last)

    def before(self, months: int) -> "Month":
        """Return the month that lies so many ``months`` before; raises ValueError where the calendar begins later."""
        year, number = divmod(self.year * 12 + self.number - 1 - months, 12)
        first = date(year, number + 1, 1)
        return Month(first.year, first.month)


def last_month(settled: datetime) -> Month:
    """Return the last month of which all that was written can be seen at ``settled``, a moment in UTC."""
    this = Month(settled.year, settled.month)
    return this if settled > this.period.moment else this.before(1)


def read_period(start: str, end: str, settled: datetime) -> Period:
    """Return the period from ``start`` to ``end``, which are FHIR dates; raises WrongPeriodError.

    ``settled`` is the latest moment, in UTC, whose state nothing can change any more.
    """
    first, last = _day(start, "periodStart", is_end=False), _day(end, "periodEnd", is_end=True)
    if first.day != 1:
        raise WrongPeriodError("periodStart", "A period begins with the first day of a month")
    if last != Month(last.year, last.month).last:
        raise WrongPeriodError("periodEnd", "A period ends with the last day of a month")
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if months not in LENGTHS:
        raise WrongPeriodError("periodEnd", f"A period has {_listed()} months; this one has {months}")
    period = Period(first, last)
    if period.moment >= settled:
        sentence = f"The period has to have ended; the last month that can be reported is {last_month(settled)}"
        raise WrongPeriodError("periodEnd", sentence)
    return period


def _day(text: str, parameter: str, *, is_end: bool) -> date:
    found = _DATE.fullmatch(text) if text.isascii() else None
    if found is None:
        raise WrongPeriodError(parameter, "This is no date such as 2026-10-01, 2026-10 or 2026")
    try:
        if found["day"]:
            return date.fromisoformat(text)
        month = Month.read(text if found["month"] else f"{text}-{12 if is_end else 1:02}")
    except ValueError:
        raise WrongPeriodError(parameter, "There is no such day in the calendar") from None
    return month.last if is_end else month.first


def _listed() -> str:
    *others, last = map(str, LENGTHS)
    return f"{', '.join(others)} or {last}"
