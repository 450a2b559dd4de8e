"""Search type uri: whole addresses, character by character (https://hl7.org/fhir/R4/search.html#uri)."""

from collections.abc import Iterator

from service.search.text import unescape


def words(value: str) -> Iterator[str]:
    """Yield the address."""
    yield value


def query_words(text: str) -> tuple[str, ...]:
    """Return the address that ``text`` asks for."""
    return (unescape(text),)
