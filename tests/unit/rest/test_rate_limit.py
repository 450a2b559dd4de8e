"""A client has so many requests in a minute, which come back one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import OutcomeError
from service.rest import rate_limit
from service.rest.rate_limit import RateLimit, client_at


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(limit: RateLimit, name: str = "a") -> bool:
    try:
        limit.take(name)
    except OutcomeError:
        return False
    return True


def test_without_a_limit_nothing_is_counted() -> None:
    limit = RateLimit(None)
    assert all(taken(limit) for _ in range(1000))


def test_requests_come_back_one_by_one() -> None:
    clock = Clock()
    limit = RateLimit(6, clock)
    assert [taken(limit) for _ in range(7)] == [True] * 6 + [False]
    clock.now += 10
    assert [taken(limit) for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [taken(limit) for _ in range(7)] == [True] * 6 + [False]


def test_who_waits_as_long_as_told_may_come_again() -> None:
    clock = Clock()
    limit = RateLimit(7, clock)
    while taken(limit):
        pass
    with pytest.raises(OutcomeError) as refused:
        limit.take("a")
    clock.now += int(refused.value.headers["Retry-After"])
    assert taken(limit)


@given(st.integers(1, 100), st.lists(st.floats(0, 20), max_size=300))
def test_no_minute_has_more_than_twice_as_many(per_minute: int, pauses: list[float]) -> None:
    clock = Clock()
    limit, times = RateLimit(per_minute, clock), []
    for pause in pauses:
        clock.now += pause
        if taken(limit):
            times.append(clock.now)
    for start in times:
        assert sum(start <= each < start + 60 for each in times) <= 2 * per_minute


def test_of_too_many_clients_those_who_have_most_left_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_MOST_CLIENTS", 10)
    clock = Clock()
    limit = RateLimit(2, clock)
    assert [taken(limit, "busy") for _ in range(3)] == [True, True, False]
    for number in range(30):
        taken(limit, f"other {number}")
    assert not taken(limit, "busy")
    assert [taken(limit, "other 0") for _ in range(2)] == [True, True]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
    ],
)
def test_a_client_without_a_name_is_known_by_its_address(address: str, name: str) -> None:
    assert client_at(address) == name
