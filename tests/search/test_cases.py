"""Every search of the tables, by GET, by POST, and with half of it in each."""

from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.search.cases import CASES, NAMES, Case, shown
from tests.support.resources import problems_in

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
ANSWERED = [case for case in CASES if case.status is None and not case.survives]
REFUSED = [case for case in CASES if case.status is not None]
HOSTILE = [case for case in CASES if case.survives]


def also_as_form(cases: list[Case]) -> list[Case]:
    """Return those of ``cases`` that can be sent to ``_search`` as well."""
    return [case for case in cases if case.body is None and "*" not in case.query.partition("?")[0]]


async def ask(client: httpx.AsyncClient, case: Case) -> httpx.Response:
    """Send the search as the case writes it."""
    headers = {"Prefer": case.prefer} if case.prefer else {}
    if case.body is None:
        return await client.get(f"/{case.address}", headers=headers)
    return await client.post(f"/{case.address}", content=form(case.filled(case.body)), headers=headers | FORM)


async def ask_by_post(client: httpx.AsyncClient, case: Case, in_address: str = "") -> httpx.Response:
    """Send the search as a form to ``_search``, with the parameters ``in_address`` in the address instead."""
    path, _, query = case.address.partition("?")
    headers = {"Prefer": case.prefer} if case.prefer else {}
    rest = query.removeprefix(in_address).removeprefix("&")
    address = f"/{path}/_search".replace("//", "/") + (f"?{in_address}" if in_address else "")
    return await client.post(address, content=form(rest), headers=headers | FORM)


def form(query: str) -> bytes:
    """Return ``query`` as the bytes of a form: what is not ASCII, and spaces, percent-encoded."""
    return quote(query, safe=PUNCTUATION).encode()


def entries(bundle: dict[str, Any], mode: str) -> list[str]:
    """Return ``Type/id`` (and ``#id`` of a contained resource) of the entries of a mode, as their addresses say."""
    found = [entry for entry in bundle.get("entry", []) if entry["search"]["mode"] == mode]
    return [entry["fullUrl"].removeprefix(f"{NAMES['base']}/") for entry in found]


def outcomes(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "outcome"]


def check_answer(case: Case, answer: httpx.Response) -> None:
    """Hold an answer against all that the case says of it."""
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    found = entries(bundle, "match")
    if case.in_order is not None:
        assert found == case.expected, case.why
    assert sorted(found) == sorted(case.expected), case.why
    assert sorted(entries(bundle, "include")) == sorted(case.named(case.includes)), case.why
    if case.total is not None:
        assert bundle["total"] == case.total, case.why
    if case.links is not None:
        assert sorted(link["relation"] for link in bundle["link"]) == sorted(case.links), case.why
    if case.members is not None:
        for entry in bundle["entry"]:
            assert sorted(entry["resource"]) == sorted(case.members), case.why
    said = [issue["diagnostics"] for outcome in outcomes(bundle) for issue in outcome["issue"]]
    assert (case.outcome is not None) == bool(said), said
    assert case.outcome is None or any(case.outcome in text for text in said), said


def check_refusal(case: Case, answer: httpx.Response) -> None:
    """Hold a refusal against status, key and words of the case."""
    assert answer.status_code == case.status, answer.text
    outcome = answer.json()
    found = problems_in(outcome)
    if case.key is not None:
        assert case.key in [key for key, _ in found], case.why
    if case.parameter is not None:
        assert f"http.{case.parameter}" in [place for _, place in found], case.why
    said = " ".join(issue["diagnostics"] for issue in outcome["issue"])
    for words in case.says:
        assert words in said, case.why


@pytest.mark.parametrize("case", ANSWERED, ids=shown)
async def test_a_search_finds_what_it_should(world: httpx.AsyncClient, case: Case) -> None:
    check_answer(case, await ask(world, case))


@pytest.mark.parametrize("case", REFUSED, ids=shown)
async def test_a_search_is_refused_with_a_reason(world: httpx.AsyncClient, case: Case) -> None:
    check_refusal(case, await ask(world, case))


@pytest.mark.parametrize("case", HOSTILE, ids=shown)
async def test_a_hostile_search_does_no_harm(world: httpx.AsyncClient, case: Case) -> None:
    answers = [await ask(world, case), await ask_by_post(world, case)]
    for answer in answers:
        assert answer.status_code < 500, answer.text
        assert answer.json()["resourceType"] in ("Bundle", "OperationOutcome")
        if answer.status_code == 200:
            found = entries(answer.json(), "match")
            assert case.matches is None or sorted(found) == sorted(case.expected), case.why
    assert (await world.get("/CarePlan/tamsin-recovery")).status_code == 200


@pytest.mark.parametrize("case", also_as_form(ANSWERED), ids=shown)
async def test_a_post_finds_what_a_get_finds(world: httpx.AsyncClient, case: Case) -> None:
    check_answer(case, await ask_by_post(world, case))


@pytest.mark.parametrize("case", also_as_form(REFUSED), ids=shown)
async def test_a_post_is_refused_as_a_get_is(world: httpx.AsyncClient, case: Case) -> None:
    check_refusal(case, await ask_by_post(world, case))


@pytest.mark.parametrize("case", [case for case in also_as_form(ANSWERED) if "&" in case.query], ids=shown)
async def test_parameters_count_wherever_they_stand(world: httpx.AsyncClient, case: Case) -> None:
    first = case.address.partition("?")[2].partition("&")[0]
    check_answer(case, await ask_by_post(world, case, in_address=first))


@pytest.mark.parametrize("case", [case for case in ANSWERED if case.body is None], ids=shown)
async def test_the_self_link_gives_the_same_again(world: httpx.AsyncClient, case: Case) -> None:
    bundle = (await ask(world, case)).json()
    (address,) = [link["url"] for link in bundle["link"] if link["relation"] == "self"]
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}".startswith(NAMES["base"])
    again = (await world.get(address.removeprefix(NAMES["base"]))).json()
    for mode in ("match", "include"):
        assert entries(again, mode) == entries(bundle, mode)
