"""Pages of a search: each shows the state of the moment when the first was read (https://hl7.org/fhir/R4/http.html#paging)."""

from collections.abc import Sequence
from dataclasses import replace

from service.fhir.bundle import Link
from service.fhir.datetimes import instant, microseconds
from service.fhir.outcome import OutcomeError
from service.interactions.page_links import PageLinks
from service.interactions.searched import Page, Searched
from service.search.predicate import Compare, all_of
from service.search.request import SearchRequest
from service.search.source import Source
from service.store.reading import PastMomentError

_CHANGED = "search._lastUpdated.hi"


class Paging:
    """The pages of one search, whose address without page token is ``query`` below ``base``."""

    def __init__(self, secret: bytes, base: str, query: str, search: SearchRequest) -> None:
        self._search = search
        self._links = PageLinks(secret, base, query, search.page)

    @property
    def itself(self) -> Link:
        """The link to this page."""
        return self._links.itself

    async def read(self, where: Searched, sources: Sequence[Source]) -> tuple[Page, int | None]:
        """Return the page, and the number of matches where it is asked for or known anyway.

        Raises OutcomeError 410 where the database no longer keeps the state that it is to show.
        """
        token, search = self._links.token, self._search
        if token.until is not None:
            sources = [_unchanged_since(source, token.until) for source in sources]
        try:
            page = await where.search(sources, search.count, token.place, at=token.moment)
            if token.total is not None:
                return page, token.total
            if token.place is None and page.after is None:
                return page, len(page.matches)
            return page, None if search.total == "none" else await where.count(sources, at=page.moment)
        except PastMomentError:
            raise self._past() from None

    def links(self, page: Page, total: int | None) -> list[Link]:
        """Return the links to this page and to those around it."""
        known = total if self._search.total != "none" else None
        here = replace(self._links.token, moment=page.moment, total=known)
        return self._links.around(here, page.before, page.after)

    def _past(self) -> OutcomeError:
        token, then = self._links.token, self._links.shown
        by_id = all(key.field == "_id" for keys in self._search.order.values() for key in keys)
        if by_id:
            return self._links.expired(token.until)
        left_out = f", where what has changed since is left out: ask for it with _lastUpdated=ge{instant(then)}"
        return self._links.expired(microseconds(then) if token.until is None else token.until, left_out)


def _unchanged_since(source: Source, until: int) -> Source:
    return replace(source, predicate=all_of([source.predicate, Compare(_CHANGED, "le", until)]))
