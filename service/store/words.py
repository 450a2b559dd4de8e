"""The different words in the index that parameters share: one step for each, however many resources have it."""

from typing import Any

from service.search.fields import WORDS
from service.store.driver import Document
from service.store.indexes import WORDS_INDEX
from service.store.reading import Reading

_AFTER_EQUALS = ">"
_INDEX: str = WORDS_INDEX.model.document["name"]


async def find_words(reading: Reading, resource_type: str, code: str, most: int) -> list[str]:
    """Return the values of the words of ``code`` in order, the first ``most`` of them at most."""
    start, end = f"{code}=", f"{code}{_AFTER_EQUALS}"
    found: list[str] = []
    key: Document | None = _key(start)
    while len(found) < most and key is not None:
        key = await reading.first_key(resource_type, _INDEX, key, _key(end))
        if key is not None:
            found.append(key[WORDS].removeprefix(start))
            key = _key(f"{key[WORDS]}\0")
    return found


def _key(word: str) -> dict[str, Any]:
    """Return what comes before every key of ``word``."""
    return {WORDS: word, "_id": ""}
