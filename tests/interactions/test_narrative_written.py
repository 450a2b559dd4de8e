"""The service writes the narrative where a client sends none, keeps it in step, and never touches a client's own."""

import pytest

from service.settings import Settings
from tests.support import resources
from tests.support.app import client_of
from tests.support.recovery import assessment, goal, plan
from tests.support.resources import batch, created, entry, send, transaction

WORDS = "I want my mornings back."
MINE = {"status": "additional", "div": '<div xmlns="http://www.w3.org/1999/xhtml">As I see it</div>'}


@pytest.fixture
def client(world):
    return world


async def put(client, resource):
    """Return status and answer of an update."""
    response = await client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
    return response.status_code, response.json()


def without_text(resource):
    return {key: value for key, value in resource.items() if key != "text"}


@pytest.mark.parametrize("make", [plan, goal, assessment])
async def test_a_resource_with_our_fields_and_no_text_gets_one(client, make):
    made = await created(client, make(text=None))
    assert made["text"]["status"] in ("generated", "extensions")
    assert made["text"]["div"].startswith('<div xmlns="http://www.w3.org/1999/xhtml"')
    assert list(made)[:4] == ["resourceType", "id", "meta", "text"]
    assert (await client.get(f"/{made['resourceType']}/{made['id']}")).json() == made
    assert {**without_text(made), "meta": make()["meta"]} == {**make(text=None), "id": made["id"]}


async def test_it_holds_the_words_of_the_person(client):
    made = await created(client, plan(text=None))
    assert WORDS in made["text"]["div"]


async def test_it_stands_after_the_language(client):
    first = {"resourceType": "Goal", "language": "en-GB", "_language": {"id": "x"}}
    made = await created(client, {**first, **{key: value for key, value in goal(text=None).items() if key != "meta"}})
    assert list(made)[:6] == ["resourceType", "id", "meta", "language", "_language", "text"]


async def test_recovery_fields_are_enough_and_a_profile_is_enough(client):
    fields = await created(client, plan(meta=None, text=None))
    claiming = resources.goal(meta=goal()["meta"], lifecycleStatus="entered-in-error")
    claim = await created(client, claiming)
    assert fields["text"]
    assert claim["text"]


async def test_a_plain_resource_comes_back_as_it_was_sent(client):
    made = await created(client, resources.care_plan(note=[{"text": "x"}]))
    assert "text" not in made


@pytest.mark.parametrize("bundle", [batch, transaction])
async def test_entries_get_one_too(client, bundle):
    whole = bundle(
        entry("POST", "Goal", goal(text=None)), entry("PUT", "Goal/narrated", goal(id="narrated", text=None))
    )
    response = await send(client, whole, Prefer="return=representation")
    assert all(item["resource"]["text"]["div"] for item in response.json()["entry"])


async def test_a_narrative_by_the_client_is_never_touched(client):
    made = await created(client, goal(text=MINE))
    assert made["text"] == MINE
    status, changed = await put(client, {**made, "description": {"text": "Something else"}})
    assert (status, changed["text"]) == (200, MINE)


async def test_ours_is_kept_in_step_whether_it_comes_back_or_is_left_out(client):
    made = await created(client, goal(text=None))
    status, second = await put(client, {**made, "description": {"text": "Second words"}})
    assert (status, second["meta"]["versionId"]) == (200, "2")
    assert "Second words" in second["text"]["div"]
    status, third = await put(client, {**without_text(second), "description": {"text": "Third words"}})
    assert (status, third["meta"]["versionId"]) == (200, "3")
    assert "Third words" in third["text"]["div"]
    status, late = await put(client, {**third, "description": {"text": "Fourth words"}, "text": made["text"]})
    assert status == 200
    assert "Fourth words" in late["text"]["div"]
    history = (await client.get(f"/Goal/{made['id']}/_history")).json()
    assert [item["resource"]["text"] for item in history["entry"]] == [
        version["text"] for version in (late, third, second, made)
    ]


async def test_an_update_that_changes_nothing_writes_nothing(client):
    made = await created(client, goal(text=None))
    for same in (made, without_text(made), {**without_text(made), "text": made["text"]}):
        assert await put(client, same) == (200, made)
    assert (await client.get(f"/Goal/{made['id']}/_history")).json()["total"] == 1


async def test_a_client_may_put_its_own_in_place_of_ours_and_take_it_away_again(client):
    made = await created(client, goal(text=None))
    status, mine = await put(client, {**made, "text": MINE})
    assert (status, mine["text"]) == (200, MINE)
    status, ours = await put(client, without_text(mine))
    assert (status, ours["text"], ours["meta"]["versionId"]) == (200, made["text"], "3")


async def test_ours_goes_where_the_fields_it_tells_of_go(client):
    made = await created(client, goal(text=None))
    plain = resources.goal(id=made["id"], text=made["text"])
    assert await put(client, plain) == (200, (await client.get(f"/Goal/{made['id']}")).json())
    assert "text" not in (await client.get(f"/Goal/{made['id']}")).json()


async def test_one_that_was_changed_by_a_client_is_its_own(client):
    made = await created(client, goal(text=None))
    div = made["text"]["div"].replace("</div>", "<p>And this</p></div>")
    mine = {**made["text"], "div": div}
    status, changed = await put(client, {**made, "text": mine, "description": {"text": "Other words"}})
    assert (status, changed["text"]) == (200, mine)


@pytest.mark.parametrize(("narrative", "plain", "ours"), [("always", True, True), ("off", False, False)])
async def test_a_setting_says_which_resources_get_one(mongodb_uri, narrative, plain, ours):
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database=f"test_narrative_{narrative}", narrative=narrative)
    async with client_of(settings) as client:
        assert ("text" in await created(client, resources.goal())) == plain
        assert ("text" in await created(client, goal(text=None))) == ours
        made = await created(client, goal(text=MINE))
        assert made["text"] == MINE


async def test_who_turns_it_off_keeps_the_old_ones_until_they_would_be_wrong(mongodb_uri):
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_narrative_turned_off")
    async with client_of(settings) as client:
        made = await created(client, goal(text=None))
        async with client_of(settings.model_copy(update={"narrative": "off"})) as other:
            assert await put(other, made) == (200, made)
            status, changed = await put(other, {**made, "description": {"text": "Other words"}})
            assert (status, "text" in changed) == (200, False)
