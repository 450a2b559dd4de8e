"""What was sent comes back: digits, order, timestamps, extensions, to the character."""

import json
import re
from pathlib import Path

import orjson
import pytest

from tests.support.resources import care_plan, created, goal, risk_assessment, sent_part, there_and_back

OFFICIAL = sorted((Path(__file__).parents[1] / "support" / "official_examples").glob("*.json"))


@pytest.fixture
def client(shared_client):
    return shared_client


def test_all_official_examples_are_here():
    kinds = [path.name.partition("-")[0] for path in OFFICIAL]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"CarePlan": 11, "Goal": 2, "RiskAssessment": 6}


@pytest.mark.parametrize("path", OFFICIAL, ids=lambda path: path.stem)
async def test_official_example_comes_back_digit_for_digit(client, path):
    text = path.read_bytes()
    await there_and_back(client, path.stem.partition("-")[0], text)


@pytest.mark.parametrize("path", OFFICIAL, ids=lambda path: path.stem)
async def test_official_example_is_stored_under_its_own_id_too(client, path):
    text = path.read_bytes()
    example = json.loads(text)
    address = f"/{example['resourceType']}/{example['id']}"
    response = await client.put(address, content=text)
    assert response.status_code == 201, response.text
    read = await client.get(address)
    assert sent_part(read.content) == sent_part(text)
    again = await client.put(address, content=read.content)
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"1"')


DIGITS = [
    "0.80",
    "1e2",
    "1E+2",
    "1.0e-3",
    "0",
    "-0",
    "-0.0",
    "0.00",
    "100",
    "1234567890123456789012345678901234567890",
    "0.1234567890123456789012345678901234567890",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "1e999999999",
    "-1e-999999999",
    "0.1",
    "1.10",
    "123456789.987654321000",
]


@pytest.mark.parametrize("digits", DIGITS)
async def test_decimal_keeps_its_digits(client, digits):
    template = orjson.dumps(
        risk_assessment(
            prediction=[
                {"relativeRisk": "?", "whenRange": {"low": {"value": "?"}}},
                {"relativeRisk": "?"},
            ],
            extension=[{"url": "http://example.org/x", "valueDecimal": "?"}],
        )
    )
    text = template.replace(b'"?"', digits.encode())
    back = await there_and_back(client, "RiskAssessment", text)
    assert len(re.findall(rf":{re.escape(digits)}[,}}]".encode(), back)) == 4


TEXTS = [
    "plain",
    "Zoë – naïve façade, Ångström, ß",
    "مرحبا بالعالم",
    "日本語 🙂 👩‍👩‍👧‍👦",
    "tab\tnewline\nreturn\r",
    'quotes " and \\ backslash / slash',
    "line\u2028para\u2029 nbsp\u00a0 zero\u200bwidth bom\ufeff",
    "e\u0301 is not é",
    "\u007f delete, \u0080 control",
    " spaces around ",
    "$where.a.b %00 &amp; <script>",
]


@pytest.mark.parametrize("text", TEXTS)
async def test_text_comes_back_character_for_character(client, text):
    made = goal(note=[{"text": text}], description={"text": text})
    for body in (json.dumps(made), json.dumps(made, ensure_ascii=False).encode()):
        back = json.loads(await there_and_back(client, "Goal", body))
        assert (back["note"][0]["text"], back["description"]["text"]) == (text, text)


TIMES = [
    "2026",
    "2026-11",
    "2026-11-01",
    "2026-11-01T09:30:00Z",
    "2026-11-01T09:30:00+00:00",
    "2026-11-01T09:30:00-05:00",
    "2026-11-01T09:30:00.1Z",
    "2026-11-01T09:30:00.120Z",
    "2026-11-01T09:30:00.123456789+14:00",
    "0001-01-01",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-12:00",
    "2024-02-29",
]


@pytest.mark.parametrize("moment", TIMES)
async def test_timestamp_comes_back_as_written(client, moment):
    plan = care_plan(created=moment, period={"start": moment, "end": moment})
    back = json.loads(await there_and_back(client, "CarePlan", json.dumps(plan)))
    assert (back["created"], back["period"]["start"]) == (moment, moment)


async def test_order_of_members_extensions_and_list_items_stays(client):
    plan = {
        "subject": {"display": "D", "reference": "Patient/1"},
        "note": [{"text": "b"}, {"text": "a"}, {"text": "b"}],
        "extension": [
            {"url": "http://example.org/b", "valueString": "1"},
            {"valueString": "2", "url": "http://example.org/a"},
            {
                "url": "http://example.org/b",
                "extension": [{"url": "y", "valueCode": "z"}, {"url": "x", "valueCode": "z"}],
            },
        ],
        "intent": "plan",
        "status": "active",
        "resourceType": "CarePlan",
    }
    back = await there_and_back(client, "CarePlan", json.dumps(plan))
    assert list(json.loads(back)) == ["resourceType", "id", "meta", "subject", "note", "extension", "intent", "status"]


async def test_extensions_of_primitives_and_what_we_do_not_know_survive(client):
    mark = {"extension": [{"url": "http://unknown.example/why", "valueMarkdown": "*because*"}]}
    plan = care_plan(
        _status=mark,
        title="A plan",
        _title={"id": "t1"},
        instantiatesUri=["http://a.example/1", None],
        _instantiatesUri=[None, mark],
        modifierExtension=[{"url": "http://unknown.example/m", "valueBoolean": False}],
        text={"status": "additional", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><b>a</b> &amp; <br/></div>'},
        contained=[
            {"resourceType": "Patient", "id": "p", "birthDate": "1970", "_birthDate": mark},
            {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "valueInteger": 3},
        ],
        supportingInfo=[{"reference": "#p"}, {"reference": "#o"}],
        identifier=[{"system": "urn:oid:1.2.3", "value": "  A  "}],
    )
    await there_and_back(client, "CarePlan", json.dumps(plan))


async def test_contained_numbers_of_types_we_hold_no_definition_of_keep_their_digits(client):
    body = json.dumps(
        care_plan(
            supportingInfo=[{"reference": "#o"}],
            contained=[
                {
                    "resourceType": "Observation",
                    "id": "o",
                    "status": "final",
                    "code": {"text": "x"},
                    "valueQuantity": {"value": "?"},
                }
            ],
        )
    )
    back = await there_and_back(client, "CarePlan", body.replace('"?"', "36.60"))
    assert b'"value":36.60' in back


async def test_update_keeps_digits_too(client):
    made = await created(client, risk_assessment())
    body = json.dumps({**made, "prediction": [{"probabilityDecimal": "?"}]}).replace('"?"', "1.50e-1")
    response = await client.put(f"/RiskAssessment/{made['id']}", content=body)
    assert response.status_code == 200
    assert b'"probabilityDecimal":1.50e-1}' in (await client.get(f"/RiskAssessment/{made['id']}")).content
