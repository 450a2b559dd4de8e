"""Links between the pages of one answer (https://hl7.org/fhir/R4/http.html#paging)."""

from dataclasses import replace
from datetime import UTC, datetime

from service.fhir.bundle import Link
from service.fhir.datetimes import instant
from service.fhir.outcome import Issue, OutcomeError
from service.store.cursor import Token, page_token, read_page_token
from service.store.faults import LONGEST_WRITE
from service.store.place import Place


class PageLinks:
    """The links of one page, whose address without page token is ``query`` below ``base``.

    Raises OutcomeError where ``page`` is no token for it; None is the first page.
    """

    def __init__(self, secret: bytes, base: str, query: str, page: str | None) -> None:
        self.token = Token() if page is None else read_page_token(secret, query, page)
        self._secret = secret
        self._address = f"{base}/{query}"
        self._query = query
        self._page = page

    @property
    def itself(self) -> Link:
        """The link to this page."""
        return "self", self._url(self._page)

    def around(self, here: Token, before: Place | None, after: Place | None) -> list[Link]:
        """Return the links to this page and to those around it, which know what ``here`` says."""
        places = {"prev": before, "next": after}
        beside = [(name, self._url_of(replace(here, place=place))) for name, place in places.items() if place]
        first = [("first", self._url_of(replace(here, place=None)))] if self._page else []
        return [self.itself, *first, *beside]

    @property
    def shown(self) -> datetime:
        """A moment since which nothing is shown that was changed."""
        return datetime.fromtimestamp((self.token.moment.seconds if self.token.moment else 0) - LONGEST_WRITE, UTC)

    def expired(self, until: int | None, left_out: str = "") -> OutcomeError:
        """Return the outcome 410 for a page whose moment is gone, with the way to go on from its place.

        ``until`` is what the page there is to know of that moment, ``left_out`` the end of a sentence on what it lacks.
        """
        url = self._url_of(replace(self.token, moment=None, until=until))
        sentence = f"The database no longer keeps the state of {instant(self.shown)} that these pages show; go on with"
        issue = Issue("page-expired", f"{sentence} {url}{left_out}", "http._page")
        return OutcomeError(issue, headers={"Link": f'<{url}>; rel="next"'})

    def _url_of(self, token: Token) -> str:
        return self._url(page_token(self._secret, self._query, token))

    def _url(self, page: str | None) -> str:
        if page is None:
            return self._address
        joint = "" if self._address.endswith("?") else "&" if "?" in self._address else "?"
        return f"{self._address}{joint}_page={page}"
