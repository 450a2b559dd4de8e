"""Where in an XML text an expression leads."""

import pytest

from service.conformance.xml import XmlText
from tests.support.xml import FHIR

TEXT = f"""<?xml version="1.0"?>
<!-- <Bundle><entry/> -->
<f:Bundle xmlns:f="{FHIR}"><f:id value="b"/>
  <f:entry><f:fullUrl value="a>b"/><f:resource>
    <f:CarePlan>
      <f:status id="s" value="active"><f:extension url="u"><f:valueCode value="é<!-- -->"/></f:extension></f:status>
      <f:contained><f:Goal><f:id value="g"/></f:Goal></f:contained>
      <f:contained><f:Goal><f:note><f:text value="/>"/></f:note><f:note id='n'
        /></f:Goal></f:contained>
    </f:CarePlan></f:resource>
  </f:entry>
  <f:entry><f:resource>
    <f:Goal><f:text><div xmlns="x"><note/><div/></div></f:text><f:note/></f:Goal></f:resource></f:entry>
</f:Bundle>""".replace("é<!-- -->", "é")


@pytest.mark.parametrize(
    ("expression", "start"),
    [
        ("Bundle", "<f:Bundle"),
        ("Bundle.id", '<f:id value="b"'),
        ("Bundle.total", "<f:Bundle"),
        ("Bundle.entry", "<f:entry>"),
        ("Bundle.entry[0].fullUrl", "<f:fullUrl"),
        ("Bundle.entry[0].resource", "<f:resource>\n"),
        ("Bundle.entry[0].resource.resourceType", "<f:resource>\n"),
        ("Bundle.entry[0].resource.status", "<f:status"),
        ("Bundle.entry[0].resource.status.id", 'id="s"'),
        ("Bundle.entry[0].resource.status.extension[0].url", 'url="u"'),
        ("Bundle.entry[0].resource.status.extension[0].value.ofType(code)", "<f:valueCode"),
        ("Bundle.entry[0].resource.contained[0].id", '<f:id value="g"'),
        ("Bundle.entry[0].resource.contained[1].note[0].text", '<f:text value="/>"'),
        ("Bundle.entry[0].resource.contained[1].note[1]", "<f:note id"),
        ("Bundle.entry[0].resource.contained[1].note[1].id", "id='n'"),
        ("Bundle.entry[0].resource.contained[1].note[2]", "<f:note><f:text"),
        ("Bundle.entry[1].resource.note[0]", "<f:note/>"),
        ("Bundle.entry[1].resource.text.div", "<div xmlns"),
        ("Bundle.entry[2].resource", "<f:entry>"),
    ],
)
def test_an_expression_leads_to_its_element(expression: str, start: str) -> None:
    line, column = XmlText(TEXT.encode()).positions([expression])[expression]
    assert TEXT.split("\n")[line - 1][column - 1 :].startswith(start.rstrip())
    index = sum(len(item) + 1 for item in TEXT.split("\n")[: line - 1]) + column - 1
    assert index == TEXT.index(start, TEXT.index("<f:Bundle"))


def test_many_are_found_together() -> None:
    expressions = ["Bundle.id", "Bundle.entry[1].resource.note[0]", "Bundle.entry[0]"]
    together = XmlText(TEXT.encode()).positions(expressions)
    assert together == {name: XmlText(TEXT.encode()).positions([name])[name] for name in expressions}


def test_a_byte_order_mark_is_no_column() -> None:
    assert XmlText(b"\xef\xbb\xbf<Goal/>").positions(["Goal"]) == {"Goal": (1, 1)}
