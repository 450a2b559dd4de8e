"""Answers in a form in which two that should be the same are the same, and what of them tells more than it may."""

import re
from dataclasses import dataclass

import httpx

_CHANGING = (
    (re.compile(rb"_page=[^\"&<> ]+"), b"_page=P"),
    (re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"), b"ID"),
    (re.compile(rb"20(?!25)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), b"NOW"),
)
"""What differs between two answers that are the same: places in pages, new ids, and when something was written."""
_PASSING = {"date", "x-request-id", "last-modified", "content-length"}


@dataclass(frozen=True)
class Answer:
    """What can be told apart by a client: status, headers, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def about(self, name: str, other: str) -> "Answer":
        """Return the same answer with ``other`` in place of ``name``."""
        told = tuple((key, value.replace(name, other)) for key, value in self.headers)
        return Answer(self.status, told, self.body.replace(name.encode(), other.encode()))

    def says(self, word: str) -> bool:
        """Return whether ``word`` is anywhere in it."""
        return word.encode() in self.body or any(word in value for _, value in self.headers)


def plain(response: httpx.Response) -> Answer:
    """Return what ``response`` says, without what changes from one moment to the next."""
    body = response.content
    headers = {key.lower(): value for key, value in response.headers.items() if key.lower() not in _PASSING}
    if "last-modified" in response.headers and " 2025 " in response.headers["last-modified"]:
        headers["last-modified"] = response.headers["last-modified"]
    told = tuple(sorted((key, _settled(value.encode()).decode()) for key, value in headers.items()))
    return Answer(response.status_code, told, _settled(body))


def _settled(text: bytes) -> bytes:
    for pattern, stand_in in _CHANGING:
        text = pattern.sub(stand_in, text)
    return text


def compared(name: object, one: Answer, other: Answer) -> list[str]:
    """Return in a few words in what two answers differ, nothing where they do not."""
    found = []
    if one.status != other.status:
        found.append(f"status {one.status} against {other.status}")
    if one.headers != other.headers:
        found.append(f"headers {sorted(set(one.headers) ^ set(other.headers))}")
    if one.body != other.body:
        place = next((n for n, pair in enumerate(zip(one.body, other.body, strict=False)) if pair[0] != pair[1]), 0)
        around = slice(max(place - 60, 0), place + 100)
        found.append(f"body {one.body[around]!r} against {other.body[around]!r}")
    return [f"{name}: {'; '.join(found)}"] if found else []


def agree(found: list[str]) -> None:
    """Fail with all that was ``found`` to be otherwise than it should."""
    assert not found, "\n".join([f"{len(found)} in all:", *found])
