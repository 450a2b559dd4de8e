"""Every search of the tables: by GET, by POST, with its parameters in both, and by the self link of its answer."""

import httpx
import pytest

from tests.search.asking import asked_again, entries, every_way, told
from tests.search.cases import CASES, HOSTILE, Case, shown
from tests.support.resources import problems_in

ANSWERED = [case for case in CASES if case.status is None and not case.survives]
REFUSED = [case for case in CASES if case.status is not None]


@pytest.mark.parametrize("case", ANSWERED, ids=shown)
async def test_a_search_finds_what_it_should(world: httpx.AsyncClient, case: Case) -> None:
    answers = [answer async for answer in every_way(world, case)]
    for answer in answers:
        check_answer(case, answer)
    if case.body is None:
        bundle = answers[0].json()
        again = await asked_again(world, bundle)
        assert [entries(again, mode) for mode in ("match", "include")] == [
            entries(bundle, mode) for mode in ("match", "include")
        ], "the self link is the search that was made"


def check_answer(case: Case, answer: httpx.Response) -> None:
    """Hold an answer against all that the case says of it."""
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    found = entries(bundle, "match")
    assert case.in_order is None or found == case.expected, case.why
    assert sorted(found) == sorted(case.expected), case.why
    assert sorted(entries(bundle, "include")) == sorted(case.includes), case.why
    assert case.total is None or bundle["total"] == case.total, case.why
    assert case.links is None or sorted(case.links) == sorted(link["relation"] for link in bundle["link"]), case.why
    if case.members is not None:
        assert [sorted(entry["resource"]) for entry in bundle["entry"]] == [sorted(case.members)], case.why
    said = told(bundle)
    assert (case.outcome is not None) == bool(said), said
    assert case.outcome is None or any(case.outcome in text for text in said), said


@pytest.mark.parametrize("case", REFUSED, ids=shown)
async def test_a_search_is_refused_with_a_reason(world: httpx.AsyncClient, case: Case) -> None:
    async for answer in every_way(world, case):
        assert answer.status_code == case.status, answer.text
        issues = answer.json()["issue"]
        rules, places = zip(*problems_in(answer.json()), strict=True)
        assert case.key is None or case.key in rules, case.why
        assert case.parameter is None or f"http.{case.parameter}" in places, case.why
        said = " ".join(issue["diagnostics"] for issue in issues)
        assert [words for words in case.says if words not in said] == [], (said, case.why)


@pytest.mark.parametrize("case", HOSTILE, ids=shown)
async def test_a_hostile_search_does_no_harm(world: httpx.AsyncClient, case: Case) -> None:
    async for answer in every_way(world, case):
        assert answer.status_code < 500, answer.text
        assert answer.json()["resourceType"] in ("Bundle", "OperationOutcome")
        if answer.status_code == 200 and case.matches is not None:
            assert sorted(entries(answer.json(), "match")) == sorted(case.expected), case.why
    assert (await world.get("/CarePlan/tamsin-recovery")).status_code == 200
