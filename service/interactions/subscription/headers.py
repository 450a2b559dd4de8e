"""Subscription.channel.header: lines that go with each notification, whose values nobody is told again.

In the resource, and so in its history, in searches and exports, a mark stands for each value. A client that sends the
mark back keeps the value that is known.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b

from service.fhir.outcome import Issue, OutcomeError, shown

Header = tuple[str, str]

MOST = 20
LONGEST = 4_000
_PLACE = "Subscription.channel.header"
_LINE = re.compile(r"(?P<name>[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}): *(?P<value>[!-~](?:[ -~]*[!-~])?) *")
_MARK = re.compile(r"\(kept secret, [0-9a-f]{12}\)")
_OURS = re.compile(
    r"host|content-.*|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|proxy-.*|recovery-.*", re.I
)


def header_issues(lines: Sequence[str | None]) -> Iterator[Issue]:
    """Yield what is wrong with the lines of a channel; no sentence repeats a value."""
    if len(lines) > MOST:
        yield Issue("subscription", f"A subscription has at most {MOST} headers", _PLACE)
    names: set[str] = set()
    for number, line in enumerate(lines[:MOST]):
        place, found = f"{_PLACE}[{number}]", _LINE.fullmatch(line or "")
        if found is None or len(found[0]) > LONGEST:
            yield Issue("subscription", "A header is a name, a colon, a blank and a value in plain ASCII", place)
        elif _OURS.fullmatch(found["name"]):
            sentence = f"The header {shown(found['name'])} is set by the service, and by no subscription"
            yield Issue("subscription", sentence, place)
        elif found["name"].lower() in names:
            yield Issue("subscription", f"The header {shown(found['name'])} is given twice", place)
        else:
            names.add(found["name"].lower())


def headers_in(lines: Sequence[str], marked: Sequence[str], known: Mapping[str, str]) -> list[Header]:
    """Return the headers that valid ``lines`` give, for each mark the value that is ``known`` by its name.

    ``marked`` are the lines as they stand in the resource so far. Raises OutcomeError 422 for a mark of anything else.
    """
    headers: list[Header] = []
    for number, line in enumerate(lines):
        name, value = _parted(line)
        if _MARK.fullmatch(value):
            if line not in marked or name.lower() not in known:
                sentence = "This is the mark of a value that is not known here; send the header itself"
                raise OutcomeError(Issue("subscription", sentence, f"{_PLACE}[{number}]"))
            value = known[name.lower()]
        headers.append((name, value))
    return headers


def with_marks(headers: Sequence[Header], key: bytes) -> list[str]:
    """Return the lines of ``headers`` with a mark in place of each value, which is another one for another value."""
    return [f"{name}: (kept secret, {_digest(name, value, key)})" for name, value in headers]


def _parted(line: str) -> Header:
    found = _LINE.fullmatch(line)
    assert found is not None
    return found["name"], found["value"]


def _digest(name: str, value: str, key: bytes) -> str:
    return blake2b(f"{name}: {value}".encode(), key=key[:64], digest_size=6).hexdigest()
