"""What is said of a token that is not accepted (https://www.rfc-editor.org/rfc/rfc6750#section-3.1)."""

from service.fhir.outcome import Issue, OutcomeError

CHALLENGE = 'Bearer realm="recovery-plan"'
"""How every ``WWW-Authenticate`` begins."""


class TokenRefused(Exception):  # noqa: N818 - the name says what it is
    """A token that is not accepted; the message is a sentence that repeats nothing of it."""

    def __init__(self, sentence: str, code: str = "invalid_token") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        """The error code of RFC 6750."""


def issuer_unavailable() -> OutcomeError:
    """Return the outcome 503 for a token that cannot be checked now."""
    sentence = "The authorisation server does not answer, so no token can be checked; ask again in a minute"
    return OutcomeError(Issue("issuer-unavailable", sentence), headers={"Retry-After": "60"})
