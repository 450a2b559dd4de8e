"""Sending the requests of a case, and holding the answers against it."""

import re
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from service.fhir.datetimes import moment_of, stretch
from tests.rest.cases import Case, Step, body_of, filled
from tests.support.resources import problems_in

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_ABSENT = object()
_KEPT_IN_ADDRESSES = "/?&=:|$,*%-._~"


async def run(client: httpx.AsyncClient, case: Case) -> None:
    """Do all that ``case`` says; raises AssertionError at the first thing that is otherwise."""
    names = case.names()
    for resource in case.given:
        body = filled(body_of(resource), names)
        made = await client.put(f"/{body['resourceType']}/{body['id']}", json=body)
        assert made.status_code == 201, made.text
    for step in case.steps:
        answer = await _ask(client, step, names)
        context = f"{step.do}: {answer.status_code} {dict(answer.headers)} {answer.text[:2000]}\n{case.why}"
        try:
            check_every_answer(answer)
            _check(step, answer, names)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{context}") from None
        names |= {name: str(_found(answer, path)) for name, path in step.keep.items()}
    for address, expected in filled(case.after, names).items():
        await _check_after(client, address, expected)


async def _ask(client: httpx.AsyncClient, step: Step, names: dict[str, str]) -> httpx.Response:
    method, _, address = filled(step.do, names).partition(" ")
    headers = filled(step.headers, names)
    path = address if address.startswith("http") else f"/{quote(address, safe=_KEPT_IN_ADDRESSES)}" if address else ""
    if step.text is not None:
        return await client.request(method, path, content=filled(step.text, names).encode(), headers=headers)
    if step.send is not None:
        return await client.request(method, path, json=filled(body_of(step.send), names), headers=headers)
    return await client.request(method, path, headers=headers)


def check_every_answer(answer: httpx.Response) -> None:
    """Hold an answer against what is so of all: of errors, of versions, of what may be cached."""
    kind = answer.headers.get("content-type", "")
    assert answer.headers["vary"] == "Accept, Authorization"
    with_validator = "etag" in answer.headers and answer.status_code < 400
    assert answer.headers["cache-control"] == ("private, no-cache" if with_validator else "no-store")
    if answer.status_code in (204, 304) or answer.request.method == "HEAD":
        assert answer.content == b"", "no body"
        return
    if "json" not in kind or not answer.content:
        return
    body = answer.json()
    if answer.status_code >= 400:
        assert _errors(answer), "an answer that is no success says why"
    version = body.get("meta", {}).get("versionId")
    if version is not None and body["resourceType"] not in ("Bundle", "OperationOutcome", "Parameters"):
        assert answer.headers["etag"] == f'W/"{version}"', "ETag is the version"
        updated = moment_of(stretch(body["meta"]["lastUpdated"])[0])
        assert parsedate_to_datetime(answer.headers["last-modified"]) == updated.replace(microsecond=0)


def _check(step: Step, answer: httpx.Response, names: dict[str, str]) -> None:
    assert answer.status_code == step.status, f"status {answer.status_code} instead of {step.status}"
    for name, expected in filled(step.answer, names).items():
        _check_value(name, answer.headers.get(name, _ABSENT), expected)
    for path, expected in filled(step.has, names).items():
        _check_value(path, _at(path, answer.json()), expected)
    for text in filled(step.says, names):
        assert text in answer.text, f"{text!r} is not in the answer"
    for text in filled(step.never, names):
        assert text not in answer.text, f"{text!r} is in the answer"
    if step.rules is not None:
        assert [rule for rule, _ in _errors(answer)] == step.rules, f"errors {_errors(answer)}"
    if step.issues is not None:
        assert [list(issue) for issue in _errors(answer)] == filled(step.issues, names), f"errors {_errors(answer)}"


def _errors(answer: httpx.Response) -> list[tuple[str, str | None]]:
    """Return rule and place of each error that an OperationOutcome tells; what only informs stands beside them."""
    outcome = answer.json()
    return problems_in({**outcome, "issue": [issue for issue in outcome["issue"] if issue["severity"] == "error"]})


def _check_value(name: str, found: Any, expected: Any) -> None:
    if expected is None:
        assert found is _ABSENT, f"{name} is there: {found!r}"
    elif isinstance(expected, dict) and expected.keys() == {"like"}:
        assert re.fullmatch(expected["like"], str(found)), f"{name} is {found!r}, not like {expected['like']!r}"
    elif isinstance(expected, dict) and expected.keys() == {"count"}:
        assert len(found) == expected["count"], f"{name} has {len(found)} items"
    else:
        assert found == expected, f"{name} is {'not there' if found is _ABSENT else repr(found)}, not {expected!r}"


def _found(answer: httpx.Response, path: str) -> Any:
    kind, _, name = path.partition(" ")
    found = answer.headers[name] if kind == "header" else _at(path, answer.json())
    assert found is not _ABSENT, f"{path} is not there to be kept"
    return found


def _at(path: str, value: Any) -> Any:
    """Return what is at a path such as ``entry[0].resource.id``."""
    for name, index in _STEP.findall(path):
        if name and isinstance(value, dict) and name in value:
            value = value[name]
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return _ABSENT
    return value


async def _check_after(client: httpx.AsyncClient, address: str, expected: int) -> None:
    if "?" in address:
        found = await client.get(f"/{quote(address, safe=_KEPT_IN_ADDRESSES)}&_summary=count")
        assert found.status_code == 200, found.text
        assert found.json()["total"] == expected, f"{address} finds {found.json()['total']} afterwards"
        return
    read, history = await client.get(f"/{address}"), await client.get(f"/{address}/_history")
    status = 200 if expected > 0 else 410 if expected < 0 else 404
    assert read.status_code == status, f"{address} is {read.status_code} afterwards, not {status}"
    if expected == 0:
        assert history.status_code == 404
        return
    assert read.headers["etag"] == f'W/"{abs(expected)}"', f"{address} is at {read.headers['etag']} afterwards"
    etags = [entry["response"]["etag"] for entry in history.json()["entry"]]
    assert etags == [f'W/"{version}"' for version in range(abs(expected), 0, -1)], "no version is missing"
    assert (history.json()["entry"][0]["request"]["method"] == "DELETE") == (expected < 0)
