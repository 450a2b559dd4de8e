"""The entries of a batch or transaction as requests (https://hl7.org/fhir/R4/http.html#transaction)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from service.fhir.entry import FORMATTING, Request, split_url
from service.fhir.outcome import Issue, OutcomeError, operation_outcome
from service.fhir.reference import is_id
from service.interactions.context import Context

TYPES = ("batch", "transaction")
MOST_ANSWERED = 64_000_000
"""Bytes of resources in the answer to one Bundle."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")
_HEADERS = {
    "if_match": "ifMatch",
    "if_none_match": "ifNoneMatch",
    "if_modified_since": "ifModifiedSince",
    "if_none_exist": "ifNoneExist",
}


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """One entry: where it stands, its address in the Bundle, and the request or what is wrong with it."""

    place: str
    full_url: str | None
    request: Request | None
    issues: tuple[Issue, ...] = ()
    without_body: bool = False
    """For HEAD, which is a GET whose resource is not sent."""


def read_bundle(request: Request, context: Context) -> tuple[str, list[BundleEntry]]:
    """Return the type of the Bundle in ``request`` and its entries.

    Raises OutcomeError where it is no batch or transaction, has too many entries, or is not shaped as a Bundle.
    """
    value = request.resource
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        sentence = "The service's root address takes a Bundle"
        raise OutcomeError(Issue("resource-type", sentence, "Bundle.resourceType"))
    entries = value.get("entry", [])
    if isinstance(entries, list) and len(entries) > context.limits.bundle_entries:
        sentence = f"A Bundle has at most {context.limits.bundle_entries} entries here, and this has {len(entries)}"
        raise OutcomeError(Issue("bundle-too-large", sentence, "Bundle.entry"))
    issues = [issue for issue in context.validator.issues(_without_resources(value)) if issue.is_error]
    kind, wrong = value.get("type"), _by_entry(issues)
    if isinstance(kind, str) and kind not in TYPES and not any(issue.expression == "Bundle.type" for issue in issues):
        sentence = f"The service's root address takes Bundles of type {' and '.join(TYPES)}"
        raise OutcomeError(Issue("bundle-type", sentence, "Bundle.type"))
    if None in wrong:
        raise OutcomeError(*issues)
    return str(kind), [
        _misshapen(number, wrong[number]) if number in wrong else _read(number, entry, request)
        for number, entry in enumerate(entries)
    ]


def too_much_to_answer(place: str) -> OutcomeError:
    """Return the outcome 413 for the entry with which an answer becomes too large."""
    sentence = f"The answer would have more than {MOST_ANSWERED} bytes; ask for less, or in several Bundles"
    return OutcomeError(Issue("answer-too-large", sentence, f"{place}.request.url"))


def prefixed(issues: Iterable[Issue], place: str) -> list[Issue]:
    """Return ``issues`` of one entry with their places as seen from the Bundle."""
    return [replace(issue, expression=_within(place, issue.expression)) for issue in issues]


def outcome_of(issues: Iterable[Issue], request: Request) -> dict[str, Any]:
    """Return the OperationOutcome of ``issues`` of one request, with places as seen in the text that was sent."""
    seen = prefixed(issues, request.place) if request.place else issues
    return operation_outcome(seen, request.text)


def _within(place: str, expression: str | None) -> str:
    if expression is None or expression.startswith("http."):
        return f"{place}.request"
    if expression.startswith("Bundle."):
        return expression
    _, dot, rest = expression.partition(".")
    return f"{place}.resource{dot}{rest}"


def _without_resources(value: dict[str, Any]) -> dict[str, Any]:
    """Return the Bundle without what its entries carry, which is checked when each is performed, but for versions."""
    entries = value.get("entry")
    if not isinstance(entries, list):
        return value
    bare = [
        {**item, "resource": _stub(item["resource"])} if isinstance(item, dict) and "resource" in item else item
        for item in entries
    ]
    return {**value, "entry": bare}


def _stub(resource: Any) -> dict[str, Any]:
    """Return a resource that says nothing but its version, by which entries with one fullUrl may differ (bdl-7)."""
    meta = resource.get("meta") if isinstance(resource, dict) else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    stub: dict[str, Any] = {"resourceType": "Parameters"}
    return {**stub, "meta": {"versionId": version}} if isinstance(version, str) and is_id(version) else stub


def _by_entry(issues: Iterable[Issue]) -> dict[int | None, list[Issue]]:
    """Return the issues of a Bundle's shape by the number of their entry, None for those of no entry."""
    found: dict[int | None, list[Issue]] = {}
    for issue in issues:
        match = _ENTRY.match(issue.expression or "")
        found.setdefault(int(match[1]) if match else None, []).append(issue)
    return found


def _misshapen(number: int, issues: list[Issue]) -> BundleEntry:
    return BundleEntry(f"Bundle.entry[{number}]", None, None, tuple(issues))


def _read(number: int, entry: dict[str, Any], outer: Request) -> BundleEntry:
    place = f"Bundle.entry[{number}]"
    full_url = entry.get("fullUrl")
    asked = entry.get("request")
    if asked is None:
        return _unusable(place, full_url, "request", "Every entry says in request what is to be done")
    method, url = asked.get("method"), asked.get("url")
    if method not in METHODS:
        return _unusable(place, full_url, "request.method", f"The method must be one of: {', '.join(METHODS)}")
    relative = url.removeprefix(outer.base)
    try:
        path, parameters = split_url(relative)
        parameters = [item for item in parameters if item[0] not in FORMATTING]  # the Bundle's form is that of all
    except ValueError:  # such as //[, or far too many parameters
        path, parameters = (), []
    is_read = method in ("GET", "HEAD")
    has_address = path or (is_read and parameters)  # a search of the whole system has no path
    if not has_address or "://" in relative.partition("?")[0]:
        return _unusable(place, full_url, "request.url", "The address is relative, such as Goal or Goal/123")
    headers = {name: asked.get(member) for name, member in _HEADERS.items()}
    request = Request(
        "GET" if is_read else method,
        path,
        outer.base,
        parameters,
        entry.get("resource"),
        **headers,
        preferences=outer.preferences,
        text=outer.text,
        place=place,
    )
    return BundleEntry(place, full_url, request, without_body=method == "HEAD")


def _unusable(place: str, full_url: str | None, member: str, sentence: str) -> BundleEntry:
    return BundleEntry(place, full_url, None, (Issue("entry-request", sentence, f"{place}.{member}"),))
