"""The stretch of time that a FHIR date or time stands for."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.datetimes import BEGINNING, END, instant, microseconds, moment_of, stretch

SECOND = 1_000_000
DAY = 86_400 * SECOND
zones = st.integers(-14 * 60 + 1, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1000, 1, 2), datetime(9998, 12, 30), timezones=zones)


@pytest.mark.parametrize(
    ("text", "start", "length"),
    [
        ("1970", 0, 365 * DAY),
        ("1972", 2 * 365 * DAY, 366 * DAY),
        ("1970-02", 31 * DAY, 28 * DAY),
        ("1970-12", 334 * DAY, 31 * DAY),
        ("1970-01-02", DAY, DAY),
        ("1970-01-01T00:01", 60 * SECOND, 60 * SECOND),
        ("1970-01-01T00:01Z", 60 * SECOND, 60 * SECOND),
        ("1970-01-01T00:00:01", SECOND, SECOND),
        ("1970-01-01T02:00:00+02:00", 0, SECOND),
        ("1969-12-31T19:00:00-05:00", 0, SECOND),
        ("1970-01-01T00:00:00.5Z", SECOND // 2, SECOND // 10),
        ("1970-01-01T00:00:00.500Z", SECOND // 2, 1000),
        ("1970-01-01T00:00:00.123456789Z", 123_456, 1),
        ("1970-01-01T00:00:60Z", 60 * SECOND, SECOND),
        ("1969", -365 * DAY, 365 * DAY),
    ],
)
def test_a_stretch_has_the_length_of_its_precision(text: str, start: int, length: int) -> None:
    assert stretch(text) == (start, start + length - 1)


@pytest.mark.parametrize("text", ["0001", "0001-01-01T00:00:00+14:00", "9999", "9999-12", "9999-12-31T23:59:59-14:00"])
def test_the_first_and_the_last_year_can_be_told(text: str) -> None:
    start, end = stretch(text)
    assert BEGINNING < start <= end < END


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "0000",
        "2024-00",
        "2024-13",
        "2024-1",
        "2024-02-30",
        "2023-02-29",
        "2024-01-01T",
        "2024-01-01T10",
        "2024-01-01T24:00:00Z",
        "2024-01-01T10:60:00Z",
        "2024-01-01T10:00:61Z",
        "2024-01-01T10:00:00.Z",
        "2024-01-01T10:00:00z",
        "2024-01-01t10:00:00Z",
        "2024-01-01T10:00:00+1:00",
        "2024-01-01T10:00:00+0100",
        "2024-01-01T10:00:00+15:00",
        "2024-01-01T10:00:00+01:60",
        "2024-01-01 10:00:00",
        "2024Z",
        "2024-01-01Z",
        "-2024",
        "2024\n",
        " 2024",
        "２０２４",
        "today",
    ],
)
def test_a_text_that_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        stretch(text)


@given(moments)
def test_every_stretch_of_a_moment_contains_it_and_the_finer_lies_in_the_coarser(moment: datetime) -> None:
    here = moment.astimezone(UTC)
    forms = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f")
    last = (BEGINNING, END)
    for form in forms:
        start, end = stretch(here.strftime(form).rjust(len(form), "0") if form == "%Y" else here.strftime(form))
        assert start <= microseconds(here) <= end
        assert last[0] <= start
        assert end <= last[1]
        last = start, end
    assert last == (microseconds(here), microseconds(here))


@given(moments)
def test_a_zone_changes_nothing_of_the_moment(moment: datetime) -> None:
    assert stretch(moment.isoformat(timespec="microseconds"))[0] == microseconds(moment)


@given(moments, moments)
def test_stretches_lie_as_their_moments_do(one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    first, second = (stretch(item.isoformat(timespec="seconds")) for item in (earlier, later))
    assert first[0] <= second[0]
    assert first[1] <= second[1]


@given(moments)
def test_an_instant_is_read_back_to_the_millisecond(moment: datetime) -> None:
    start, end = stretch(instant(moment.astimezone(UTC)))
    assert start <= microseconds(moment) <= end
    assert end - start == 999
    assert microseconds(moment_of(start)) == start
