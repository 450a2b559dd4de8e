"""Where exports are written, besides being served: a directory, or a bucket of a store that speaks S3.

What is written there is visible when all of it is, and not before.
"""

from collections.abc import AsyncIterator
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from service.fhir.outcome import Issue, OutcomeError

_PART = 8_000_000
"""Bytes of a part that is sent; two are on the way at once."""
_AT_ONCE = 2


class Destination:
    """The directory or bucket at ``url``, such as ``file:///exports`` or ``s3://bucket/prefix``.

    A bucket is reached as the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL and the
    like say, or as the machine's own role.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        is_directory = url.startswith("file:")
        self._store: Any = from_url(url, mkdir=True) if is_directory else from_url(url)

    def address(self, path: str) -> str:
        """Return the address of what is written at ``path``."""
        return f"{self._url}/{path}"

    async def write(self, path: str, parts: AsyncIterator[bytes]) -> None:
        """Write ``parts`` at ``path``, in place of what was there; raises OutcomeError 503 where that fails.

        What making the parts raises is raised, and nothing is written then.
        """
        failed: list[Exception] = []

        async def made() -> AsyncIterator[bytes]:
            try:
                async for part in parts:
                    yield part
            except Exception as error:
                failed.append(error)
                raise

        try:
            await obstore.put_async(self._store, path, made(), chunk_size=_PART, max_concurrency=_AT_ONCE)
        except Exception as error:
            if failed:
                raise failed[0] from None
            if isinstance(error, (BaseError, OSError)):
                raise _unavailable() from error
            raise

    async def remove(self, folder: str) -> None:
        """Remove all that is in ``folder``; raises OutcomeError 503 where that fails."""
        try:
            async for some in obstore.list(self._store, prefix=folder):
                await obstore.delete_async(self._store, [each["path"] for each in some])
        except (BaseError, OSError) as error:
            raise _unavailable() from error


def _unavailable() -> OutcomeError:
    sentence = "The place that exports are written to cannot be written to; it is tried again"
    return OutcomeError(Issue("destination-unavailable", sentence), headers={"Retry-After": "15"})
