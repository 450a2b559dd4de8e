"""Bodies that are refused: the status, the rule, the place, and that nothing is stored."""

import json

import orjson
import pytest

from tests.support.recovery import plan
from tests.support.resources import care_plan, issues_of, risk_assessment, without

AS_TEXT = orjson.dumps(care_plan()).decode()


@pytest.fixture
def client(shared_client):
    return shared_client


def said(response):
    return [issue["diagnostics"] for issue in issues_of(response)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "line 1 column 1"),
        (b"{", "line 1 column 2"),
        (b'{"resourceType":"CarePlan",\n "status" "active"}', "line 2 column 11"),
        (b'{"resourceType":"CarePlan",}', "line 1 column"),
        (AS_TEXT.encode() + b"x", "Extra data"),
        (b"{'resourceType':'CarePlan'}", "line 1 column 2"),
        (AS_TEXT.encode("utf-16"), "byte 0 is not UTF-8"),
        (b'{"resourceType":"CarePlan","title":"\xff"}', "byte 36 is not UTF-8"),
        (b'{"resourceType":"CarePlan","title":"\xed\xa0\x80"}', "is not UTF-8"),
        (b'{"resourceType":"CarePlan","title":"a\x00b"}', "Invalid control character"),
        (b"\xef\xbb\xbf" + AS_TEXT.encode(), "line 1 column 1"),
        (b'{"resourceType":"CarePlan","x":NaN}', "NaN"),
        (b'{"resourceType":"CarePlan","x":[-Infinity]}', "Infinity"),
        (b'{"resourceType":"CarePlan","x":1e9999999999999999999999}', "exponent"),
        (b'{"resourceType":"CarePlan","x":01}', "line 1 column"),
        (b'{"resourceType":"CarePlan","x":+1}', "line 1 column"),
        (b'{"resourceType":"CarePlan","x":.5}', "line 1 column"),
        (b'{"resourceType":"CarePlan","x":"\\x41"}', "line 1 column"),
        (b"\x1f\x8b\x08", "UTF-8"),
        (b"<CarePlan/>", "line 1 column 1"),
    ],
)
async def test_what_is_not_json_is_refused_with_its_position(client, refused, body, words):
    assert await refused("CarePlan", body) == (400, [("not-json", None)])
    (sentence,) = said(await client.post("/CarePlan", content=body))
    assert words in sentence


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"resourceType":"CarePlan","status":"a","status":"b"}', "CarePlan"),
        ('{"status":"a","note":[{"text":"x"},{"text":"y","text":"y"}],"resourceType":"CarePlan"}', "CarePlan.note[1]"),
        ('{"resourceType":"CarePlan","resourceType":"CarePlan"}', "CarePlan"),
        ('{"resourceType":"CarePlan","meta":{"tag":[{"code":"1","c\\u006fde":"2"}]}}', "CarePlan.meta.tag[0]"),
    ],
)
async def test_keys_given_twice_are_refused_with_their_place(refused, body, place):
    assert await refused("CarePlan", body) == (400, [("duplicate-key", place)])


CONTENT = [
    (care_plan(resourceType="Goal"), 400, [("resource-type", "CarePlan.resourceType")]),
    (care_plan(resourceType="Patient"), 400, [("resource-type", "CarePlan.resourceType")]),
    (care_plan(resourceType=["CarePlan"]), 400, [("resource-type", "CarePlan.resourceType")]),
    (without(care_plan(), "resourceType"), 400, [("resource-type", "CarePlan.resourceType")]),
    ([care_plan()], 400, [("resource-type", "CarePlan.resourceType")]),
    ("null", 400, [("resource-type", "CarePlan.resourceType")]),
    (care_plan(id="under_score"), 400, [("format", "CarePlan.id")]),
    (care_plan(id="x" * 65), 400, [("format", "CarePlan.id")]),
    (care_plan(id=""), 400, [("format", "CarePlan.id")]),
    (care_plan(id="a\n"), 400, [("format", "CarePlan.id")]),
    (care_plan(id=7), 400, [("format", "CarePlan.id")]),
    (care_plan(titel="x"), 400, [("unknown-element", "CarePlan.titel")]),
    (care_plan(note=[{"txet": "x", "text": "y"}]), 400, [("unknown-element", "CarePlan.note[0].txet")]),
    (care_plan(**{"$where": "1"}), 400, [("unknown-element", "CarePlan.$where")]),
    (care_plan(**{"a.b": "1"}), 400, [("unknown-element", "CarePlan.a.b")]),
    (care_plan(**{"": "1"}), 400, [("unknown-element", "CarePlan.")]),
    (care_plan(subject={"$ne": None}), 400, [("unknown-element", "CarePlan.subject.$ne")]),
    (care_plan(fhir_comments=["x"]), 400, [("unknown-element", "CarePlan.fhir_comments")]),
    (care_plan(status=None), 400, [("format", "CarePlan.status")]),
    (care_plan(title=None), 400, [("format", "CarePlan.title")]),
    (care_plan(title=""), 400, [("format", "CarePlan.title")]),
    (care_plan(title=5), 400, [("format", "CarePlan.title")]),
    (care_plan(title=["x"]), 400, [("wrong-type", "CarePlan.title")]),
    (care_plan(subject=None), 400, [("wrong-type", "CarePlan.subject")]),
    (care_plan(subject={}), 400, [("wrong-type", "CarePlan.subject")]),
    (care_plan(subject="Patient/1"), 400, [("wrong-type", "CarePlan.subject")]),
    (care_plan(subject=[{"reference": "Patient/1"}]), 400, [("wrong-type", "CarePlan.subject")]),
    (care_plan(note={"text": "x"}), 400, [("wrong-type", "CarePlan.note")]),
    (care_plan(note=[]), 400, [("wrong-type", "CarePlan.note")]),
    (care_plan(note=[None]), 400, [("wrong-type", "CarePlan.note[0]")]),
    (care_plan(note=[[{"text": "x"}]]), 400, [("wrong-type", "CarePlan.note[0]")]),
    (care_plan(note=None), 400, [("wrong-type", "CarePlan.note")]),
    (care_plan(meta={}), 400, [("wrong-type", "CarePlan.meta")]),
    (care_plan(meta=[]), 400, [("wrong-type", "CarePlan.meta")]),
    (care_plan(instantiatesUri=[None]), 400, [("format", "CarePlan.instantiatesUri[0]")]),
    (
        care_plan(instantiatesUri=["a"], _instantiatesUri=[None, None]),
        400,
        [("wrong-type", "CarePlan.instantiatesUri")],
    ),
    (care_plan(created="2026-02-30"), 400, [("format", "CarePlan.created")]),
    (care_plan(created="2026-11-01T09:30"), 400, [("format", "CarePlan.created")]),
    (care_plan(created="2026-11-01T09:30:00"), 400, [("format", "CarePlan.created")]),
    (care_plan(created="2026-11-01T25:00:00Z"), 400, [("format", "CarePlan.created")]),
    (care_plan(created="٢٠٢٦"), 400, [("format", "CarePlan.created")]),
    (care_plan(intent=" plan"), 400, [("format", "CarePlan.intent")]),
    (care_plan(status="bogus"), 422, [("binding", "CarePlan.status")]),
    (care_plan(status="ACTIVE"), 422, [("binding", "CarePlan.status")]),
    (without(care_plan(), "status"), 422, [("cardinality", "CarePlan.status")]),
    (without(care_plan(), "subject"), 422, [("cardinality", "CarePlan.subject")]),
    (care_plan(subject={"reference": "Practitioner/1"}), 422, [("reference-target", "CarePlan.subject.reference")]),
    (care_plan(text={"status": "bogus", "div": plan()["text"]["div"]}), 422, [("binding", "CarePlan.text.status")]),
    (
        care_plan(contained=[{"resourceType": "Nothing"}]),
        400,
        [("resource-type", "CarePlan.contained[0].resourceType")],
    ),
    (care_plan(contained=[{"id": "x"}]), 400, [("resource-type", "CarePlan.contained[0]")]),
    (care_plan(contained=["x"]), 400, [("resource-type", "CarePlan.contained[0]")]),
    (
        care_plan(extension=[{"url": "u", "valueCode": "a", "valueString": "b"}]),
        400,
        [("unknown-element", "CarePlan.extension[0].value")],
    ),
    # all that is wrong is said at once, and what is malformed decides the status
    (
        care_plan(status="bogus", foo=1, intent=None),
        400,
        [("unknown-element", "CarePlan.foo"), ("format", "CarePlan.intent"), ("binding", "CarePlan.status")],
    ),
]


@pytest.mark.parametrize(("body", "status", "found"), CONTENT, ids=lambda value: str(value)[-60:])
async def test_wrong_content_is_refused_with_its_place(refused, body, status, found):
    got_status, got = await refused("CarePlan", body)
    assert (got_status, sorted(got)) == (status, sorted(found))


@pytest.mark.parametrize("digits", ["0", "-1", "2147483648", "9223372036854775808", "1.0", "1e1", "-0", "true", '"1"'])
async def test_a_count_out_of_range_is_refused(refused, digits):
    timing = {"status": "scheduled", "scheduledTiming": {"repeat": {"count": "?"}}}
    body = json.dumps(care_plan(activity=[{"detail": timing}])).replace('"?"', digits)
    place = "CarePlan.activity[0].detail.scheduled.ofType(Timing).repeat.count"
    assert await refused("CarePlan", body) == (400, [("format", place)])


@pytest.mark.parametrize("digits", ["null", '"0.5"', "true", "[]", "{}"])
async def test_a_decimal_is_a_number(refused, digits):
    body = json.dumps(risk_assessment(prediction=[{"probabilityDecimal": "?"}])).replace('"?"', digits)
    status, ((rule, place),) = await refused("RiskAssessment", body)
    assert (status, place) == (400, "RiskAssessment.prediction[0].probability.ofType(decimal)")
    assert rule in ("format", "wrong-type")


@pytest.mark.parametrize(
    "escape", ["\\u0000", "\\ud800", "\\udc00", "\\ud83d x", "\\u0001", "\\u001f", "\\ude00\\ud83d"]
)
async def test_characters_that_no_text_may_hold_are_refused_in_values_and_keys(refused, escape):
    value = '{"resourceType":"Goal","note":[{"text":"ok"},{"text":"a?b"}]}'.replace("?", escape)
    assert await refused("Goal", value) == (400, [("characters", "Goal.note[1].text")])
    key = '{"resourceType":"Goal","note":[{"te?xt":"x"}]}'.replace("?", escape)
    assert await refused("Goal", key) == (400, [("characters", "Goal.note[0]")])
