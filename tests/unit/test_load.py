"""Loading sends files as they are and tells every refusal in words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.commands.load import Refused, fhir_base, load_file, sample_files

OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "error",
            "code": "required",
            "expression": ["Goal.subject"],
            "details": {"text": "Say whose goal it is"},
        },
        {"severity": "warning", "code": "informational", "diagnostics": "No narrative"},
    ],
}


def a_client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(base_url="http://plans.example/fhir/R4", transport=httpx.MockTransport(answer))


def a_file(tmp_path: Path, content: Any) -> Path:
    file = tmp_path / "file.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


@pytest.mark.parametrize(
    ("content", "method", "url"),
    [
        ('{"resourceType": "Goal", "id": "a-1", "x": 0.80}', "PUT", "/fhir/R4/Goal/a-1"),
        ('{"resourceType": "Goal"}', "POST", "/fhir/R4/Goal"),
        ('{"resourceType": "Goal", "id": "../CarePlan"}', "PUT", "/fhir/R4/Goal/..%2FCarePlan"),
        ('{"resourceType": "Bundle", "type": "transaction", "entry": [{}, {}]}', "POST", "/fhir/R4"),
    ],
)
def test_how_a_file_is_sent(tmp_path: Path, content: str, method: str, url: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"resourceType": "Bundle"})

    with a_client(answer) as client:
        said = load_file(client, a_file(tmp_path, content))
    assert said == ("2 resources stored" if "Bundle" in content else "Goal stored")
    [request] = seen
    assert (request.method, request.url.raw_path.decode().rstrip("/")) == (method, url)
    assert request.content == content.encode(), "byte for byte, so that decimals keep their digits"


def test_issues_are_told_in_words(tmp_path: Path) -> None:
    with (
        a_client(lambda _: httpx.Response(422, json=OUTCOME)) as client,
        pytest.raises(Refused) as caught,
    ):
        load_file(client, a_file(tmp_path, {"resourceType": "Goal"}))
    assert caught.value.reasons == (
        "answered with 422",
        "error: Goal.subject: Say whose goal it is",
        "warning: No narrative",
    )


def test_a_refused_entry_of_a_batch_refuses_the_file(tmp_path: Path) -> None:
    entries = [{"response": {"status": "201 Created"}}, {"response": {"status": "422", "outcome": OUTCOME}}]
    with (
        a_client(lambda _: httpx.Response(200, json={"resourceType": "Bundle", "entry": entries})) as client,
        pytest.raises(Refused) as caught,
    ):
        load_file(client, a_file(tmp_path, {"resourceType": "Bundle", "type": "batch"}))
    assert caught.value.reasons[:2] == (
        "Bundle.entry[1] answered with 422",
        "error: Goal.subject: Say whose goal it is",
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a FHIR resource"),
        ('{"resourceType": "../x"}', "is not a FHIR resource"),
        ('{"resourceType": "Bundle", "type": "searchset"}', "neither a transaction nor a batch"),
    ],
)
def test_what_cannot_be_sent_is_not_sent(tmp_path: Path, content: str, words: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request)

    with a_client(answer) as client, pytest.raises(Refused, match=words):
        load_file(client, a_file(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with a_client(lambda _: httpx.Response(200)) as client, pytest.raises(Refused, match="cannot be read"):
        load_file(client, tmp_path / "nothing.json")


def test_the_fhir_base_of_an_address() -> None:
    assert fhir_base("http://127.0.0.1:8000") == "http://127.0.0.1:8000/fhir/R4"
    assert fhir_base("http://127.0.0.1:8000/") == "http://127.0.0.1:8000/fhir/R4"
    assert fhir_base("https://plans.example/a/fhir/R4/") == "https://plans.example/a/fhir/R4"


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://x", "http://", "http://x:port"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        fhir_base(address)


def test_there_are_sample_plans() -> None:
    assert sample_files()
