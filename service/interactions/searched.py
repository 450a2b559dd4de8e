"""Where resources are searched: the store, or the definitions that the service holds."""

from collections.abc import Sequence
from typing import Any, Protocol

from service.fhir.touched import Touched
from service.search.source import Source


class Match(Protocol):
    """A resource that was found."""

    @property
    def type(self) -> str:
        """The resource type."""

    @property
    def id(self) -> str:
        """The logical id."""

    @property
    def body(self) -> bytes | None:
        """The JSON text."""

    @property
    def touched(self) -> tuple[Touched, ...]:
        """What the audit says where it is disclosed: nothing of what is the same for everybody."""


class Page(Protocol):
    """Matches of a search, and where the pages before and after it begin."""

    @property
    def matches(self) -> Sequence[Match]:
        """The matches in order."""

    @property
    def before(self) -> Any:
        """Where the page before begins, None on the first."""

    @property
    def after(self) -> Any:
        """Where the next page begins, None on the last."""

    @property
    def moment(self) -> Any:
        """The moment whose state it shows, None where nothing changes."""


class Searched(Protocol):
    """What can be searched."""

    async def search(self, sources: Sequence[Source], count: int, place: Any = None, *, at: Any = None) -> Page:
        """Return at most ``count`` matches of ``sources``, from ``place`` on, as they are or were at a moment."""

    async def count(self, sources: Sequence[Source], *, at: Any = None) -> int:
        """Return how many resources match."""
