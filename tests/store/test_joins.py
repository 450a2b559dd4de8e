"""Chained and reverse-chained searches in the database: answered from the far end, looked up, and both agree."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any as AnyValue

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.search.predicate import All, Any, LinkedFrom, LinkedTo, Member, Not, OneOf, Predicate, Present, StartsWith
from service.store.driver import Document
from service.store.filter import both
from service.store.joins import BOUNDS, Bounds, joined
from service.store.lookups import Joined
from service.store.reading import Reading
from tests.store.conftest import OpenStore

FROM_THE_FAR_END = Bounds(linked=1_000, own=0)
LOOKED_UP = Bounds(linked=0, own=0)
WAYS = (FROM_THE_FAR_END, LOOKED_UP, Bounds(linked=1, own=0), Bounds(linked=1_000, own=1), BOUNDS)
World = dict[str, list[Document]]


CHANGED = {"_lastUpdated": {"lo": 1, "hi": 1}}


def document(resource_id: str, *words: str, deleted: bool = False, **search: str) -> Document:
    """Return a document of the index form; in names of fields - is written _."""
    if deleted:
        return {"_id": resource_id, "version": 2, "deleted": True, "method": "DELETE"}
    own = {name.replace("_", "-"): value for name, value in search.items()}
    return {"_id": resource_id, "version": 1, "deleted": False, "search": {**CHANGED, **own}, "words": list(words)}


def word(text: str) -> Predicate:
    return OneOf("words", (text,))


def goal(part: Predicate) -> Predicate:
    """A plan refers to a goal for which ``part`` holds."""
    return LinkedTo("words", "goal=", "Goal", part)


def based_on(part: Predicate) -> Predicate:
    """An assessment refers to a plan for which ``part`` holds."""
    return LinkedTo("words", "based-on=", "CarePlan", part)


def in_plan(part: Predicate) -> Predicate:
    """A plan for which ``part`` holds refers to the goal."""
    return LinkedFrom("CarePlan", "words", "goal=", part)


def assessed(part: Predicate) -> Predicate:
    """An assessment for which ``part`` holds refers to the plan."""
    return LinkedFrom("RiskAssessment", "words", "based-on=", part)


A, B, ACTIVE = word("category=a"), word("category=b"), OneOf("search.status", ("active",))
WORLD: World = {
    "CarePlan": [
        document("p1", "goal=Goal/g1", "goal=Goal/g2", "goalé=Ünï", status="active", patient="Patient/1"),
        document("p2", "goal=Goal/g3", "part-of=CarePlan/p1", status="completed", patient="Patient/2"),
        document("p3", "goal=Goal/gone", "goal=Goal/never", "goal=Goal/", status="active", patient="Patient/1"),
        document("p4", "goal=http://other.example.org/Goal/g1", "x=Goal/g1", status="active", part="CarePlan/p2"),
        document("p5", deleted=True),
    ],
    "Goal": [
        document("g1", "category=a", patient="Patient/1"),
        document("g2", "category=b", "related-goal=Goal/g1", patient="Patient/1"),
        document("g3", "category=b", patient="Patient/2"),
        document("g4", "category=a", "category=b", "related-goal=Goal/g3"),
        document("gone", deleted=True),
    ],
    "RiskAssessment": [
        document("r1", "based-on=CarePlan/p1", "decision=x", status="final"),
        document("r2", "based-on=CarePlan/p2", "based-on=CarePlan/p5", status="final"),
        document("r3", deleted=True),
        document("r4", "based-on=CarePlan/p1", "based-on=CarePlan/p2", "decision=y"),
    ],
}
CASES: list[tuple[str, str, Predicate, list[str]]] = [
    ("forward", "CarePlan", goal(A), ["p1"]),
    ("forward, several", "CarePlan", goal(B), ["p1", "p2"]),
    ("forward, none", "CarePlan", goal(word("category=c")), []),
    ("forward, any resource that is there", "CarePlan", goal(All()), ["p1", "p2"]),
    ("forward, by id", "CarePlan", goal(OneOf("_id", ("gone", "g3", "never"))), ["p2"]),
    ("forward, by id or else", "CarePlan", goal(Any((word("category=c"), OneOf("_id", ("gone",))))), []),
    ("forward, what the other is not", "CarePlan", goal(Not(A)), ["p1", "p2"]),
    ("forward, from a field of its own", "CarePlan", LinkedTo("search.part", "", "CarePlan", Not(ACTIVE)), ["p4"]),
    ("forward, to its own type", "CarePlan", LinkedTo("words", "part-of=", "CarePlan", ACTIVE), ["p2"]),
    ("forward, to a type that is not stored", "CarePlan", LinkedTo("search.patient", "", "Patient", All()), []),
    ("reverse", "Goal", in_plan(ACTIVE), ["g1", "g2"]),
    ("reverse, any resource that is there", "CarePlan", assessed(All()), ["p1", "p2"]),
    ("reverse, what the other is not", "CarePlan", assessed(Not(word("decision=x"))), ["p1", "p2"]),
    ("reverse, none", "CarePlan", assessed(word("decision=z")), []),
    ("reverse, a field of its own", "CarePlan", LinkedFrom("CarePlan", "search.part", "", ACTIVE), ["p2"]),
    ("reverse, from a type that is not stored", "CarePlan", LinkedFrom("Basic", "words", "subject=", All()), []),
    ("forward, forward", "RiskAssessment", based_on(goal(A)), ["r1", "r4"]),
    ("reverse, reverse", "Goal", in_plan(assessed(word("decision=x"))), ["g1", "g2"]),
    ("forward, reverse", "CarePlan", goal(LinkedFrom("Goal", "words", "related-goal=", A)), ["p2"]),
    ("reverse, forward", "CarePlan", assessed(based_on(goal(A))), ["p1", "p2"]),
    ("one and the same resource", "CarePlan", goal(All((A, B))), []),
    ("two that may differ", "CarePlan", All((goal(A), goal(B))), ["p1"]),
    ("beside other criteria", "CarePlan", All((ACTIVE, OneOf("search.patient", ("Patient/1",)), goal(B))), ["p1"]),
    ("denied", "CarePlan", Not(goal(A)), ["p2", "p3", "p4"]),
    ("denied twice", "CarePlan", Not(Not(goal(A))), ["p1"]),
    ("denied in reverse", "Goal", Not(in_plan(ACTIVE)), ["g3", "g4"]),
    ("denied among others", "CarePlan", All((ACTIVE, Not(All((goal(A), goal(B)))))), ["p3", "p4"]),
    ("denied inside of another", "RiskAssessment", based_on(Not(goal(A))), ["r2", "r4"]),
    ("one of two", "CarePlan", Any((goal(A), word("part-of=CarePlan/p1"))), ["p1", "p2"]),
    ("one of two that are linked", "CarePlan", Any((goal(A), assessed(word("decision=y")))), ["p1", "p2"]),
    ("one of two types", "CarePlan", Any((goal(A), LinkedTo("words", "goal=", "Patient", All()))), ["p1"]),
    ("the same twice", "CarePlan", All((goal(B), Any((Not(goal(B)), ACTIVE)))), ["p1"]),
    ("no link at all", "CarePlan", ACTIVE, ["p1", "p3", "p4"]),
]


@dataclass
class Noted:
    """A reading that notes what it is asked for."""

    reading: Reading
    asked: list[tuple[str, list[Document]]] = field(default_factory=list)

    async def aggregate(self, name: str, stages: Sequence[Document], limit: int) -> list[Document]:
        self.asked.append((name, [*stages, {"$limit": limit}]))
        return await self.reading.aggregate(name, stages, limit)


def reading(opened: OpenStore, session: AnyValue = None) -> Reading:
    return Reading(opened.driver, session, None, 30.0)


def page(found: Joined, matching: Document) -> list[Document]:
    stages = found.stages if matching is found.filter else []
    return [{"$match": both({"deleted": False}, matching)}, {"$sort": {"_id": 1}}, *stages, {"$project": {"_id": 1}}]


async def ids(reads: Reading, predicate: Predicate, own_type: str, bounds: Bounds) -> list[str]:
    """Return the ids of the matches; what only the filter finds has to be more, or the same without stages."""
    found = await joined(predicate, own_type, reads, bounds)
    matches = [item["_id"] for item in await reads.aggregate(own_type, page(found, found.filter), 1_000)]
    filtered = [item["_id"] for item in await reads.aggregate(own_type, page(found, dict(found.filter)), 1_000)]
    assert set(filtered) >= set(matches) if found.stages else filtered == matches
    return matches


async def fill(opened: OpenStore, world: World) -> None:
    for name, documents in world.items():
        await opened.database[name].delete_many({})
        if documents:
            await opened.database[name].insert_many([dict(document) for document in documents])


@pytest.mark.parametrize("bounds", WAYS, ids=str)
async def test_what_is_linked_is_found_either_way(opened: OpenStore, bounds: Bounds) -> None:
    await fill(opened, WORLD)
    for name, own_type, predicate, expected in CASES:
        found = await ids(reading(opened), predicate, own_type, bounds)
        assert (name, found) == (name, expected)
        assert (name, found) == (name, matches(WORLD, own_type, predicate))


async def test_few_linked_resources_need_no_stages(opened: OpenStore) -> None:
    await fill(opened, WORLD)
    for predicate in (goal(B), assessed(All()), Not(goal(B)), goal(in_plan(assessed(All())))):
        for linked, stages_are_needed in ((2, True), (3, False)):
            found = await joined(predicate, "CarePlan", reading(opened), Bounds(linked, own=0))
            assert bool(found.stages) == stages_are_needed, (predicate, linked)


async def test_few_resources_of_our_own_are_looked_up_at_once(opened: OpenStore) -> None:
    await fill(opened, WORLD)
    noted = Noted(reading(opened))
    predicate = All((OneOf("search.patient", ("Patient/1",)), goal(B)))
    found = await joined(predicate, "CarePlan", noted, Bounds(linked=1_000, own=2))
    assert found.few
    assert found.stages
    assert [name for name, _ in noted.asked] == ["CarePlan"]
    assert not (await joined(predicate, "CarePlan", noted, Bounds(linked=1_000, own=1))).stages


async def test_a_far_end_that_is_few_for_its_other_criteria_is_asked(opened: OpenStore) -> None:
    await fill(opened, WORLD)
    predicate = based_on(All((OneOf("search.patient", ("Patient/1",)), goal(B))))
    noted = Noted(reading(opened))
    assert not (await joined(predicate, "RiskAssessment", noted, Bounds(linked=1, own=2))).stages
    assert [name for name, _ in noted.asked] == ["CarePlan", "CarePlan"]
    assert (await joined(predicate, "RiskAssessment", noted, Bounds(linked=1, own=1))).stages


async def test_what_a_transaction_wrote_is_linked_in_it_alone(opened: OpenStore) -> None:
    await fill(opened, WORLD)
    predicate = Any((goal(word("category=new")), assessed(word("decision=new"))))
    async with opened.driver.session() as session:
        await opened.driver.start_transaction(session)
        await opened.database["Goal"].insert_one(document("g9", "category=new"), session=session)
        await opened.database["CarePlan"].insert_one(document("p9", "goal=Goal/g9"), session=session)
        written = document("r9", "based-on=CarePlan/p3", "decision=new")
        await opened.database["RiskAssessment"].insert_one(written, session=session)
        for bounds in WAYS:
            assert await ids(reading(opened, session), predicate, "CarePlan", bounds) == ["p3", "p9"]
            assert await ids(reading(opened), predicate, "CarePlan", bounds) == []
        await session.abort_transaction()


async def many(opened: OpenStore) -> None:
    """2,000 plans of 1,000 people, each with a goal of its own; 3 goals are of the category rare, half of them of a."""
    numbers = range(2_000)
    goals = [
        document(f"g{n:04}", "category=a" if n % 2 else "category=b", f"category={'rare' if n % 700 == 0 else 'c'}")
        for n in numbers
    ]
    plans = [document(f"p{n:04}", f"goal=Goal/g{n:04}", status="active", patient=f"Patient/{n // 2}") for n in numbers]
    await fill(opened, {"Goal": goals, "CarePlan": plans})


async def cost(opened: OpenStore, own_type: str, stages: Sequence[Document]) -> tuple[Document, list[Document]]:
    """Return what it took to read the documents that an aggregation begins with, and its other stages."""
    aggregation = {"aggregate": own_type, "pipeline": list(stages), "cursor": {}}
    explained = await opened.database.command({"explain": aggregation, "verbosity": "executionStats"})
    first, *others = explained.get("stages") or [{"$cursor": explained}]
    return first["$cursor"]["executionStats"], others


FORWARD = ("CarePlan", goal(word("category=rare")), 0)
REVERSE = ("Goal", in_plan(OneOf("search.patient", ("Patient/7", "Patient/8"))), 4)


@pytest.mark.parametrize(("own_type", "predicate", "read"), [FORWARD, REVERSE], ids=["forward", "reverse"])
async def test_the_far_end_is_asked_by_an_index(
    opened: OpenStore, own_type: str, predicate: Predicate, read: int
) -> None:
    """Forward, the index holds all that is asked for; in reverse, the references have to be read."""
    await many(opened)
    noted = Noted(reading(opened))
    found = await joined(predicate, own_type, noted, FROM_THE_FAR_END)
    ((far_type, asked),) = noted.asked
    taken, _ = await cost(opened, far_type, asked)
    assert (taken["totalDocsExamined"], taken["nReturned"]) == (read, 3 + (read > 0))
    assert taken["totalKeysExamined"] <= taken["nReturned"] + 2
    taken, others = await cost(opened, own_type, [*page(found, found.filter), {"$limit": 21}])
    assert not others
    assert taken["totalDocsExamined"] <= taken["nReturned"] == 3 + (read > 0)


@pytest.mark.parametrize(
    ("own_type", "predicate"),
    [("CarePlan", goal(A)), ("Goal", All((A, in_plan(ACTIVE))))],
    ids=["forward", "reverse"],
)
async def test_looking_up_goes_by_an_index_and_ends_with_the_page(
    opened: OpenStore, own_type: str, predicate: Predicate
) -> None:
    await many(opened)
    found = await joined(predicate, own_type, reading(opened), LOOKED_UP)
    _, others = await cost(opened, own_type, [*page(found, found.filter), {"$limit": 21}])
    (lookup,) = [stage for stage in others if "$lookup" in stage]
    assert lookup["collectionScans"] == 0
    assert lookup["indexesUsed"]
    assert lookup["nReturned"] <= 42
    assert lookup["totalDocsExamined"] <= 42
    assert lookup["totalKeysExamined"] <= 3 * 42
    assert others[-1]["nReturned"] == 21


async def test_a_member_of_a_list_has_no_links(opened: OpenStore) -> None:
    with pytest.raises(ValueError, match=r"search\.agreement: a member of a list has no links of its own"):
        await joined(Not(Member("search.agreement", goal(A))), "CarePlan", reading(opened))


def matches(world: World, own_type: str, predicate: Predicate) -> list[str]:
    """Return the ids of the matches, found by looking at everything."""
    living = [document for document in world[own_type] if not document["deleted"]]
    return sorted(item["_id"] for item in living if holds(world, own_type, item, predicate))


def holds(world: World, own_type: str, item: Document, predicate: Predicate) -> bool:
    match predicate:
        case OneOf(name, values):
            return any(text in values for text in texts(item, name))
        case StartsWith(name, start):
            return any(text.startswith(start) for text in texts(item, name))
        case Present(name):
            return bool(texts(item, name))
        case All(parts):
            return all(holds(world, own_type, item, part) for part in parts)
        case Any(parts):
            return any(holds(world, own_type, item, part) for part in parts)
        case Not(part):
            return not holds(world, own_type, item, part)
        case LinkedTo(name, start, other, part):
            others = matches(world, other, part) if other in world else []
            return any(f"{start}{other}/{found}" in texts(item, name) for found in others)
        case LinkedFrom(other, name, start, part):
            found = matches(world, other, part) if other in world else []
            linked = [text for one in world.get(other, []) if one["_id"] in found for text in texts(one, name)]
            return f"{start}{own_type}/{item['_id']}" in linked
    raise AssertionError(predicate)


def texts(item: Document, name: str) -> list[str]:
    if name == "_id":
        return [item["_id"]]
    value = item["words"] if name == "words" else item["search"].get(name.removeprefix("search."))
    return value if isinstance(value, list) else [value] if value is not None else []


TYPES = ("CarePlan", "Goal", "RiskAssessment")
IDS = ("1", "2", "3")
PLACES = (("words", "goal="), ("words", "goal:x="), ("search.subject", ""))
resource_ids = st.sampled_from(IDS)
references = st.builds("{}/{}".format, st.sampled_from((*TYPES, "Patient")), resource_ids)
words = st.one_of(
    st.sampled_from(("category=a", "category=b", "goal=", "goal=#ü")),
    st.builds("{}{}".format, st.sampled_from(("goal=", "goal:x=")), references),
)
indexes = st.fixed_dictionaries(
    {"words": st.lists(words, max_size=6)}, optional={"status": st.sampled_from("xy"), "subject": references}
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    made: World = {}
    for name in TYPES:
        documents = []
        for resource_id in IDS:
            index = draw(st.none() | indexes)
            search = {key: index[key] for key in ("status", "subject") if key in index} if index else {}
            documents.append(document(resource_id, *(index or {"words": []})["words"], deleted=not index, **search))
        made[name] = documents
    return made


simple = st.one_of(
    st.sampled_from([A, B, Any(), All(), Present("search.status"), StartsWith("words", "category=")]),
    st.builds(lambda value: OneOf("search.status", (value,)), st.sampled_from("xy")),
    st.builds(lambda values: OneOf("_id", tuple(values)), st.lists(resource_ids, max_size=2)),
)


def predicates(parts: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    types, places = st.sampled_from((*TYPES, *TYPES, "Patient")), st.sampled_from(PLACES)
    several = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(lambda place, name, part: LinkedTo(*place, name, part), places, types, parts),
        st.builds(lambda place, name, part: LinkedFrom(name, *place, part), places, types, parts),
        st.builds(All, several),
        st.builds(Any, several),
        st.builds(Not, parts),
    )


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(world=worlds(), data=st.data())
async def test_every_way_finds_what_a_look_at_everything_finds(
    opened: OpenStore, world: World, data: st.DataObject
) -> None:
    await fill(opened, world)
    for _ in range(4):
        own_type = data.draw(st.sampled_from(TYPES))
        predicate = data.draw(st.recursive(simple, predicates, max_leaves=6))
        expected = matches(world, own_type, predicate)
        for bounds in WAYS:
            assert await ids(reading(opened), predicate, own_type, bounds) == expected, (own_type, predicate, bounds)
