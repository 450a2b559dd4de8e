"""The header Idempotency-Key (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/)."""

import re
from collections.abc import Mapping
from hashlib import sha256

from starlette.types import Scope

from service.fhir.entry import Idempotency
from service.fhir.outcome import Issue, OutcomeError

HEADER = b"idempotency-key"
_TOLD = (b"content-type", b"if-match", b"if-none-match", b"if-none-exist", b"prefer", b"x-provenance")
"""The headers that, with method, address and body, make a request what it is."""
_KEY = re.compile(r'"(?P<quoted>[ -!#-\[\]-~]{1,255})"|(?P<bare>[!#-+\--\[\]-~]{1,255})')


def read_key(headers: Mapping[bytes, bytes], scope: Scope, body: bytes, client: str) -> Idempotency | None:
    """Return the key of ``client`` in ``headers`` with what it is bound to, or None.

    Raises OutcomeError where it cannot be read.
    """
    header = headers.get(HEADER)
    if header is None:
        return None
    match = _KEY.fullmatch(header.decode("latin-1").strip())
    if match is None:
        sentence = "An Idempotency-Key is 1 to 255 printable ASCII characters in double quotes"
        raise OutcomeError(Issue("idempotency-key", sentence, "http.Idempotency-Key"))
    address = scope["path"].encode() + b"?" + scope["query_string"]
    told = (headers.get(name, b"") for name in _TOLD)
    asked = sha256(b"\0".join((scope["method"].encode(), address, *told, body)))
    return Idempotency(match["quoted"] or match["bare"], client, asked.hexdigest())
