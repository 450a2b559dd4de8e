"""Who may read who saw what: nobody whose scopes do not say so by name, and of a person's own only what is theirs."""

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from pymongo import AsyncMongoClient

from service.settings import Settings
from tests.security.clients import LIMITED, MASTER, WORKER_IN_RECORD
from tests.security.conftest import World
from tests.security.holding import fill, service
from tests.security.world import ANN, BEN, LISTED_BASE, NOBODY
from tests.support.issuer import bearer, token_settings

_DATABASE = "test_security_audited"
_AUDITOR = bearer("system/AuditEvent.rs", clearance="*")
_ANN = bearer("patient/*.rs patient/AuditEvent.rs", patient=ANN, fhirUser=f"Patient/{ANN}")
_SECRET = "k" * 40


@pytest.fixture(scope="module")
async def audited(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that has recorded some requests, for Ann's, for Ben's, and for those of both."""
    settings = Settings(
        mongodb_uri=world.uri,
        mongodb_database=_DATABASE,
        base_url="http://testserver",
        patient_bases=LISTED_BASE,
        audit_key=_SECRET,
        audit_heads=tmp_path_factory.mktemp("heads"),
        **token_settings(tmp_path_factory.mktemp("keys")),
    )
    async with service(settings) as client:
        await fill(world.uri, _DATABASE, world.loaded)
        for someone, path in (
            (MASTER, f"/CarePlan?_id={ANN}-plan,{BEN}-plan"),
            (MASTER, f"/CarePlan/{BEN}-plan"),
            (MASTER, f"/CarePlan/{ANN}-plan-PSY"),
            (WORKER_IN_RECORD, f"/CarePlan/{ANN}-plan?_elements=title"),
            (WORKER_IN_RECORD, f"/CarePlan/{BEN}-plan"),
            (MASTER, f"/CarePlan?patient={BEN}&_include=CarePlan:goal"),
            (MASTER, f"/Goal?description={BEN}aim,{ANN}aim"),
        ):
            await client.get(path, headers=someone.headers)
        await client.get(f"/CarePlan/{BEN}-plan", headers={"Authorization": "Bearer nonsense"})
        yield client
    async with AsyncMongoClient(world.uri) as mongo:
        await mongo.drop_database(_DATABASE)


async def test_is_for_auditors(audited: httpx.AsyncClient):
    found = (await audited.get("/AuditEvent?_count=100", headers=_AUDITOR)).json()
    assert len(found["entry"]) >= 8
    assert f"CarePlan/{BEN}-plan" in orjson.dumps(found).decode()


@pytest.mark.parametrize("someone", [MASTER, *LIMITED], ids=str)
async def test_is_for_nobody_else(someone, audited: httpx.AsyncClient):
    known = (await audited.get("/AuditEvent?_count=1", headers=_AUDITOR)).json()["entry"][0]["resource"]["id"]
    for path in ("/AuditEvent", f"/AuditEvent?patient={ANN}", f"/AuditEvent/{known}", f"/AuditEvent/{NOBODY}"):
        response = await audited.get(path, headers=someone.headers)
        assert response.status_code == 403, response.text
    for query in ("_revinclude=AuditEvent:entity", "_has:AuditEvent:entity:agent=Practitioner/worker"):
        response = await audited.get(f"/CarePlan?_id={ANN}-plan&{query}", headers=someone.headers)
        assert response.status_code in (400, 403), response.text


async def test_a_person_reads_who_saw_theirs_and_no_word_of_others(audited: httpx.AsyncClient):
    found = await audited.get("/AuditEvent?_count=100", headers=_ANN)
    assert found.status_code == 200, found.text
    assert f"CarePlan/{ANN}-plan" in found.text
    assert BEN not in found.text
    every = (await audited.get("/AuditEvent?_count=100", headers=_AUDITOR)).json()["entry"]
    for entry in every:
        one = entry["resource"]
        read = await audited.get(f"/AuditEvent/{one['id']}", headers=_ANN)
        is_hers = f"Patient/{ANN}" in orjson.dumps([one["agent"], one["entity"]]).decode()
        assert read.status_code == (200 if is_hers else 404), orjson.dumps(one)
        assert BEN not in read.text
    unknown = await audited.get(f"/AuditEvent/{NOBODY}", headers=_ANN)
    assert unknown.status_code == 404
    page = await audited.get("/AuditEvent?_count=100", headers={**_ANN, "Accept": "text/html"})
    assert page.status_code == 200, page.text
    assert BEN not in page.text


@pytest.mark.parametrize(
    "query",
    [
        f"entity=CarePlan/{BEN}-plan",
        f"patient={BEN}",
        f"entity=Patient/{BEN}",
        "entity-name=x",
        f"entity:CarePlan.identifier=urn:plans|{BEN}-plan-number",
    ],
)
async def test_no_search_tells_a_person_of_others(query: str, audited: httpx.AsyncClient):
    found = await audited.get(f"/AuditEvent?{query}&_total=accurate", headers=_ANN)
    assert found.status_code == 400 or found.json().get("total") == 0, found.text


async def test_labels_stay_where_no_clearance_is(audited: httpx.AsyncClient):
    """The name of a labelled plan in an event would tell that there is one."""
    for claims in ({"fhirUser": "Practitioner/worker"}, {}):
        headers = bearer("patient/*.rs patient/AuditEvent.rs", patient=ANN, **claims)
        for path in ("/AuditEvent", f"/AuditEvent?entity=CarePlan/{ANN}-plan-PSY"):
            found = await audited.get(path, headers=headers)
            assert found.status_code == 403 or "PSY" not in found.text.partition('"entry"')[2], found.text


_WRITES = (
    ("PUT", "/AuditEvent/{}"),
    ("POST", "/AuditEvent"),
    ("DELETE", "/AuditEvent/{}"),
    ("PATCH", "/AuditEvent/{}"),
    ("DELETE", "/AuditEvent?patient=ann77"),
    ("PUT", "/AuditEvent?patient=ann77"),
    ("POST", "/AuditEvent/{}/$meta-add"),
    ("POST", "/AuditEvent/{}/$meta-delete"),
)


@pytest.mark.parametrize(("method", "path"), _WRITES)
async def test_nobody_changes_one(method: str, path: str, audited: httpx.AsyncClient, world: World):
    headers = bearer("system/*.cruds system/AuditEvent.cruds recovery/labels.lower", clearance="*")
    newest = (await audited.get("/AuditEvent?_count=1", headers=_AUDITOR)).json()["entry"][0]["resource"]
    url = path.format(newest["id"])
    async with AsyncMongoClient(world.uri) as mongo:
        before = [each async for each in mongo[_DATABASE]["audit"].find().sort("_id", 1)]
        body = orjson.dumps(newest)
        response = await audited.request(method, url, content=body, headers=headers)
        assert response.status_code in (404, 405), response.text
        entry = {"request": {"method": method, "url": url[1:]}, "resource": newest}
        for kind in ("transaction", "batch"):
            bundle = orjson.dumps({"resourceType": "Bundle", "type": kind, "entry": [entry]})
            response = await audited.post("", content=bundle, headers=headers)
            status = (
                response.status_code if kind == "transaction" else response.json()["entry"][0]["response"]["status"]
            )
            assert str(status)[:3] in ("403", "404", "405", "422", "400"), response.text
        after = [each async for each in mongo[_DATABASE]["audit"].find().sort("_id", 1)]
    assert (
        after[: len(before)] == before
        or {each["_id"]: each for each in before}.items() <= {each["_id"]: each for each in after}.items()
    )


async def test_who_asked_in_vain_is_found(audited: httpx.AsyncClient):
    found = (await audited.get(f"/AuditEvent?entity=CarePlan/{BEN}-plan&outcome=4", headers=_AUDITOR)).json()
    told = [agent["who"].get("reference") for entry in found["entry"] for agent in entry["resource"]["agent"]]
    assert "Practitioner/worker" in told
    page = await audited.get(f"/AuditEvent?entity=CarePlan/{BEN}-plan", headers={**_AUDITOR, "Accept": "text/html"})
    assert f"Asked for CarePlan/{BEN}-plan, and was given nothing" in page.text
