"""PATCH with a FHIRPath Patch."""

import json

import pytest

from tests.support.patches import FHIR_JSON, fhirpath_patch, operation, parameters
from tests.support.recovery import plan
from tests.support.resources import created, goal, problems

PART = "Parameters.parameter[0].part"
AGREEMENT = "https://w3id.org/recovery-plan/StructureDefinition/agreement"


async def test_nested_extension_is_changed_and_none_is_lost(world):
    made = await created(world, plan(text=None))
    path = f"CarePlan.extension('{AGREEMENT}').extension('status').value"
    response = await fhirpath_patch(
        world, f"/CarePlan/{made['id']}", operation("replace", path, value={"valueCode": "disagree"})
    )
    comment = [
        {"name": "url", "valueUri": "comment"},
        {"name": "value", "valueString": "I want to decide on this with my sister."},
    ]
    assert problems(response) == [("rcp-6", "CarePlan.extension[0]")], (
        "a profile asks for the reason, and nothing was stored"
    )
    response = await fhirpath_patch(
        world,
        f"/CarePlan/{made['id']}",
        operation("replace", path, value={"valueCode": "disagree"}),
        operation("add", f"CarePlan.extension('{AGREEMENT}')", name="extension", value={"part": comment}),
    )
    assert response.status_code == 200, response.text
    agreement, *others = response.json()["extension"]
    assert agreement["extension"] == [
        made["extension"][0]["extension"][0],
        {"url": "status", "valueCode": "disagree"},
        {"url": "comment", "valueString": "I want to decide on this with my sister."},
    ]
    assert others == made["extension"][1:]


async def test_every_operation_in_one_patch(shared_client):
    made = await created(shared_client, goal(note=[{"text": "a"}, {"text": "b"}], statusReason="x"))
    response = await fhirpath_patch(
        shared_client,
        f"/Goal/{made['id']}",
        operation("add", "Goal", name="start", value={"valueDate": "2026-11-01"}),
        operation("insert", "Goal.note", index=1, value={"valueAnnotation": {"text": "c"}}),
        operation("delete", "Goal.statusReason"),
        operation("replace", "Goal.description.text", value={"valueString": "Walk by the sea"}),
        operation("move", "Goal.note", source=2, destination=0),
    )
    assert response.status_code == 200, response.text
    found = response.json()
    assert [note["text"] for note in found["note"]] == ["b", "a", "c"]
    assert (found["startDate"], found["description"]) == ("2026-11-01", {"text": "Walk by the sea"})
    assert "statusReason" not in found


async def test_whole_structure_is_added(shared_client):
    made = await created(shared_client, goal())
    target = [
        {"name": "measure", "valueCodeableConcept": {"text": "hours slept"}},
        {"name": "detail", "valueQuantity": {"value": 7.5}},
        {"name": "due", "valueDate": "2027-01-01"},
    ]
    body = json.dumps(parameters(operation("add", "Goal", name="target", value={"part": target})))
    response = await shared_client.patch(
        f"/Goal/{made['id']}", content=body.replace("7.5", "7.50"), headers={"Content-Type": FHIR_JSON}
    )
    assert response.status_code == 200, response.text
    assert b'"detailQuantity":{"value":7.50}' in response.content
    assert response.json()["target"][0]["dueDate"] == "2027-01-01"


async def test_local_references_and_extensions_fit_where_they_are_put(shared_client):
    contained = {"resourceType": "Patient", "id": "p", "name": [{"text": "An invented person"}]}
    made = await created(shared_client, goal())
    response = await fhirpath_patch(
        shared_client,
        f"/Goal/{made['id']}",
        operation("add", "Goal", name="contained", value={"resource": contained}),
        operation("add", "Goal", name="expressedBy", value={"valueReference": {"reference": "#p"}}),
    )
    assert response.status_code == 200, response.text
    assert response.json()["contained"] == [contained]


@pytest.mark.parametrize(
    ("operations", "status", "expected"),
    [
        ([operation("replace", "Goal.priority", value={"valueString": "x"})], 422, "Parameters.parameter[0]"),
        ([operation("delete", "Goal.note")], 422, "Parameters.parameter[0]"),
        ([operation("delete", "Goal.description")], 422, "Goal.description"),
        ([operation("delete", "Goal.noet")], 422, "Parameters.parameter[0]"),
        ([operation("delete", "CarePlan.note")], 422, "Parameters.parameter[0]"),
        ([operation("replace", "Goal.lifecycleStatus", value={"valueCode": "zz"})], 422, "Goal.lifecycleStatus"),
        ([operation("replace", "Goal.id", value={"valueId": "other"})], 422, "Goal.id"),
        (
            [operation("replace", "Goal.note[0].time", value={"valueDateTime": "x"})],
            400,
            f"{PART}[2].value.ofType(dateTime)",
        ),
        ([operation("remove", "Goal.note[0]")], 400, "Parameters.parameter[0]"),
        ([{"name": "operation"}], 422, "Parameters.parameter[0]"),
        ([{"name": "operation", "part": [{"name": "type", "valueCode": 1}]}], 400, f"{PART}[0].value.ofType(code)"),
        (["operation"], 400, "Parameters.parameter[0]"),
    ],
)
async def test_what_cannot_be_done_is_told_with_its_place(shared_client, operations, status, expected):
    made = await created(shared_client, goal(note=[{"text": "a", "time": "2026"}, {"text": "b"}]))
    response = await fhirpath_patch(shared_client, f"/Goal/{made['id']}", *operations)
    assert response.status_code == status, response.text
    assert problems(response)[0][1] == expected
    assert (await shared_client.get(f"/Goal/{made['id']}")).json() == made


async def test_place_in_the_patch_has_line_and_column(shared_client):
    made = await created(shared_client, goal())
    body = json.dumps(parameters(operation("delete", "Goal.note"), operation("melt", "Goal.note")), indent=1)
    response = await shared_client.patch(f"/Goal/{made['id']}", content=body, headers={"Content-Type": FHIR_JSON})
    (issue,) = response.json()["issue"]
    line = body[: body.index("melt")].count("\n") + 1
    told = int(issue["location"][0].partition("[")[2].partition("]")[0])
    assert line - 6 <= told < line


async def test_another_resource_is_no_patch(shared_client):
    made = await created(shared_client, goal())
    response = await shared_client.patch(f"/Goal/{made['id']}", json=goal())
    assert (response.status_code, problems(response)) == (400, [("resource-type", "Parameters.resourceType")])


async def test_patch_in_xml(shared_client):
    made = await created(shared_client, goal())
    body = (
        '<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>'
        '<part><name value="type"/><valueCode value="replace"/></part>'
        '<part><name value="path"/><valueString value="Goal.lifecycleStatus"/></part>'
        '<part><name value="value"/><valueCode value="completed"/></part></parameter></Parameters>'
    )
    headers = {"Content-Type": "application/fhir+xml"}
    response = await shared_client.patch(f"/Goal/{made['id']}", content=body, headers=headers)
    assert (response.status_code, response.json()["lifecycleStatus"]) == (200, "completed")
