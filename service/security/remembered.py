"""What was found out about tokens, for a while; the tokens themselves are not kept."""

from collections import OrderedDict
from hashlib import sha256
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 10_000


class Remembered(Generic[T]):
    """What holds of so many tokens as were seen last, each until a moment of its own."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[T, float]] = OrderedDict()

    def of(self, token: str, now: float) -> T | None:
        """Return what is remembered of ``token``, None where that is nothing any more."""
        digest = sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is None or now >= known[1]:
            return None
        self._known.move_to_end(digest)
        return known[0]

    def add(self, token: str, what: T, until: float) -> None:
        """Remember ``what`` of ``token``; of too many the one goes that was asked for longest ago."""
        digest = sha256(token.encode()).digest()
        self._known[digest] = what, until
        self._known.move_to_end(digest)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
