"""Pages of a search: each shows the state of the moment when the first was read (https://hl7.org/fhir/R4/http.html#paging)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from service.fhir.bundle import Link
from service.fhir.datetimes import instant, microseconds
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.searched import Page, Searched
from service.search.predicate import Compare, all_of
from service.search.request import SearchRequest
from service.search.source import Source
from service.store.cursor import Token, page_token, read_page_token
from service.store.reading import PastMomentError

_LONGEST_WRITE = 15
"""Seconds between the moment that a resource says it was changed at and the one from which others see it, at most."""
_CHANGED = "search._lastUpdated.hi"


class Paging:
    """The pages of one search, whose address without page token is ``query`` below ``base``."""

    def __init__(self, secret: bytes, base: str, query: str, search: SearchRequest) -> None:
        self._secret = secret
        self._address = f"{base}/{query}"
        self._query = query
        self._search = search
        self._token = Token() if search.page is None else read_page_token(secret, query, search.page)

    @property
    def itself(self) -> Link:
        """The link to this page."""
        return "self", self._url(self._search.page)

    async def read(self, where: Searched, sources: Sequence[Source]) -> tuple[Page, int | None]:
        """Return the page, and the number of matches where it is asked for or known anyway.

        Raises OutcomeError 410 where the database no longer keeps the state that it is to show.
        """
        token, search = self._token, self._search
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
        here = replace(self._token, moment=page.moment, total=total if self._search.total != "none" else None)
        places = {"prev": page.before, "next": page.after}
        around = [(name, self._url(self._text(replace(here, place=place)))) for name, place in places.items() if place]
        first = [("first", self._url(self._text(replace(here, place=None))))] if self._search.page else []
        return [self.itself, *first, *around]

    def _text(self, token: Token) -> str:
        return page_token(self._secret, self._query, token)

    def _url(self, page: str | None) -> str:
        if page is None:
            return self._address
        return f"{self._address}{'' if self._address.endswith('?') else '&'}_page={page}"

    def _past(self) -> OutcomeError:
        token = self._token
        seconds = token.moment.seconds if token.moment else 0
        then = datetime.fromtimestamp(seconds - _LONGEST_WRITE, UTC)
        by_id = all(key.field == "_id" for keys in self._search.order.values() for key in keys)
        until = token.until if by_id or token.until is not None else microseconds(then)
        url = self._url(self._text(replace(token, moment=None, until=until)))
        sentence = f"The database no longer keeps the state of {instant(then)} that these pages show; go on with {url}"
        left_out = f", where what has changed since is left out: ask for it with _lastUpdated=ge{instant(then)}"
        issue = Issue("page-expired", sentence + ("" if by_id else left_out), "http._page")
        return OutcomeError(issue, headers={"Link": f'<{url}>; rel="next"'})


def _unchanged_since(source: Source, until: int) -> Source:
    return replace(source, predicate=all_of([source.predicate, Compare(_CHANGED, "le", until)]))
