"""XML Patch: HL7's published tests, what a selector may say, and a resource before and after."""

from copy import deepcopy

import pytest
from lxml import etree

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.xml import Xml
from service.fhir.json import dump, parse
from service.fhir.outcome import OutcomeError
from service.fhir.versions import R4
from service.patch.selectors import DEFAULT, selector
from service.patch.xml_patch import apply_xml_patch, xml_patched
from tests.support.patch_cases import PUBLISHED

XML = Xml(Structures(Definitions(R4)))
CASES = [
    case for case in etree.parse(PUBLISHED / "xml-patch-tests.xml").getroot().iter("case") if len(case.find("target"))
]
GOAL = b"""{"resourceType":"Goal","id":"g","lifecycleStatus":"active","description":{"text":"words of a person"},
"subject":{"reference":"Patient/example"},"target":[{"detailQuantity":{"value":1.50,"unit":"h"}}],
"note":[{"text":"one"},{"text":"two"}]}"""


def canonical(node):
    """Return an element as values to compare, white space between elements aside."""
    text = (node.text or "").strip()
    return node.tag, dict(node.attrib), text, [(canonical(child), (child.tail or "").strip()) for child in node]


@pytest.mark.parametrize("case", CASES, ids=[case.get("name") for case in CASES])
def test_published(case):
    root = deepcopy(case.find("target")[0])
    patch = case.find("{http://hl7.org/fhir}patch")
    if case.find("error") is not None:
        with pytest.raises(OutcomeError) as caught:
            apply_xml_patch(root, patch)
        assert caught.value.status in (400, 422)
    else:
        expected = case.find("patched")[0]
        assert canonical(apply_xml_patch(root, patch)) == canonical(expected)


def patched(operations: str, namespace: str = 'xmlns="http://hl7.org/fhir"') -> bytes:
    return dump(xml_patched(parse(GOAL), f"<diff {namespace}>{operations}</diff>".encode(), XML))


def without(*names):
    return {key: value for key, value in parse(GOAL).items() if key not in names}


@pytest.mark.parametrize(
    "select",
    ["Goal/note[2]/text/@value", "/Goal/note[text/@value='two']/text/@value", "f:Goal/f:note[last()]/*/@value"],
)
@pytest.mark.parametrize("namespace", ['xmlns="http://hl7.org/fhir"', ""])
def test_value_is_replaced_and_digits_are_kept(select, namespace):
    found = patched(f'<replace sel="{select}">changed</replace>', namespace)
    assert b'"note":[{"text":"one"},{"text":"changed"}]' in found
    assert b'"value":1.50' in found


def test_elements_are_added_where_the_patch_says():
    found = parse(
        patched(
            '<add sel="Goal"><note><text value="three"/></note></add>'
            '<add sel="Goal/note[1]" pos="before"><note><text value="zero"/></note></add>'
            '<add sel="Goal/description" pos="before"><category><text value="a"/></category></add>'
            '<add sel="Goal/note[2]" pos="prepend"><time value="2026"/></add>'
            '<add sel="Goal/lifecycleStatus" type="@id">s</add>'
            '<add sel="Goal/note[3]" pos="after"><note><text value="next"/></note></add>'
        )
    )
    assert [note["text"] for note in found["note"]] == ["zero", "one", "two", "next", "three"]
    assert found["note"][1]["time"] == "2026"
    assert (found["category"], found["_lifecycleStatus"]) == ([{"text": "a"}], {"id": "s"})


def test_element_that_loses_all_it_had_is_gone():
    assert parse(patched('<remove sel="Goal/target/detailQuantity"/>')) == without("target")
    assert parse(patched('<remove sel="Goal/note[1]"/><remove sel="Goal/note/text"/>')) == without("note")


def test_what_was_emptied_may_be_filled_again():
    found = parse(patched('<remove sel="Goal/note[1]/text"/><add sel="Goal/note[1]"><text value="x"/></add>'))
    assert found["note"] == [{"text": "x"}, {"text": "two"}]


@pytest.mark.parametrize(
    "operation",
    [
        '<remove sel="Goal/nothing"/>',
        '<remove sel="Goal/note"/>',
        '<remove sel="Goal"/>',
        '<remove sel="Goal/@nothing"/>',
        '<remove sel="x:Goal"/>',
        '<remove sel=""/>',
        '<remove sel="Goal["/>',
        '<remove sel="Goal/note[1]" ws="inside"/>',
        '<replace sel="Goal"><Goal/></replace>',
        '<replace sel="Goal/note[1]">words of a person</replace>',
        '<replace sel="Goal/note[1]"><note/><note/></replace>',
        '<replace sel="Goal/note[1]/text/@value"><x/></replace>',
        '<add sel="Goal" pos="before"><x/></add>',
        '<add sel="Goal" pos="middle"><x/></add>',
        '<add sel="Goal/note[1]/text/@value"><x/></add>',
        '<add sel="Goal/note[1]/text" type="@value">x</add>',
        '<add sel="Goal/note[1]" type="@">x</add>',
        '<add sel="Goal/note[1]" type="words of a person">x</add>',
        "<remove sel=\"document('file:///etc/passwd')\"/>",
        "<remove sel=\"Goal/note[contains(text/@value, 'o')]\"/>",
        '<remove sel="//note"/>',
        '<remove sel="Goal/note/../note[1]"/>',
        '<remove sel="Goal/note[/Goal/note]"/>',
        '<remove sel="Goal/note[text = /Goal/note]"/>',
        '<remove sel="Goal/descendant::text"/>',
        '<remove sel="Goal/note[count(.)]"/>',
        "<remove sel=\"'words of a person'\"/>",
        f'<remove sel="Goal/{"a" * 3000}"/>',
    ],
)
def test_operation_that_cannot_be_done_is_422(operation):
    with pytest.raises(OutcomeError) as caught:
        patched(f'<add sel="Goal/note[1]"><time value="2026"/></add>{operation}')
    (issue,) = caught.value.issues
    assert (caught.value.status, issue.rule) == (422, "patch-operation")
    assert issue.diagnostics.startswith("Operation 2 of the patch, ")
    assert "words of a person" not in issue.diagnostics


@pytest.mark.parametrize("operations", ["", '<move sel="Goal/note"/>', "<remove/>"])
def test_what_is_no_patch_is_400(operations):
    with pytest.raises(OutcomeError) as caught:
        patched(operations)
    assert (caught.value.status, caught.value.issues[0].rule) == (400, "patch-format")


@pytest.mark.parametrize("body", [b"no XML", b"<diff>", b'<!DOCTYPE diff [<!ENTITY a "b">]><diff>&a;</diff>'])
def test_body_that_is_no_xml_is_400(body):
    with pytest.raises(OutcomeError) as caught:
        xml_patched(parse(GOAL), body, XML)
    assert caught.value.status == 400


def test_what_is_wrong_with_the_result_is_told_by_its_place():
    with pytest.raises(OutcomeError) as caught:
        patched('<add sel="Goal"><unknown value="1"/></add>')
    assert [(issue.rule, issue.expression, issue.position) for issue in caught.value.issues] == [
        ("unknown-element", "Goal.unknown", None)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Goal", "/ d:Goal"),
        ("/Goal/@id", "/ d:Goal / @ id"),
        ("f:Goal[f:and/@and = 'or' and position()=1]", "/ f:Goal [ f:and / @ and = 'or' and position() = 1 ]"),
        ("and/or[or or and]", "/ d:and / d:or [ d:or or d:and ]"),
        ("*/f:*/text()", "/ * / f:* / text()"),
    ],
)
def test_names_without_prefix_get_one(text, expected):
    assert selector(text) == expected.replace("d:", f"{DEFAULT}:")
