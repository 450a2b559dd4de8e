"""What the person, and a client of whom no more is known than a patient in context, may write: contributions only."""

import orjson
import pytest

from tests.security.clients import LIMITED
from tests.security.conftest import World
from tests.security.world import ANN, BEN, label
from tests.support.issuer import bearer

ANN_HERSELF, NOBODY_KNOWN, RELATIVE = (
    next(each for each in LIMITED if each.name == name).headers for name in ("ann", "ann-v1", "relative")
)
_PLAN = f"/CarePlan/{ANN}-plan"
_ABOUT_ANN, _ABOUT_BEN = {"reference": f"Patient/{ANN}"}, {"reference": f"Patient/{BEN}"}
_OWN_NOTE = {"authorReference": _ABOUT_ANN, "text": "I do not agree with this."}
_AGREEMENT = "https://w3id.org/recovery-plan/StructureDefinition/agreement"


def _agreement(who, status):
    parts = [{"url": "party", "valueReference": who}, {"url": "status", "valueCode": status}]
    return {"url": _AGREEMENT, "extension": parts}


def _with(change):
    """Return what makes the next version of a plan out of the one that there is."""

    def changed(plan):
        change(plan)
        return plan

    return changed


ALLOWED = {
    "a note": _with(lambda plan: plan["note"].append(_OWN_NOTE)),
    "a note without an author": _with(lambda plan: plan["note"].append({"text": "So it is."})),
    "agreement": _with(lambda plan: plan.update(extension=[_agreement(_ABOUT_ANN, "agree")])),
    "disagreement": _with(lambda plan: plan.update(extension=[_agreement(_ABOUT_ANN, "disagree")])),
}
REFUSED = {
    "another title": _with(lambda plan: plan.update(title="x")),
    "another status": _with(lambda plan: plan.update(status="revoked")),
    "another person": _with(lambda plan: plan.update(subject=_ABOUT_BEN)),
    "a note and another title": _with(lambda plan: plan.update(title="x", note=[*plan["note"], _OWN_NOTE])),
    "a note before the others": _with(lambda plan: plan["note"].insert(0, _OWN_NOTE)),
    "a note in place of another": _with(lambda plan: plan.update(note=[_OWN_NOTE])),
    "another's note changed": _with(lambda plan: plan["note"][0].update(text="x")),
    "no notes": _with(lambda plan: plan.pop("note")),
    "a note by somebody else": _with(
        lambda plan: plan["note"].append({"authorReference": {"reference": "Practitioner/worker"}, "text": "x"})
    ),
    "a note in somebody's name": _with(lambda plan: plan["note"].append({"authorString": "Dr Grey", "text": "x"})),
    "agreement of somebody else": _with(lambda plan: plan.update(extension=[_agreement(_ABOUT_BEN, "agree")])),
    "an extension of another kind": _with(
        lambda plan: plan.update(
            extension=[
                {"url": "https://w3id.org/recovery-plan/StructureDefinition/next-review", "valueDate": "2027-01-01"}
            ]
        )
    ),
    "a label": _with(lambda plan: plan["meta"].update(security=[label("R")])),
    "a tag": _with(lambda plan: plan["meta"].update(tag=[])),
    "a profile": _with(lambda plan: plan["meta"].update(profile=["http://example.org/p"])),
    "a narrative": _with(lambda plan: plan["text"].update(div='<div xmlns="http://www.w3.org/1999/xhtml">x</div>')),
    "a contained resource": _with(lambda plan: plan["contained"][0].update(name="x")),
    "an implicit rule": _with(lambda plan: plan.update(implicitRules="http://example.org/rules")),
    "an id of a primitive": _with(lambda plan: plan.update(_title={"id": "x"})),
}


async def _put(world: World, headers, change) -> int:
    current = (await world.whole.get(_PLAN, headers=headers)).json()
    response = await world.whole.put(_PLAN, content=orjson.dumps(change(current)), headers=headers)
    return response.status_code


@pytest.mark.parametrize("name", ALLOWED)
async def test_may_be_added(name: str, world: World):
    for headers in (ANN_HERSELF, NOBODY_KNOWN):
        assert await _put(world, headers, ALLOWED[name]) == 200
        await world.restore()


@pytest.mark.parametrize("name", REFUSED)
async def test_nothing_else(name: str, world: World):
    for headers in (ANN_HERSELF, NOBODY_KNOWN):
        assert await _put(world, headers, REFUSED[name]) in (400, 403)
    assert await world.now() == world.loaded


@pytest.mark.parametrize("name", ALLOWED)
async def test_a_relative_only_reads(name: str, world: World):
    assert await _put(world, RELATIVE, ALLOWED[name]) == 403
    assert await world.now() == world.loaded


_ADD, _DELETE = (
    {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [tag]}}]}
    for tag in ({"code": "new"}, {"system": "urn:tags", "code": f"{ANN}tag"})
)
_OTHER_WAYS = (
    ("DELETE", _PLAN, None),
    ("POST", "/CarePlan", {"resourceType": "CarePlan", "status": "draft", "intent": "plan", "subject": _ABOUT_ANN}),
    ("POST", "/Provenance", {"resourceType": "Provenance"}),
    ("POST", f"{_PLAN}/$meta-add", _ADD),
    ("POST", f"{_PLAN}/$meta-delete", _DELETE),
    ("DELETE", f"/CarePlan?_id={ANN}-plan", None),
)


@pytest.mark.parametrize(("method", "path", "body"), _OTHER_WAYS)
async def test_no_other_way(method: str, path: str, body, world: World):
    for headers in (ANN_HERSELF, NOBODY_KNOWN, RELATIVE):
        content = None if body is None else orjson.dumps(body)
        assert (await world.whole.request(method, path, content=content, headers=headers)).status_code == 403
        entry = {"request": {"method": method, "url": path[1:]}} | ({} if body is None else {"resource": body})
        for kind in ("transaction", "batch"):
            bundle = orjson.dumps({"resourceType": "Bundle", "type": kind, "entry": [entry]})
            response = await world.whole.post("", content=bundle, headers=headers)
            inner = response.status_code if kind == "transaction" else response.json()["entry"][0]["response"]["status"]
            assert str(inner).startswith("403"), response.text
    assert await world.now() == world.loaded


async def test_a_patch_is_held_to_the_same(world: World):
    json_patch = {"Content-Type": "application/json-patch+json"}
    good = [{"op": "add", "path": "/note/-", "value": _OWN_NOTE}]
    bad = (
        [{"op": "replace", "path": "/title", "value": "x"}],
        [{"op": "remove", "path": "/note/0"}],
        [*good, {"op": "remove", "path": "/text"}, {"op": "replace", "path": "/description", "value": "x"}],
        [{"op": "move", "from": "/title", "path": "/description"}],
    )
    for headers in (ANN_HERSELF, NOBODY_KNOWN):
        for operations in bad:
            response = await world.whole.patch(
                _PLAN, content=orjson.dumps(operations), headers={**headers, **json_patch}
            )
            assert response.status_code in (403, 422), response.text
        assert await world.now() == world.loaded
        response = await world.whole.patch(_PLAN, content=orjson.dumps(good), headers={**headers, **json_patch})
        await world.restore()
        assert response.status_code == 200, response.text


async def test_provenance_is_about_what_one_may_change(world: World):
    """X-Provenance, and a Provenance of its own, take the right to create one, and to read all that it is about."""
    told = {"resourceType": "Provenance", "agent": [{"who": {"display": "somebody"}}]}
    header = {"X-Provenance": orjson.dumps({**told, "recorded": "2026-11-20T10:00:00Z"}).decode()}
    plans_only = bearer("patient/CarePlan.cruds", patient=ANN, fhirUser="Practitioner/worker", clearance="*")
    body = orjson.dumps({"resourceType": "CarePlan", "status": "draft", "intent": "plan", "subject": _ABOUT_ANN})
    refused = await world.whole.post("/CarePlan", content=body, headers={**plans_only, **header})
    assert refused.status_code == 403, refused.text
    writer = bearer("patient/*.cruds", patient=ANN, fhirUser="Practitioner/worker", clearance="*")
    both = {**told, "recorded": "2026-11-20T10:00:00Z"}
    both["target"] = [{"reference": f"CarePlan/{ANN}-plan"}, {"reference": f"CarePlan/{BEN}-plan"}]
    refused = await world.whole.post("/Provenance", content=orjson.dumps(both), headers=writer)
    assert refused.status_code == 403, refused.text
    assert await world.now() == world.loaded


async def test_labels_are_lowered_by_right_alone(world: World):
    worker = {"fhirUser": "Practitioner/worker", "clearance": "*"}
    path, body = f"/CarePlan/{ANN}-plan-PSY", {"resourceType": "Parameters"}
    body["parameter"] = [{"name": "meta", "valueMeta": {"security": [label("PSY")]}}]
    without, right = bearer("user/*.cruds", **worker), bearer("user/*.cruds recovery/labels.lower", **worker)
    current = (await world.whole.get(path, headers=without)).json()
    current["meta"].pop("security")
    await world.whole.put(path, content=orjson.dumps({**current, "title": "x"}), headers=without)
    assert (await world.whole.get(path, headers=without)).json()["meta"]["security"] == [label("PSY")]
    operations = orjson.dumps([{"op": "remove", "path": "/meta/security"}])
    headers = {**without, "Content-Type": "application/json-patch+json"}
    await world.whole.patch(path, content=operations, headers=headers)
    assert (await world.whole.get(path, headers=without)).json()["meta"]["security"] == [label("PSY")]
    refused = await world.whole.post(f"{path}/$meta-delete", json=body, headers=without)
    allowed = await world.whole.post(f"{path}/$meta-delete", json=body, headers=right)
    await world.restore()
    assert (refused.status_code, allowed.status_code) == (403, 200)
