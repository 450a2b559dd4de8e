"""What an authorisation server publishes, fetched with bounds: no redirect, no compression, so many bytes."""

from typing import Any

import httpx

from service.authentication_settings import is_trustworthy
from service.security.strict_json import read_object

MOST_BYTES = 256_000
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


async def fetch_object(url: str, form: dict[str, str] | None = None, login: httpx.Auth | None = None) -> dict[str, Any]:
    """Return the JSON object at ``url``, to which ``form`` is posted if there is one.

    Raises httpx.HTTPError where nobody answers, ValueError for any answer but 200 with an object of bearable size.
    """
    if not is_trustworthy(url):
        raise ValueError("its address is not https")
    method = "GET" if form is None else "POST"
    async with (
        httpx.AsyncClient(follow_redirects=False, trust_env=url.startswith("https:")) as client,
        client.stream(method, url, data=form, headers=_HEADERS, auth=login) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise ValueError(f"the answer is {answer.status_code}")
        body = bytearray()
        async for part in answer.aiter_raw():
            body += part
            if len(body) > MOST_BYTES:
                raise ValueError(f"the answer has more than {MOST_BYTES} bytes")
    return read_object(bytes(body))
