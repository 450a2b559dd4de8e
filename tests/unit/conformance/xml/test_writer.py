"""The XML that is written: its order, its escapes, its layout, and narratives that no XML can hold."""

from typing import Any

import pytest
from lxml import etree

from tests.support.xml import FHIR, XHTML, XML

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def written(resource: dict[str, Any], pretty: bool = False) -> str:
    return XML.write(resource, pretty).decode()


def test_elements_come_in_the_order_of_the_definition() -> None:
    coding = {"display": "d", "code": "c", "system": "s", "extension": [{"valueString": "v", "url": "u"}], "id": "i"}
    goal = {"note": [{"text": "n"}], "subject": {"display": "P"}, "description": {"coding": [coding]}, "id": "1"}
    extension = '<extension url="u"><valueString value="v"/></extension>'
    assert written({**goal, "resourceType": "Goal"}) == (
        f'{HEAD}<Goal xmlns="{FHIR}"><id value="1"/>'
        f'<description><coding id="i">{extension}<system value="s"/><code value="c"/><display value="d"/></coding>'
        '</description><subject><display value="P"/></subject><note><text value="n"/></note></Goal>'
    )


def test_white_space_and_markup_in_values_are_escaped() -> None:
    goal = {"resourceType": "Goal", "statusReason": " a\tb\nc\rd & <e> \"f\" 'g' "}
    escaped = "&#9;b&#10;c&#13;d &amp; &lt;e&gt; &quot;f&quot; 'g' "
    assert f'<statusReason value=" a{escaped}"/>' in written(goal)


def test_indented_xml_has_each_element_on_a_line() -> None:
    div = f'<div xmlns="{XHTML}">a\n <b>b</b></div>'
    goal = {"resourceType": "Goal", "text": {"div": div}, "contained": [{"resourceType": "Goal", "language": "en"}]}
    assert written(goal, pretty=True) == (
        f'{HEAD}\n<Goal xmlns="{FHIR}">\n  <text>\n    {div}\n  </text>\n'
        '  <contained>\n    <Goal>\n      <language value="en"/>\n    </Goal>\n  </contained>\n</Goal>'
    )


@pytest.mark.parametrize(
    ("div", "inside"),
    [
        (f'<div xmlns="{XHTML}">a&nbsp;b&eacute;</div>', "a\u00a0b\u00e9"),
        (f'<div xmlns="{XHTML}"><p>not closed</div>', None),
        ("<div>in no namespace</div>", None),
        ("no markup & more", None),
        (f'<!DOCTYPE div [<!ENTITY x "y">]><div xmlns="{XHTML}">&x;</div>', None),
        (f'<div xmlns="{XHTML}">\uffff</div>', f'<div xmlns="{XHTML}">\ufffd</div>'),
    ],
)
def test_a_narrative_that_is_no_xml_is_written_as_well_as_it_can_be(div: str, inside: str | None) -> None:
    goal = {"resourceType": "Goal", "contained": [{"resourceType": "Substance", "text": {"div": div}}]}
    found = etree.fromstring(XML.write(goal)).find(f".//{{{XHTML}}}div")
    assert found is not None
    assert found.text == (inside or div)


def test_characters_that_xml_does_not_have_are_replaced() -> None:
    assert '<statusReason value="a\ufffdb"/>' in written({"resourceType": "Goal", "statusReason": "a\uffffb"})


@pytest.mark.parametrize("resource", [{"resourceType": "Nothing"}, {"resourceType": "Goal", "unknown": 1}])
def test_what_has_no_definition_is_not_written(resource: dict[str, Any]) -> None:
    with pytest.raises(LookupError):
        XML.write(resource)
