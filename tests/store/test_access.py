"""The database finds for a client what the client may see, for a Provenance by what that is about."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service.search.source import Source
from service.security.client import Client
from service.security.scopes import Permission
from service.store.pages import find_page
from service.store.reading import Reading
from tests.store.conftest import OpenStore
from tests.unit.security.judge import Json, clients, goals, may, plans, provenances
from tests.unit.security.world import WORKER, compiled, stored

TYPES = ("CarePlan", "Goal", "Provenance")
ANN = Client(issuer="x", scopes=("patient/*.rs",), patient="1", user=WORKER, clearances=frozenset("*"))
WARD = Client(issuer="x", scopes=("user/*.rs",), user=WORKER)
resources = st.lists(plans | goals | provenances | provenances, max_size=8, unique_by=lambda each: name_of(each))


def name_of(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def about(*names: str) -> Json:
    targets = [{"reference": name} for name in names]
    return {"resourceType": "Provenance", "id": "1", "meta": {}, "target": targets}


def plan(resource_id: str, person: str, **meta: object) -> Json:
    subject = {"reference": f"Patient/{person}"}
    return {"resourceType": "CarePlan", "id": resource_id, "meta": meta, "subject": subject, "status": "active"}


SECRET = plan("2", "1", security=[{"code": "secret"}])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(held=resources, client=clients, permission=st.sampled_from(("r", "s", "u")))
@example(held=[plan("1", "1"), about("CarePlan/1")], client=ANN, permission="s")
@example(held=[plan("1", "2"), about("CarePlan/1")], client=ANN, permission="s")
@example(held=[plan("1", "1"), plan("2", "2"), about("CarePlan/1", "CarePlan/2")], client=ANN, permission="s")
@example(held=[plan("1", "1"), about("CarePlan/1", "CarePlan/3")], client=ANN, permission="r")
@example(held=[plan("1", "1"), about("CarePlan/1"), SECRET], client=WARD, permission="r")
@example(held=[plan("1", "1"), about("CarePlan/1", "CarePlan/2"), SECRET], client=WARD, permission="r")
@example(held=[about("CarePlan/3")], client=WARD, permission="r")
async def test_what_is_found_is_what_the_judge_lets_see(
    opened: OpenStore, held: list[Json], client: Client, permission: Permission
) -> None:
    for name in TYPES:
        await opened.database[name].delete_many({})
        documents = [stored(each) for each in held if each["resourceType"] == name]
        if documents:
            await opened.database[name].insert_many(documents)
    others = {name_of(each): each for each in held}
    access = compiled().accesses.of(client)
    for name in TYPES:
        visible = access.seen(permission, name)
        expected = [
            each["id"] for each in held if each["resourceType"] == name and may(client, permission, each, others)
        ]
        if visible is None:
            assert len(expected) == len([each for each in held if each["resourceType"] == name])
            continue
        matches, _, _ = await find_page(
            Reading(opened.driver, None, None, 30.0), [Source(name, visible, ())], 100, None
        )
        assert sorted(each.document["_id"] for each in matches) == sorted(expected), name
