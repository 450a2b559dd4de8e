"""PATCH as an entry of a batch or transaction: a FHIRPath Patch, or another one in a Binary."""

import json
from base64 import b64encode

import pytest

from tests.support.patches import JSON_PATCH, XML_PATCH, operation, parameters
from tests.support.resources import batch, created, entry, goal, new_urn, problems, send, statuses, transaction

COMPLETED = parameters(operation("replace", "Goal.lifecycleStatus", value={"valueCode": "completed"}))


def binary(content, form=JSON_PATCH):
    """Return a patch in a Binary."""
    text = content if isinstance(content, str) else json.dumps(content)
    return {"resourceType": "Binary", "contentType": form, "data": b64encode(text.encode()).decode()}


FORMS = {
    "FHIRPath Patch": COMPLETED,
    "JSON Patch": binary([{"op": "replace", "path": "/lifecycleStatus", "value": "completed"}]),
    "XML Patch": binary(
        '<diff xmlns="http://hl7.org/fhir"><replace sel="Goal/lifecycleStatus/@value">completed</replace></diff>',
        XML_PATCH,
    ),
}


@pytest.mark.parametrize("make", [batch, transaction])
@pytest.mark.parametrize("form", FORMS)
async def test_every_form_is_done(shared_client, make, form):
    made = await created(shared_client, goal())
    response = await send(shared_client, make(entry("PATCH", f"Goal/{made['id']}", FORMS[form])))
    assert statuses(response) == ["200"]
    (answer,) = response.json()["entry"]
    assert answer["response"]["etag"] == 'W/"2"'
    assert (await shared_client.get(f"/Goal/{made['id']}")).json()["lifecycleStatus"] == "completed"


async def test_patch_refers_to_what_the_transaction_creates(shared_client):
    made, urn = await created(shared_client, goal()), new_urn()
    patch = parameters(operation("add", "Goal", name="addresses", value={"valueReference": {"reference": urn}}))
    other = {"resourceType": "RiskAssessment", "status": "final", "subject": made["subject"]}
    response = await send(
        shared_client,
        transaction(entry("PATCH", f"Goal/{made['id']}", patch), entry("POST", "RiskAssessment", other, urn)),
    )
    assert statuses(response) == ["200", "201"]
    created_at = response.json()["entry"][1]["response"]["location"].partition("/_history")[0]
    found = (await shared_client.get(f"/Goal/{made['id']}")).json()
    assert created_at.endswith(found["addresses"][0]["reference"])


@pytest.mark.parametrize(
    ("patch", "status", "expected"),
    [
        (None, 400, "resource-type"),
        (goal(), 400, "resource-type"),
        (binary([{"op": "melt", "path": "/x"}]), 400, "patch-format"),
        (binary("no JSON"), 400, "not-json"),
        (binary("[]", "text/plain"), 400, "patch-format"),
        ({"resourceType": "Binary", "contentType": JSON_PATCH, "data": "***"}, 400, "patch-format"),
        ({"resourceType": "Binary", "contentType": JSON_PATCH}, 400, "patch-format"),
        (binary([{"op": "test", "path": "/lifecycleStatus", "value": "planned"}]), 422, "patch-test"),
        (parameters(operation("delete", "Goal.lifecycleStatus")), 422, "cardinality"),
    ],
)
async def test_patch_that_is_refused_undoes_the_transaction(shared_client, patch, status, expected):
    made = await created(shared_client, goal())
    other = await created(shared_client, goal())
    entries = [entry("PATCH", f"Goal/{other['id']}", COMPLETED), entry("PATCH", f"Goal/{made['id']}", patch)]
    response = await send(shared_client, transaction(*entries))
    assert (response.status_code, problems(response)[0][0]) == (status, expected), response.text
    assert (await shared_client.get(f"/Goal/{other['id']}")).json() == other
    assert statuses(await send(shared_client, batch(*entries))) == ["200", str(status)]
