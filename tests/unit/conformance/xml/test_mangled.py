"""XML that was mangled on its way: either it is still a resource, or an outcome says where it is wrong."""

from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir import json
from service.fhir.outcome import OutcomeError
from tests.support.xml import FHIR, XHTML, XML

TEXT = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- c --><CarePlan xmlns="{FHIR}">
  <id value="a"/>
  <text><status value="generated"/><div xmlns="{XHTML}"><p class='x'>é &amp; <b>b</b><br/></p></div></text>
  <contained><Goal><id value="g"/><note><text value="n"/></note></Goal></contained>
  <extension url="u"><valueDecimal value="0.80"/></extension>
  <status id="s" value="active"><extension url="u"><valueBoolean value="true"/></extension></status>
  <goal><reference value="#g"/></goal>
</CarePlan>"""
PIECES = (
    *("<", ">", "/", '"', "'", "=", "&", ";", " ", "\n", "\0", "é", "\U0001f331"),
    *("]]>", "<!--", "-->", "<?x?>", "<![CDATA[", ' value="x"', ' xmlns=""', "x:"),
    *("<div>", "</div>", f'<div xmlns="{XHTML}"/>', "<Goal>", "</Goal>", "<goal/>", "<contained/>"),
)


@st.composite
def mangled(draw: st.DrawFn) -> str:
    text = TEXT
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 0, 1, 3, 10, 60))))
        other = draw(st.one_of(st.sampled_from(PIECES), st.just(text[end : end + 40])))
        text = text[:start] + other + text[end:]
    return text


@settings(max_examples=400, deadline=None)
@given(mangled())
def test_it_is_read_or_its_place_is_told(text: str) -> None:
    try:
        resource = XML.read(text.encode())
    except OutcomeError as error:
        lines = text.split("\n")
        for issue in error.issues:
            assert issue.status in (400, 422)
            assert issue.position is not None
            assert issue.position.line <= len(lines)
            assert issue.position.column <= len(lines[issue.position.line - 1]) + 2
    else:
        assert json.dump_sorted(XML.read(XML.write(resource))) == json.dump_sorted(resource)
