"""Which periods there are reports of."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.reporting.measures.periods import LENGTHS, Month, WrongPeriodError, last_month, read_period
from service.reporting.measures.results import Period

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
MONTHS = st.builds(Month, st.integers(2000, 2100), st.integers(1, 12))


@pytest.mark.parametrize(
    ("start", "end", "period"),
    [
        ("2026-10-01", "2026-10-31", Period(date(2026, 10, 1), date(2026, 10, 31))),
        ("2026-10", "2026-10", Period(date(2026, 10, 1), date(2026, 10, 31))),
        ("2026-08", "2026-10-31", Period(date(2026, 8, 1), date(2026, 10, 31))),
        ("2025", "2025", Period(date(2025, 1, 1), date(2025, 12, 31))),
        ("2023-09", "2024-02", Period(date(2023, 9, 1), date(2024, 2, 29))),
    ],
)
def test_dates_stand_for_all_their_days(start: str, end: str, period: Period) -> None:
    assert read_period(start, end, NOVEMBER) == period


@pytest.mark.parametrize(
    ("start", "end", "parameter"),
    [
        ("2026-10-02", "2026-10-31", "periodStart"),
        ("2026-10-01", "2026-10-30", "periodEnd"),
        ("2026-02-01", "2026-02-29", "periodEnd"),
        ("2026-09", "2026-10", "periodEnd"),
        ("2025-11", "2026-11", "periodEnd"),
        ("2026-10", "2026-09", "periodEnd"),
        ("2026-11", "2026-11", "periodEnd"),
        ("0000", "2026", "periodStart"),
        ("2026-10-01T00:00:00Z", "2026-10", "periodStart"),
        ("２０２６-10", "2026-10", "periodStart"),
        ("", "2026-10", "periodStart"),
    ],
)
def test_other_periods_are_refused(start: str, end: str, parameter: str) -> None:
    with pytest.raises(WrongPeriodError) as found:
        read_period(start, end, NOVEMBER)
    assert found.value.parameter == parameter


def test_a_month_can_be_reported_when_nothing_of_it_can_change_any_more() -> None:
    assert last_month(NOVEMBER) == Month(2026, 10)
    assert last_month(NOVEMBER - timedelta(milliseconds=1)) == Month(2026, 9)
    with pytest.raises(WrongPeriodError, match="the last month that can be reported is 2026-09"):
        read_period("2026-10", "2026-10", NOVEMBER - timedelta(milliseconds=1))


@given(MONTHS, st.integers(0, 600), st.sampled_from(list(LENGTHS)))
def test_months_follow_each_other(month: Month, distance: int, length: int) -> None:
    earlier = month.before(distance)
    assert earlier.before(-distance) == month
    assert Month.read(str(month)) == month
    assert month.before(-1).first - month.last == timedelta(days=1)
    period = read_period(str(month.before(length - 1)), str(month), datetime(2200, 1, 1, tzinfo=UTC))
    assert period == Period(month.before(length - 1).first, month.last)
