"""Page tokens cannot be made, changed or moved to another query by a client."""

from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.max_key import MaxKey
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import OutcomeError
from service.store.cursor import page_token, read_page_token

SECRET, QUERY = b"secret", "CarePlan?_sort=date"
TOKEN = page_token(SECRET, QUERY, [0, 1, "a"])
numbers, texts = st.integers(-(2**63), 2**63 - 1), st.text()
places = st.lists(st.none() | numbers | texts, max_size=4)


def refused(token: str, secret: bytes = SECRET, query: str = QUERY) -> bool:
    with pytest.raises(OutcomeError) as error:
        read_page_token(secret, query, token)
    assert (error.value.status, error.value.issues[0].rule) == (400, "page-token")
    return True


@given(places, st.text())
def test_a_token_gives_its_place_back(place: list[Any], query: str) -> None:
    assert read_page_token(SECRET, query, page_token(SECRET, query, place)) == place


def test_a_place_may_hold_what_the_database_sorts_by() -> None:
    place = [1, Decimal128("0.80"), MaxKey(), None]
    assert read_page_token(SECRET, QUERY, page_token(SECRET, QUERY, place)) == place


def test_a_token_is_safe_in_an_address() -> None:
    assert TOKEN.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("position", range(len(TOKEN)))
def test_a_token_with_one_letter_changed_is_refused(position: int) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=!. é"
    for letter in letters:
        if letter != TOKEN[position]:
            assert refused(TOKEN[:position] + letter + TOKEN[position + 1 :])


@given(st.text(max_size=60))
def test_a_token_that_was_made_up_is_refused(token: str) -> None:
    assert refused(token)


def test_a_token_with_something_added_or_taken_away_is_refused() -> None:
    for token in (TOKEN + "=", TOKEN + "A", TOKEN + "\n", " " + TOKEN, TOKEN[:-1], TOKEN[1:], "", TOKEN + TOKEN):
        assert refused(token)


def test_a_token_of_another_query_or_another_key_is_refused() -> None:
    assert refused(TOKEN, query="CarePlan?_sort=-date")
    assert refused(TOKEN, secret=b"other")
