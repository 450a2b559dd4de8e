"""Page tokens cannot be made, changed or moved to another query by a client."""

import hmac
from base64 import urlsafe_b64encode

import bson
import pytest
from bson.decimal128 import Decimal128
from bson.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.outcome import OutcomeError
from service.store import cursor
from service.store.cursor import Token, page_token, read_page_token
from service.store.place import Place
from service.store.reading import Moment

SECRET, QUERY = b"secret", "CarePlan?_sort=date"
TOKEN = page_token(SECRET, QUERY, Token(Place((1, "a"))))
numbers, seconds = st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**32 - 1)
values = st.lists(st.none() | numbers | st.booleans() | st.text(), max_size=4).map(tuple)
places = st.builds(Place, values, st.integers(0, 100), st.booleans())
moments = st.builds(Timestamp, seconds, seconds).map(Moment)
tokens = st.builds(
    Token, st.none() | places, st.none() | moments, st.none() | st.integers(0, 2**40), st.none() | numbers
)


def refused(token: str, secret: bytes = SECRET, query: str = QUERY) -> bool:
    with pytest.raises(OutcomeError) as error:
        read_page_token(secret, query, token)
    assert (error.value.status, error.value.issues[0].rule) == (400, "page-token")
    return True


@given(tokens, st.text())
def test_a_token_gives_back_what_was_put_into_it(token: Token, query: str) -> None:
    assert read_page_token(SECRET, query, page_token(SECRET, query, token)) == token


def test_a_place_may_hold_what_the_database_sorts_by() -> None:
    token = Token(Place((Decimal128("0.80"), Decimal128("-Infinity"), None, "a")))
    assert read_page_token(SECRET, QUERY, page_token(SECRET, QUERY, token)) == token


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


def test_a_token_of_an_older_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = bson.encode({"place": [0, "a"]})
    signature = hmac.digest(SECRET, QUERY.encode() + b"\0" + payload, "sha256")[:16]
    assert refused(urlsafe_b64encode(signature + payload).decode().rstrip("="))
    monkeypatch.setattr(cursor, "_FORM", b"3")
    assert refused(TOKEN)
