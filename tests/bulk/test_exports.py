"""What is exported: all of it, what is about people, parts of it, what has changed; and as what it comes."""

import base64
import gzip

import orjson
import pytest

from tests.bulk.conftest import GONE, NOW, OF_ANN, OF_THE_CHOIR, Records
from tests.support.exports import ASYNC, LENIENT, export, fetched, kick_off, status
from tests.support.resources import Json

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


def of(*people: Json) -> Json:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "patient", "valueReference": person} for person in people],
    }


async def test_everything_comes_as_it_is_stored_in_files_of_one_type(records: Records) -> None:
    exported = await export(records.client)
    assert exported.names == NOW
    for name, line in exported.resources.items():
        assert line == (await records.client.get(f"/{name}")).content
    files = [(item["type"], item["url"].rpartition("/")[2], item["count"]) for item in exported.manifest["output"]]
    assert files[:2] == [("CarePlan", "CarePlan-1.ndjson", 2), ("CarePlan", "CarePlan-2.ndjson", 1)]
    assert all(count in (1, 2) for _, _, count in files)
    assert exported.manifest["deleted"] == exported.manifest["error"] == []


async def test_the_manifest_says_what_was_asked_for_and_until_when_it_is_kept(records: Records) -> None:
    begun = await kick_off(records.client, _type="Goal,CarePlan", _since="2020-01-01T00:00:00Z")
    assert begun.json()["resourceType"] == "OperationOutcome"
    done = await status(records.client, begun.headers["content-location"])
    assert done.json()["request"] == (
        "http://testserver/fhir/R4/$export?_type=Goal,CarePlan&_since=2020-01-01T00:00:00Z"
    )
    assert done.json()["requiresAccessToken"] is False
    assert done.headers["expires"].endswith(" GMT")


async def test_what_is_about_people_is_what_has_one_as_subject_and_what_refers_to_that(records: Records) -> None:
    assert (await export(records.client, "/Patient/$export")).names == NOW - OF_THE_CHOIR
    named = await export(records.client, "/Patient/$export", {"resourceType": "Parameters"})
    assert named.names == NOW - OF_THE_CHOIR


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        ([{"reference": "Patient/ann"}], OF_ANN),
        ([{"reference": "http://testserver/fhir/R4/Patient/ann"}], OF_ANN),
        ([{"reference": "https://elsewhere.example.org/fhir/Patient/ben"}], {"Goal/ben-1"}),
        ([{"identifier": {"system": "urn:example:numbers", "value": "12,5"}}], {"Goal/number"}),
        ([{"identifier": {"system": "urn:example:numbers", "value": "12"}}], set()),
        ([{"reference": "Patient/cleo"}], {"Provenance/of-cleo"}),
        ([{"reference": "Patient/ann"}, {"reference": "Patient/cleo"}], OF_ANN | {"Provenance/of-cleo"}),
        ([{"reference": "Patient/nobody"}], set()),
    ],
)
async def test_of_some_people_nothing_comes_that_is_about_others(records: Records, people, expected) -> None:
    assert (await export(records.client, "/Patient/$export", of(*people))).names == expected


async def test_since_a_moment_comes_what_has_changed_and_what_was_deleted(records: Records) -> None:
    exported = await export(records.client, _since=records.moment)
    assert exported.names == {"Goal/ann-1", "Goal/new"}
    assert exported.deleted == [GONE]
    of_people = await export(records.client, "/Patient/$export", _since=records.moment)
    assert of_people.names == {"Goal/ann-1", "Goal/new"}
    assert of_people.deleted == [GONE]
    of_ben = await export(records.client, "/Patient/$export", of({"reference": "Patient/ben"}), _since=records.moment)
    assert (of_ben.names, of_ben.deleted) == ({"Goal/new"}, [])


async def test_a_moment_after_all_that_is_settled_brings_nothing_and_says_up_to_when(records: Records) -> None:
    exported = await export(records.client, _since=records.clock().isoformat())
    assert exported.manifest["output"] == exported.manifest["deleted"] == []
    assert exported.moment < records.clock().isoformat()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["Goal?lifecycle-status=completed"], {"Goal/ann-2"}),
        (["Goal?lifecycle-status=completed,Goal?subject=Group/choir"], {"Goal/ann-2", "Goal/choir"}),
        (["Goal?lifecycle-status=completed", "Goal?_id=choir,number"], {"Goal/ann-2", "Goal/choir", "Goal/number"}),
        (["Goal?_id=ann-1,ann-2&lifecycle-status=active"], {"Goal/ann-1"}),
        (["Goal?_id=ann%2D1"], {"Goal/ann-1"}),
        (["Goal?subject=http://testserver/fhir/R4/Group/choir"], {"Goal/choir"}),
        (["Goal?_filter=lifecycle-status eq completed"], {"Goal/ann-2"}),
    ],
)
async def test_searches_say_which_resources_of_a_type_are_wanted(records: Records, filters, expected) -> None:
    exported = await export(records.client, _type="Goal,RiskAssessment", _typeFilter=filters)
    assert exported.names == expected | {"RiskAssessment/ben"}


async def test_of_elements_those_asked_for_come_with_what_is_mandatory_and_a_tag(records: Records) -> None:
    exported = await export(records.client, _type="Goal,CarePlan", _elements=["Goal.priority", "title"])
    found = orjson.loads(exported.resources["Goal/ann-1"])
    assert found.keys() == {"resourceType", "id", "meta", "lifecycleStatus", "description", "subject", "priority"}
    assert found["priority"] == {"text": "low"}
    assert [tag["code"] for tag in found["meta"]["tag"]] == ["SUBSETTED"]
    plan = orjson.loads(exported.resources["CarePlan/ann"])
    assert plan.keys() == {"resourceType", "id", "meta", "status", "intent", "subject", "title"}


async def test_a_lenient_client_is_told_what_was_left_out(records: Records) -> None:
    asked = {"_type": "Patient,Goal", "includeAssociatedData": "LatestProvenanceResources"}
    exported = await export(records.client, headers=LENIENT, **asked, _typeFilter="Goal?bogus=1&_id=number")
    assert exported.names == {"Goal/number"}
    assert [each["severity"] for each in exported.messages] == ["warning"] * 3
    assert "includeAssociatedData" not in exported.manifest["request"], "what is not known may be a secret"
    places = [each["expression"] for each in exported.messages]
    assert places == [["http.includeAssociatedData"], ["http._type"], ["http._typeFilter"]]
    body = of({"reference": "Patient/ann"})
    body["parameter"].append({"name": "organizeOutputBy", "valueString": "Patient"})
    exported = await export(records.client, "/Patient/$export", body, headers=LENIENT)
    assert exported.names == OF_ANN
    assert [each["expression"] for each in exported.messages] == [["Parameters.parameter[1]"]]


async def test_parameters_can_come_in_the_body(records: Records) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueString": "Goal"},
            {"name": "_since", "valueInstant": records.moment},
            {"name": "_outputFormat", "valueString": "application/fhir+ndjson"},
            {"name": "_typeFilter", "valueString": "Goal?subject=Patient/ben"},
        ],
    }
    exported = await export(records.client, body=body)
    assert (exported.names, exported.deleted) == ({"Goal/new"}, [])
    assert exported.manifest["request"] == "http://testserver/fhir/R4/$export"


async def test_files_come_compressed_where_that_is_asked_for_and_their_heads_alone(records: Records) -> None:
    exported = await export(records.client, _type="Goal")
    (url, *_), (content, *_) = exported.files.keys(), exported.files.values()
    async with records.client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == content
    plain = await records.client.get(url, headers={"Accept-Encoding": "identity", "Accept": "application/fhir+ndjson"})
    assert "content-encoding" not in plain.headers
    assert plain.content == content
    head = await records.client.head(url)
    assert (head.status_code, head.content) == (200, b"")


async def test_what_is_cancelled_is_gone_with_its_files(records: Records) -> None:
    begun = await kick_off(records.client, headers=ASYNC)
    address = begun.headers["content-location"]
    exported = await fetched(records.client, (await status(records.client, address)).json())
    assert (await records.client.delete(address)).status_code == 202
    for url in (address, *exported.files):
        answer = await records.client.get(url)
        assert answer.status_code == 404
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await records.client.delete(address)).status_code == 404


async def test_each_version_in_a_file_is_in_the_audit_and_no_other(records: Records) -> None:
    exported = await export(records.client, _type="Goal", _since=records.moment)
    url = exported.manifest["output"][0]["url"]
    found = (await records.client.get("/AuditEvent?_count=500")).json()
    events = [each["resource"]["entity"] for each in found["entry"]]
    asked = f"GET {url.partition('/fhir/R4/')[2].rpartition('/')[0]}/"
    of_the_job = [each for each in events if any(asked in query for query in queries(each))]
    told = [entity["what"].get("reference", "") for each in of_the_job for entity in each if "what" in entity]
    versions = sorted(each for each in told if "/_history/" in each)
    assert versions == ["Goal/ann-1/_history/2", "Goal/ann-gone/_history/2", "Goal/new/_history/1"]


def queries(entities: list[Json]) -> list[str]:
    return [base64.b64decode(each["query"]).decode() for each in entities if "query" in each]
