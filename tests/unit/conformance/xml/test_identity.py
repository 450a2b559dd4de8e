"""What goes from JSON to XML and back is what it was: content, digits, white space, narratives."""

import json as plain
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from service.fhir import json
from tests.support.generated.elements import Verbatim
from tests.support.generated.resources import care_plans, goals, risk_assessments
from tests.support.xml import XHTML, XML

ROOT = Path(__file__).parents[4]
OFFICIAL = sorted(ROOT.glob("tests/support/official_examples/*.json"))
SAMPLES = sorted(ROOT.glob("schemas/r4/examples/valid/**/*-*.json")) + sorted(
    ROOT.glob("schemas/r4/examples/valid/*.json")
)
DEFINITIONS = sorted(ROOT.glob("schemas/r4/[CISOV]*-*.json"))


def loses_ids(file: Path) -> bool:
    """Return whether fhir.resources cannot be asked: from XML it does not take the ids of elements in a backbone."""
    return file.stem == "CarePlan-gpvisit"


def there_and_back(resource: Any, pretty: bool = False) -> Any:
    return XML.read(XML.write(resource, pretty))


def same(first: Any, second: Any) -> bool:
    """Return whether two values are the same in all but the order of members: digits, white space and all."""
    return json.dump_sorted(first) == json.dump_sorted(second)


@pytest.mark.parametrize("file", [*OFFICIAL, *SAMPLES, *DEFINITIONS], ids=lambda file: file.stem)
def test_examples_and_definitions(file: Path) -> None:
    resource = json.parse(file.read_bytes())
    assert same(there_and_back(resource), resource)


@pytest.mark.parametrize("file", OFFICIAL, ids=lambda file: file.stem)
def test_examples_when_indented(file: Path) -> None:
    resource = json.parse(file.read_bytes())
    assert same(there_and_back(resource, pretty=True), resource)


@pytest.mark.parametrize("file", [file for file in OFFICIAL if not loses_ids(file)], ids=lambda file: file.stem)
def test_another_reader_finds_the_same(file: Path) -> None:
    """fhir.resources reads the XML; it keeps neither digits nor the characters of the narrative, so these are left."""
    resource = plain.loads(file.read_bytes())
    model = get_fhir_model_class(resource["resourceType"])
    read = model.model_validate_xml(XML.write(json.parse(file.read_bytes())))
    found, expected = (plain.loads(item.model_dump_json()) for item in (read, model.model_validate(resource)))
    found.get("text", {}).pop("div", None)
    expected.get("text", {}).pop("div", None)
    assert found == expected


def exact(value: Any) -> Any:
    """Return a generated value as it is once it was sent, each number in its digits."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return json.parse(value.text.encode()) if isinstance(value, Verbatim) else value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(care_plans, goals, risk_assessments))
def test_generated_resources(resource: Any) -> None:
    sent = exact(resource)
    assert same(there_and_back(sent), sent)


_CHARACTERS = st.characters(
    exclude_categories=["Cs"], exclude_characters=[chr(code) for code in range(32)] + ["\ufffe", "\uffff"]
)
_TEXTS = st.text(st.one_of(_CHARACTERS, st.sampled_from("\t\n\r &<>\"'")), min_size=1)


@settings(max_examples=150, deadline=None)
@given(_TEXTS)
def test_any_text_keeps_its_characters(text: str) -> None:
    goal = {"resourceType": "Goal", "description": {"text": text}, "statusReason": text}
    assert there_and_back(goal) == goal
    root = etree.fromstring(XML.write(goal))
    assert root.find("{*}statusReason").get("value") == text


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_any_number_keeps_its_digits(digits: str) -> None:
    goal = json.parse(b'{"resourceType": "Goal", "target": [{"detailQuantity": {"value": %s}}]}' % digits.encode())
    assert f'<value value="{digits}"/>'.encode() in XML.write(goal)
    assert json.dump(there_and_back(goal)) == json.dump(goal)


@pytest.mark.parametrize(
    "inside",
    [
        "a<br />b<br/>c",
        "&#160;&#xA0;\u00a0&amp;&quot;\"'&apos;&lt;&gt;>",
        "<!-- a comment with <tags> and </div> --><p title='single'>x</p>",
        "line\r\nline\n\tline  <b> two </b> ",
        "<div><div/>nested</div>",
        '<p\n class = "a>b"  >x</p ><img src="data:image/png;base64,AA==" alt="</div>"/>'.replace(
            "</div>", "&lt;/div>"
        ),
        "\U0001f331 é e\u0301",
    ],
)
def test_a_narrative_keeps_every_character(inside: str) -> None:
    div = f'<div xmlns="{XHTML}">{inside}</div>'
    goal = {"resourceType": "Goal", "text": {"status": "generated", "div": div}, "lifecycleStatus": "active"}
    contained = {"resourceType": "Goal", "text": {"status": "generated", "div": div.replace(">", "><i>1</i>", 1)}}
    both = {**goal, "contained": [contained, {**contained, "id": "second"}]}
    for resource in (goal, both):
        assert div.encode() in XML.write(resource)
        assert there_and_back(resource) == resource


@pytest.mark.parametrize(
    "members",
    [
        {"_lifecycleStatus": {"extension": [{"url": "http://a.example.org", "valueCode": "x"}]}},
        {"lifecycleStatus": "active", "_lifecycleStatus": {"id": "s1"}},
        {"outcomeReference": [{"id": "r", "display": "d"}]},
        {"extension": [{"id": "e", "url": "http://a.example.org", "_valueString": {"id": "v"}}]},
        {"target": [{"detailBoolean": False}, {"detailBoolean": True}, {"detailInteger": 0}, {"detailInteger": -0}]},
    ],
)
def test_ids_and_extensions_of_primitive_elements(members: dict[str, Any]) -> None:
    goal = {"resourceType": "Goal", **members}
    assert same(there_and_back(goal), goal)


@pytest.mark.parametrize(
    "members",
    [
        {"instantiatesUri": ["a", None, "c"], "_instantiatesUri": [None, {"id": "2"}, {"id": "3"}]},
        {"_instantiatesUri": [{"id": "1"}, {"id": "2"}]},
        {"instantiatesUri": ["a", "b"], "_instantiatesUri": [{"id": "1"}, None]},
    ],
)
def test_lists_of_primitive_elements_have_null_where_a_part_is_missing(members: dict[str, Any]) -> None:
    plan = {"resourceType": "CarePlan", **members}
    assert same(there_and_back(plan), plan)


def test_resources_in_bundles_and_parameters() -> None:
    goal = {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active"}
    plan = {
        "resourceType": "CarePlan",
        "contained": [goal, {"resourceType": "Substance", "id": "s"}],
        "status": "active",
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": plan}, {"resource": goal}]}
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": bundle},
            {"name": "n", "part": [{"name": "p", "resource": goal}]},
        ],
    }
    for resource in (bundle, parameters):
        assert same(there_and_back(resource), resource)
