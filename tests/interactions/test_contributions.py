"""What people may write in their own record: notes, agreements and disagreements, and nothing else."""

import copy
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from service.fhir.outcome import OutcomeError
from service.interactions.context import Context
from service.interactions.contributions import check_contribution
from service.settings import Settings
from tests.support.access import Whole, service_for
from tests.support.app import client_of
from tests.support.recovery import PERSON, WORKER, assessment, extension, goal, hl7, own, plan
from tests.support.resources import Json, created, entry, problems, send, transaction

NOTE = {"text": "I would rather walk than take the bus."}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def agreement(party: Json = PERSON, status: str = "agree", **parts: Any) -> Json:
    return extension(own("agreement"), valueReference_party=party, valueCode_status=status, **parts)


def acceptance(party: Json = PERSON, status: str = "agree", **parts: Any) -> Json:
    return extension(hl7("goal-acceptance"), valueReference_individual=party, valueCode_status=status, **parts)


@pytest.fixture(scope="module")
def records(mongodb_uri: str) -> Settings:
    return Settings(mongodb_uri=mongodb_uri, mongodb_database="test_contributions", references="never")


@pytest.fixture(scope="module")
async def staff(records: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(records) as found:
        yield found


@pytest.fixture(scope="module")
async def of_person(staff: httpx.AsyncClient, records: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Context]]:
    async with service_for(records, Whole(writes_contributions_only=True)) as found:
        yield found


@pytest.fixture(scope="module")
def person(of_person: tuple[httpx.AsyncClient, Context]) -> httpx.AsyncClient:
    return of_person[0]


@pytest.fixture(scope="module")
def context(of_person: tuple[httpx.AsyncClient, Context]) -> Context:
    return of_person[1]


async def put(client: httpx.AsyncClient, resource: Json, **headers: str) -> httpx.Response:
    return await client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource, headers=headers)


def adding(resource: Json, element: str, *items: Json) -> Json:
    return {**resource, element: [*resource.get(element, []), *items]}


def places(answer: httpx.Response) -> list[str | None]:
    assert answer.status_code == 403, answer.text
    found = problems(answer)
    assert {rule for rule, _ in found} == {"forbidden"}
    return [place for _, place in found]


OWN_WORDS = [
    (plan(), "note", NOTE),
    (plan(), "note", {**NOTE, "authorReference": PERSON, "time": "2026-11-20"}),
    (plan(), "extension", agreement(valueDate_date="2026-11-20")),
    (plan(), "extension", agreement(status="disagree", valueString_comment="It is too much at once.")),
    (assessment(), "extension", agreement()),
    (assessment(), "note", NOTE),
    (goal(), "note", NOTE),
    (goal(), "extension", acceptance(valueCodeableConcept_priority={"text": "First of all"})),
    (goal(lifecycleStatus="on-hold"), "extension", acceptance(status="disagree")),
]
NOT_THEIRS = [
    (plan(), "note", {**NOTE, "authorReference": WORKER}),
    (plan(), "note", {**NOTE, "authorString": "Ade"}),
    (plan(), "extension", agreement(WORKER)),
    (plan(), "extension", agreement(status="pending")),
    (plan(), "extension", agreement(status="took-no-part", valueString_comment="Not today")),
    (plan(), "extension", {"url": own("strength"), "valueCodeableConcept": {"text": "Walks far"}}),
    (plan(), "contributor", {"reference": "RelatedPerson/example-sam"}),
    (goal(), "extension", acceptance(WORKER)),
    (goal(), "extension", acceptance(status="pending")),
    (assessment(), "extension", agreement(WORKER, "disagree", valueString_comment="Too steep")),
]


class TestAdding:
    @pytest.mark.parametrize(("resource", "element", "added"), OWN_WORDS)
    async def test_their_own_words_are_taken(
        self, staff: httpx.AsyncClient, person: httpx.AsyncClient, resource: Json, element: str, added: Json
    ) -> None:
        made = await created(staff, resource)
        answer = await put(person, adding(made, element, added), **{"If-Match": 'W/"1"'})
        assert answer.status_code == 200, answer.text
        assert answer.json()[element] == [*made.get(element, []), added]

    @pytest.mark.parametrize(("resource", "element", "added"), NOT_THEIRS)
    async def test_others_words_are_not(
        self, staff: httpx.AsyncClient, person: httpx.AsyncClient, resource: Json, element: str, added: Json
    ) -> None:
        made = await created(staff, resource)
        answer = await put(person, adding(made, element, added))
        where = "" if element == "contributor" else f"[{len(made.get(element, []))}]"
        assert places(answer) == [f"{resource['resourceType']}.{element}{where}"]
        assert "Ade" not in answer.text
        assert (await staff.get(f"/{made['resourceType']}/{made['id']}")).json() == made

    async def test_a_disagreement_with_an_active_goal_does_not_wait(
        self, staff: httpx.AsyncClient, person: httpx.AsyncClient
    ) -> None:
        """The profile has it that staff cannot leave such a goal active; that is for them to mend."""
        made = await created(staff, goal())
        objecting = adding(made, "extension", acceptance(status="disagree"))
        assert problems(await put(staff, objecting)) == [("rg-7", "Goal")]
        told = await put(person, objecting, Prefer="return=OperationOutcome")
        assert told.status_code == 200
        assert "rg-7" in told.text

    async def test_patches_add_too_and_narratives_follow(
        self, staff: httpx.AsyncClient, person: httpx.AsyncClient
    ) -> None:
        for text in (None, plan()["text"]):
            made = await created(staff, plan(text=text))
            addition = [{"op": "add", "path": "/note/-", "value": NOTE}]
            answer = await person.patch(f"/CarePlan/{made['id']}", json=addition, headers=JSON_PATCH)
            assert answer.status_code == 200, answer.text
            assert NOTE["text"] in answer.json()["text"]["div"]

    async def test_what_changes_nothing_is_no_offence(
        self, staff: httpx.AsyncClient, person: httpx.AsyncClient
    ) -> None:
        made = await created(staff, plan())
        answer = await put(person, made)
        assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"1"')

    async def test_a_transaction_of_contributions_is_done(
        self, staff: httpx.AsyncClient, person: httpx.AsyncClient
    ) -> None:
        first, second = await created(staff, plan()), await created(staff, goal())
        entries = [
            entry("PUT", f"{each['resourceType']}/{each['id']}", adding(each, "note", NOTE)) for each in (first, second)
        ]
        assert (await send(person, transaction(*entries))).status_code == 200
        spoilt = [entries[0], entry("PUT", f"Goal/{second['id']}", {**second, "lifecycleStatus": "cancelled"})]
        answer = await send(person, transaction(*spoilt))
        assert "Bundle.entry[1].resource.lifecycleStatus" in places(answer)
        assert (await staff.get(f"/CarePlan/{first['id']}")).headers["etag"] == 'W/"2"'


class TestNothingElse:
    async def test_the_places_that_differ_are_told_and_no_content(
        self, staff: httpx.AsyncClient, person: httpx.AsyncClient
    ) -> None:
        made = await created(staff, assessment(note=[NOTE], language="en"))
        changed = {
            **{key: value for key, value in made.items() if key != "language"},
            "code": {"text": "Stay at home"},
            "meta": {**made["meta"], "tag": [{"code": "mine"}]},
            "text": {**made["text"], "status": "additional"},
            "occurrenceDateTime": "2026-11-02",
            "note": [{"text": "I would rather stay."}],
        }
        answer = await put(person, changed)
        assert sorted(map(str, places(answer))) == [
            "RiskAssessment.code",
            "RiskAssessment.language",
            "RiskAssessment.meta.tag",
            "RiskAssessment.note[0]",
            "RiskAssessment.occurrence",
            "RiskAssessment.text",
        ]
        assert "rather" not in answer.text

    async def test_digits_count(self, staff: httpx.AsyncClient, person: httpx.AsyncClient) -> None:
        score = {"url": "http://example.org/score", "valueDecimal": 0}
        made = await created(staff, goal(extension=[score]))
        text = (await staff.get(f"/Goal/{made['id']}")).text.replace('"valueDecimal":0', '"valueDecimal":0.0')
        answer = await person.put(f"/Goal/{made['id']}", content=text)
        assert places(answer) == ["Goal.extension[0]"]

    async def test_a_narrative_that_says_more_cannot_be_left_out(
        self, staff: httpx.AsyncClient, person: httpx.AsyncClient
    ) -> None:
        made = await created(staff, plan(text={**plan()["text"], "status": "additional"}))
        without = {key: value for key, value in adding(made, "note", NOTE).items() if key != "text"}
        assert places(await put(person, without)) == ["CarePlan.text"]
        removal = [{"op": "remove", "path": "/text"}]
        assert places(await person.patch(f"/CarePlan/{made['id']}", json=removal, headers=JSON_PATCH)) == [
            "CarePlan.text"
        ]

    async def test_no_other_write(self, staff: httpx.AsyncClient, person: httpx.AsyncClient) -> None:
        made, gone = await created(staff, plan()), await created(staff, plan())
        await staff.delete(f"/CarePlan/{gone['id']}")
        assert places(await put(person, gone)) == [None]
        who = {"resourceType": "Provenance", "agent": [{"who": PERSON}]}
        noted = await put(person, adding(made, "note", NOTE), **{"X-Provenance": json.dumps(who)})
        assert places(noted) == [None]
        assert (await staff.get(f"/CarePlan/{made['id']}")).json() == made


CURRENT = {
    **plan(note=[{**NOTE, "id": "first"}, {**NOTE, "id": "last", "authorReference": WORKER}]),
    "id": "x",
    "extension": [{**agreement(), "id": "first"}, {**agreement(WORKER), "id": "last"}],
}
ITEMS = st.sampled_from([item for _, element, item in (*OWN_WORDS, *NOT_THEIRS) if element == "note"])
EXTENSIONS = st.sampled_from(
    [item for each, name, item in (*OWN_WORDS, *NOT_THEIRS) if name == "extension" and each["resourceType"] != "Goal"]
)
RIGHT = [item for _, _, item in OWN_WORDS]


@st.composite
def edits(draw: st.DrawFn) -> tuple[Json, bool]:
    """Draw a successor of CURRENT, and whether everything that was done to it is allowed."""
    made, is_right = copy.deepcopy(CURRENT), True
    for _ in range(draw(st.integers(0, 4))):
        element, items = draw(st.sampled_from([("note", ITEMS), ("extension", EXTENSIONS)]))
        match draw(st.sampled_from(["append", "append", "append", "first", "drop", "alter", "remove", "add"])):
            case "append":
                item = draw(items)
                made[element].append(item)
                is_right &= item in RIGHT
            case "first":
                made[element].insert(0, {**draw(items), "id": "new"})
                is_right = False
            case "drop":
                made[element] = [item for item in made[element] if item.get("id") != "last"]
                is_right = False
            case "alter":
                made[element] = [{**item, "id": "x"} if item.get("id") == "last" else item for item in made[element]]
                is_right = False
            case "remove":
                made.pop(draw(st.sampled_from(["status", "subject", "goal", "contributor", "text"])), None)
                is_right = False
            case "add":
                made[draw(st.sampled_from(["title", "_status", "replaces", "implicitRules"]))] = "new"
                is_right = False
    return made, is_right


def test_whatever_is_edited_only_contributions_pass(context: Context) -> None:
    @examples(max_examples=300, deadline=None)
    @given(edit=edits())
    def check(edit: tuple[Json, bool]) -> None:
        made, is_right = edit
        if is_right:
            check_contribution(CURRENT, made, context)
        else:
            with pytest.raises(OutcomeError, match="forbidden"):
                check_contribution(CURRENT, made, context)

    check()
