"""What each letter of a scope opens, alone and together, in both versions of SMART's scopes."""

import json

import pytest

from tests.security.answers import agree
from tests.security.asks import RECORDED, Ask, Row, asks
from tests.security.clients import MASTER
from tests.security.conftest import Asked, World
from tests.security.world import ANN, goal, label, plan, with_labels
from tests.support.issuer import bearer

_WORKER = {"fhirUser": "Practitioner/worker", "clearance": "*"}

LETTERS: dict[Row, str] = {
    ("", "GET"): "s",
    ("_search", "POST"): "s",
    ("{compartment}/{id}/{type}", "GET"): "s",
    ("{compartment}/{id}/{type}/_search", "POST"): "s",
    ("{compartment}/{id}/$everything", "GET"): "s",
    ("{compartment}/{id}/$everything", "POST"): "s",
    ("{type}", "GET"): "s",
    ("{type}", "POST"): "c",
    ("{type}", "PUT"): "us",
    ("{type}", "PATCH"): "us",
    ("{type}", "DELETE"): "ds",
    ("{type}/_search", "POST"): "s",
    ("{type}/{id}", "GET"): "r",
    ("{type}/{id}", "PUT"): "u",
    ("{type}/{id}", "PATCH"): "u",
    ("{type}/{id}", "DELETE"): "d",
    ("{type}/{id}/$diff", "GET"): "r",
    ("{type}/{id}/$diff", "POST"): "r",
    ("{type}/{id}/$validate", "GET"): "r",
    ("{type}/{id}/$validate", "POST"): "r",
    ("_history", "GET"): "s",
    ("{type}/_history", "GET"): "s",
    ("{type}/{id}/_history", "GET"): "r",
    ("{type}/{id}/_history/{vid}", "GET"): "r",
    ("{type}/{id}/$everything", "GET"): "s",
    ("{type}/{id}/$everything", "POST"): "s",
    ("{type}/$meta", "GET"): "s",
    ("{type}/$meta", "POST"): "s",
    ("$meta", "GET"): "s",
    ("$meta", "POST"): "s",
    ("{type}/{id}/$meta", "GET"): "r",
    ("{type}/{id}/$meta", "POST"): "r",
    ("{type}/{id}/_history/{vid}/$meta", "GET"): "r",
    ("{type}/{id}/_history/{vid}/$meta", "POST"): "r",
    ("{type}/{id}/$meta-add", "POST"): "ru",
    ("{type}/{id}/$meta-delete", "POST"): "ru",
    ("$export", "GET"): "rs",
    ("$export", "POST"): "rs",
    ("{compartment}/$export", "GET"): "rs",
    ("{compartment}/$export", "POST"): "rs",
    ("$import", "POST"): "u",
    ("$viewdefinition-run", "GET"): "rs",
    ("$viewdefinition-run", "POST"): "rs",
    ("standing {type}", "GET"): "s",
    ("standing {type}", "POST"): "c",
    ("standing {type}/_search", "POST"): "s",
    ("standing {type}/{id}", "GET"): "r",
    ("standing {type}/{id}", "PUT"): "u",
    ("standing {type}/{id}", "DELETE"): "d",
    ("standing {type}/{id}/_history", "GET"): "r",
    ("standing {type}/{id}/_history/{vid}", "GET"): "r",
    ("published {type}/$evaluate-measure", "GET"): "rs",
    ("published {type}/$evaluate-measure", "POST"): "rs",
    ("published {type}/{id}/$evaluate-measure", "GET"): "rs",
    ("published {type}/{id}/$evaluate-measure", "POST"): "rs",
}
"""What each row takes, as SMART has it; a search for what is to be changed is a search."""
_FOR_ALL = {"published {type}", "published {type}/_search", "published {type}/{id}", "metadata", "{type}/$validate"}
_BY_NO_LETTER = {"$job/{id}", "$job/{id}/{file}", "$report"}
"""What belongs to one client, and what takes a right of its own."""


def _one_of_each() -> dict[Row, Ask]:
    """Return one plain request for each row, those of a Bundle left out."""
    found: dict[Row, Ask] = {}
    for ask in asks(ANN):
        has_condition = "If-None-Exist" in ask.headers
        if (
            ask.row[0] not in _FOR_ALL | _BY_NO_LETTER
            and not ask.row[0].startswith(RECORDED)
            and ask.row != ("", "POST")
            and not has_condition
        ):
            found.setdefault(ask.row, ask)
    return found


def test_every_row_has_its_letters():
    assert set(_one_of_each()) == set(LETTERS)


async def test_all_but_one_letter_is_not_enough(world: World, asked: Asked):
    found = []
    for row, ask in _one_of_each().items():
        for letter in LETTERS[row]:
            others = "cruds".replace(letter, "")
            answer = await asked(world.whole, ask, bearer(f"user/*.{others}", **_WORKER))
            found += [f"{ask} with {others}: {answer.status}"] if answer.status != 403 else []
    agree(found)
    assert await world.now() == world.loaded


async def test_the_letters_are_enough(world: World, asked: Asked):
    """A search finds nothing, and so a patch on a condition is 404, where one may not read."""
    found = []
    for row, ask in _one_of_each().items():
        answer = await asked(world.whole, ask, bearer(f"user/*.{LETTERS[row]} recovery/labels.lower", **_WORKER))
        found += [f"{ask} with {LETTERS[row]}: {answer.status}"] if answer.status in (401, 403, 500) else []
        if ask.writes and answer.status < 300:
            await world.restore()
    agree(found)


@pytest.mark.parametrize(
    ("old", "new", "claims"),
    [
        ("user/*.read", "user/*.rs", {}),
        ("system/*.write", "system/*.cud", {}),
        ("patient/*.*", "patient/*.cruds", {"patient": ANN}),
    ],
)
async def test_version_1_is_the_same_in_other_words(old: str, new: str, claims, world: World, asked: Asked):
    found = []
    for ask in _one_of_each().values():
        told = []
        for scopes in (old, new):
            answer = await asked(world.whole, ask, bearer(scopes, **_WORKER, **claims))
            told.append(answer.status)
            if ask.writes and answer.status < 300:
                await world.restore()
        found += [f"{ask} with {old}: {told[0]} against {told[1]}"] if told[0] != told[1] else []
    agree(found)


WRITING = (
    Ask(("{type}/{id}", "PUT"), 0, f"/CarePlan/{ANN}-plan", plan(f"{ANN}-plan", ANN, title="new")),
    Ask(
        ("{type}/{id}", "PATCH"),
        0,
        f"/CarePlan/{ANN}-plan",
        [{"op": "add", "path": "/language", "value": "en"}],
        {"Content-Type": "application/json-patch+json"},
    ),
)


@pytest.mark.parametrize("ask", WRITING, ids=str)
async def test_who_writes_without_reading_is_told_nothing(ask: Ask, world: World, asked: Asked):
    for preference in ("representation", "OperationOutcome", "minimal"):
        told = Ask(ask.row, 0, ask.path, ask.body, {**ask.headers, "Prefer": f"return={preference}"})
        answer = await asked(world.whole, told, bearer("user/*.u", **_WORKER))
        assert answer.status == 200, answer
        assert not answer.says(f"{ANN}words"), answer
        assert not answer.says(f"{ANN}tag"), answer
        await world.restore()


_ACTIVE = bearer("user/CarePlan.cruds?status=active user/Goal.cruds", **_WORKER)
_UNLABELLED = bearer("user/*.cruds", fhirUser="Practitioner/worker")
_IN_RECORD = bearer("patient/*.cruds", patient=ANN, **_WORKER)
_R = [label("R")]
_META = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": _R}}]}
_AS_PATCH = {"Content-Type": "application/json-patch+json"}

LEAVING = (
    ("active", Ask(("", "PUT"), 403, f"/CarePlan/{ANN}-plan", plan(f"{ANN}-plan", ANN, status="draft")), _ACTIVE),
    ("active", Ask(("", "PUT"), 404, f"/CarePlan/{ANN}-part", plan(f"{ANN}-part", ANN)), _ACTIVE),
    ("active", Ask(("", "POST"), 403, "/CarePlan", plan("x", ANN, status="draft")), _ACTIVE),
    ("active", Ask(("", "PUT"), 404, "/CarePlan/new-id", plan("new-id", ANN)), _ACTIVE),
    (
        "active",
        Ask(
            ("", "PATCH"),
            403,
            f"/CarePlan/{ANN}-plan",
            [{"op": "replace", "path": "/status", "value": "draft"}],
            _AS_PATCH,
        ),
        _ACTIVE,
    ),
    ("unlabelled", Ask(("", "POST"), 403, "/CarePlan", with_labels(plan("x", ANN), "R")), _UNLABELLED),
    ("unlabelled", Ask(("", "PUT"), 403, f"/Goal/{ANN}-goal", with_labels(goal(f"{ANN}-goal", ANN), "R")), _UNLABELLED),
    ("unlabelled", Ask(("", "POST"), 403, f"/Goal/{ANN}-goal/$meta-add", _META), _UNLABELLED),
    ("unlabelled", Ask(("", "PUT"), 404, "/Goal/new-id", goal("new-id", ANN)), _UNLABELLED),
    ("in record", Ask(("", "PUT"), 403, f"/Goal/{ANN}-goal", goal(f"{ANN}-goal", "ben77")), _IN_RECORD),
    ("in record", Ask(("", "PUT"), 404, "/Goal/new-id", goal("new-id", ANN)), _IN_RECORD),
    ("in record", Ask(("", "POST"), 403, "/Goal", goal("x", ANN, subject={"reference": "Group/x"})), _IN_RECORD),
    ("in record", Ask(("", "POST"), 403, "/CarePlan", plan("x", ANN, subject={"display": "Ann"})), _IN_RECORD),
    (
        "in record",
        Ask(("", "POST"), 403, "/Goal", goal("x", ANN, subject={"reference": "https://x.org/Patient/ann77"})),
        _IN_RECORD,
    ),
)
"""Writes that would leave something outside of what their client may write, or choose an id."""


@pytest.mark.parametrize(
    ("name", "ask", "headers"), LEAVING, ids=lambda each: str(each) if not isinstance(each, dict) else ""
)
async def test_a_write_stays_inside(name: str, ask: Ask, headers: dict[str, str], world: World, asked: Asked):
    await world.restore()
    answer = await asked(world.whole, ask, headers)
    entry = {"request": {"method": ask.method, "url": ask.path[1:]}}
    if not isinstance(ask.body, list):
        entry["resource"] = ask.body
        for kind in ("transaction", "batch"):
            bundle = Ask(("", "POST"), 0, "", {"resourceType": "Bundle", "type": kind, "entry": [entry]})
            told = await asked(world.whole, bundle, headers)
            status = (
                told.status
                if kind == "transaction"
                else int(json.loads(told.body)["entry"][0]["response"]["status"][:3])
            )
            assert status == ask.status, told
    assert answer.status == ask.status, answer
    assert await world.now() == world.loaded


async def test_unlimited_clients_choose_ids(world: World):
    response = await world.whole.put("/Goal/chosen", json=goal("chosen", ANN), headers=MASTER.headers)
    await world.restore()
    assert response.status_code == 201, response.text
