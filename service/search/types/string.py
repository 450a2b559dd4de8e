"""Search type string: texts by how they start, whatever their case and accents (https://hl7.org/fhir/R4/search.html#string)."""

from collections.abc import Iterator

from service.search.text import normalise, unescape


def words(value: str) -> Iterator[str]:
    """Yield the text in the form that is compared."""
    yield normalise(value)


def query_start(text: str) -> str:
    """Return the start that ``text`` asks for; raises ValueError where nothing of it can be compared."""
    start = normalise(unescape(text))
    if not start:
        raise ValueError("The text holds nothing that could be compared")
    return start
