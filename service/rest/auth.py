"""Who sends a request, by its bearer token (https://www.rfc-editor.org/rfc/rfc6750)."""

import re
from collections.abc import Mapping

from service.fhir.outcome import Issue, OutcomeError
from service.security.client import ANYBODY, Client
from service.security.refusal import CHALLENGE, TokenRefused
from service.security.tokens import Tokens

_CREDENTIALS = re.compile(rb"Bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(rb"(?!bearer\b)[!#$%&'*+.^_`|~0-9A-Za-z-]+( .*)?", re.IGNORECASE | re.DOTALL)

_IN_QUERY = re.compile(r"((?:^|[&? ])(?:access|id|refresh)(?:_|%5f)token=)[^& ]*", re.IGNORECASE)


def without_tokens(text: str) -> str:
    """Return ``text`` with nothing in place of the tokens in its queries, where they are never accepted."""
    return _IN_QUERY.sub(r"\1", text) if "token=" in text.lower() else text


class Authenticator:
    """Tells the client of a request; without ``tokens`` everybody is ANYBODY, whatever they send."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    async def client(self, headers: Mapping[bytes, bytes]) -> Client:
        """Return the client whose token is in ``headers``, which have lower-case names and are one for each name.

        Raises OutcomeError 401 with a challenge, or 503 where the authorisation server is needed and does not answer.
        """
        if self._tokens is None:
            return ANYBODY
        try:
            return await self._tokens.client(_token_in(headers.get(b"authorization")))
        except TokenRefused as refused:
            raise _challenge(refused.sentence, refused.code) from None


def _token_in(header: bytes | None) -> str:
    """Return the token; raises OutcomeError or TokenRefused where there is none, or more than one."""
    if header is None or _OTHER_SCHEME.fullmatch(header):
        raise _challenge("This needs a bearer token in the header Authorization")
    if match := _CREDENTIALS.fullmatch(header):
        return match[1].decode("ascii")
    raise TokenRefused("Authorization holds one bearer token and nothing else", "invalid_request")


def _challenge(sentence: str, code: str | None = None) -> OutcomeError:
    told = f', error="{code}", error_description="{sentence}"' if code else ""
    return OutcomeError(Issue("token", sentence, "http.Authorization"), headers={"WWW-Authenticate": CHALLENGE + told})
