"""Narrative XHTML: what FHIR allows, and nothing that could act on whoever reads it."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.conformance.validation.xhtml import ATTRIBUTES, ELEMENTS, MOST_ELEMENTS, XHTML, narrative_problems
from service.fhir import json
from service.fhir.versions import R4

OFFICIAL = Path(__file__).parents[2] / "support" / "official_examples"
IMAGE = "data:image/png;base64,iVBORw0KGgo="


def div(inner: str, attributes: str = "") -> str:
    return f'<div xmlns="{XHTML}"{attributes}>{inner}</div>'


def rules(text: str) -> list[str]:
    return [key for key, _ in narrative_problems(text)]


def narratives(value: object):
    if isinstance(value, dict):
        if isinstance(value.get("div"), str):
            yield value["div"]
        for item in value.values():
            yield from narratives(item)
    elif isinstance(value, list):
        for item in value:
            yield from narratives(item)


def test_the_lists_are_those_of_the_official_constraint() -> None:
    narrative = Definitions(R4).get("http://hl7.org/fhir/StructureDefinition/Narrative")
    (element,) = [item for item in narrative["snapshot"]["element"] if item["path"] == "Narrative.div"]
    (constraint,) = [item for item in element["constraint"] if item["key"] == "txt-1"]
    elements, attributes = (set(re.findall(r"'([^']+)'", part)) for part in constraint["xpath"].split("@*"))
    assert elements == ELEMENTS - {"address", "bdo", "kbd"}
    assert attributes == ATTRIBUTES - {"{http://www.w3.org/XML/1998/namespace}lang"}


@pytest.mark.parametrize("file", sorted(OFFICIAL.glob("*.json")), ids=lambda file: file.stem)
def test_official_examples_are_accepted(file: Path) -> None:
    found = list(narratives(json.parse(file.read_bytes())))
    assert [narrative_problems(text) for text in found] == [[] for _ in found]


ACCEPTED = [
    "text alone",
    "<p>An <i>example</i> with <b>some</b> formatting<br/>and a break.</p>",
    '<p class="bold" style="text-align: right; color: rgb(10, 20, 30)">x</p>',
    '<table border="1" cellpadding="2" summary="s"><thead><tr><th colspan="2" scope="col">a</th></tr></thead>'
    '<tbody><tr><td valign="top" nowrap="nowrap">1</td><td>2</td></tr></tbody></table>',
    '<p id="a" lang="cy" xml:lang="cy" dir="ltr" title="t" tabindex="0">x</p>',
    '<a name="top"/><a href="#top">x</a> <a href="https://example.org/a:b?c=d">y</a> <a href="page.html#x">z</a>',
    '<a href="mailto:team@example.org">x</a> <a href="tel:+440000000000">y</a> <a href="Patient/1">z</a>',
    '<img src="#pic1" alt="x"/>',
    f'<img src="{IMAGE}" alt="x"/>',
    '<img src="data: image/png;base64,iVBORw0KGgo=" alt="as HL7 writes it"/>',
    '<img src="picture.png" alt="beside the page"/>',
    f'<p style="background-image: url({IMAGE})">x</p>',
    "<!-- a note --><p>x</p>",
    "&#160;&#x2014;&amp;&lt;&gt;&quot;&apos; café — 🙂",
    "<kbd>x</kbd><address>y</address><bdo dir='rtl'>z</bdo>",
]


@pytest.mark.parametrize("inner", ACCEPTED)
def test_plain_formatting_is_accepted(inner: str) -> None:
    assert narrative_problems(div(inner)) == []


ATTACKS = [
    "<script>alert(1)</script>x",
    "<SCRIPT>alert(1)</SCRIPT>x",
    '<p onclick="alert(1)">x</p>',
    '<img src="#a" onerror="alert(1)"/>',
    '<p OnMouseOver="alert(1)">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="java&#10;script:alert(1)">x</a>',
    '<a href="&#32;&#9;javascript&#58;alert(1)">x</a>',
    '<a href="data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;">x</a>',
    '<a href="vbscript:x">x</a>',
    '<blockquote cite="javascript:alert(1)">x</blockquote>',
    '<img alt="x" longdesc="javascript:alert(1)" src="#a"/>',
    '<img src="https://example.org/pixel.png"/>x',
    '<img src="//example.org/pixel.png"/>x',
    '<img src="&#9;//example.org/pixel.png"/>x',
    '<img src="/\\example.org/pixel.png"/>x',
    '<img src="HTTP://example.org/pixel.png"/>x',
    '<img src="javascript:alert(1)"/>x',
    '<img src="data:text/html,x"/>x',
    '<img src="#a" usemap="#m"/>x',
    '<iframe src="https://example.org"></iframe>x',
    '<object data="x"></object>x',
    '<embed src="x"/>x',
    '<form action="https://example.org"><input name="a"/></form>x',
    '<link rel="stylesheet" href="https://example.org/x.css"/>x',
    '<base href="https://example.org/"/>x',
    '<meta http-equiv="refresh" content="0"/>x',
    "<style>p { background: url(https://example.org) }</style>x",
    "<head><title>x</title></head><body>y</body>",
    "<font color='red'>x</font>",
    '<video src="x"></video>x',
    '<p style="background: url(https://example.org/x.png)">x</p>',
    "<p style=\"background: url('https://example.org/x.png')\">x</p>",
    '<p style="background: URL(//example.org/x.png)">x</p>',
    """<p style="content: 'rgb('; background: url(https://example.org/x.png)">x</p>""",
    """<p style="content: '/*'; background: url(https://example.org/x.png); content: '*/'">x</p>""",
    '<p style="color: rgb(1, 2, 3; background: url(https://example.org/x.png)">x</p>',
    '<p style="background: u\\72l(https://example.org/x.png)">x</p>',
    "<p style=\"background: image-set('https://example.org/x.png' 1x)\">x</p>",
    '<p style="width: exp/* */ression(alert(1))">x</p>',
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>x',
    "<svg><p>x</p></svg>",
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><mtext>x</mtext></math>',
    '<s:script xmlns:s="http://www.w3.org/2000/svg">alert(1)</s:script>x',
    f'<x:p xmlns:x="{XHTML}">x</x:p>',
    '<p xmlns:x="urn:x" x:onclick="alert(1)">x</p>',
    '<div xmlns="">x</div>',
    "<?xml-stylesheet href='https://example.org/x.xsl'?>x",
    "<?x ><img src='x' onerror='alert(1)'/>?>x",
    "<![CDATA[><img src=x onerror=alert(1)>]]>x",
    "<!--><img src=x onerror=alert(1)>-->x",
    "<!---><img src=x onerror=alert(1)>-->x",
    "<!--[if IE]><script>alert(1)</script><![endif]-->x",
    "&nbsp;",
    "&undefined;x",
    "<p>x",
    "x</p>",
    "<p a=1>x</p>",
    "<p title='a' title='b'>x</p>",
    "a & b < c",
    "&#0;x",
    "\x0b",
    "\ufffe",
    "</div><div>x",
    "</div><script>alert(1)</script><div>",
]


@pytest.mark.parametrize("inner", ATTACKS)
def test_what_could_act_or_fetch_is_refused(inner: str) -> None:
    assert set(rules(div(inner))) == {"txt-1"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<p>x</p>",
        "<div>x</div>",
        '<div xmlns="http://www.w3.org/1999/html">x</div>',
        f'<p xmlns="{XHTML}">x</p>',
        f'<h:div xmlns:h="{XHTML}">x</h:div>',
        '<?xml version="1.0"?>' + div("x"),
        "<!-- x -->" + div("x"),
        div("x") + "<!-- x -->",
        div("x") + div("y"),
        f'<!DOCTYPE div [<!ENTITY a "x">]>{div("&a;")}',
        f'<!DOCTYPE div SYSTEM "file:///etc/passwd">{div("x")}',
        div("x", ' onload="alert(1)"'),
    ],
)
def test_the_whole_must_be_one_div(text: str) -> None:
    assert set(rules(text)) == {"txt-1"}


@pytest.mark.parametrize(
    "inner", ["", "  \n\t", "<p> </p>", "<!-- words that nobody sees -->", "<img alt='x'/>", "<br/>"]
)
def test_a_narrative_says_something(inner: str) -> None:
    assert rules(div(inner)) == ["txt-2"]
    assert rules(f'<div xmlns="{XHTML}"/>') == ["txt-2"]


def test_white_space_around_the_div_is_none_of_our_business() -> None:
    assert narrative_problems(f"\n  {div('x')}\n") == []


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE div [<!ENTITY a "aaaa">' + "".join(
        f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert rules(f"{bomb}]>{div('&i;')}") == ["txt-1"]


def test_trees_without_measure_are_refused() -> None:
    assert rules(div("<b>" * 5_000 + "x" + "</b>" * 5_000)) == ["txt-1"]
    assert rules(div("<b>x</b>" * (MOST_ELEMENTS + 1))) == ["txt-1"]
    assert rules(div("<b>x</b>" * 10_000)) == []


def test_every_problem_is_named_once() -> None:
    problems = narrative_problems(div('<script/><p onclick="a">x</p><p onclick="b">y</p><script/><blink/>'))
    assert [sentence for _, sentence in problems] == [
        "The element script is not allowed in a narrative",
        "The attribute onclick of p is not allowed in a narrative",
        "The element blink is not allowed in a narrative",
    ]


def test_a_sentence_names_the_entity_that_xml_lacks() -> None:
    ((_, sentence),) = narrative_problems(div("a&nbsp;b"))
    assert "&nbsp;" in sentence


def test_sentences_repeat_nothing_that_a_person_wrote() -> None:
    name = "Ximena Quiñones"
    for inner in (f"<p>{name}", f'<p onclick="{name}">{name}</p>', f'<a href="x:{name}">{name}</a>', f"{name} &nbsp;"):
        for _, sentence in narrative_problems(div(inner)):
            assert "Ximena" not in sentence


@settings(deadline=None)
@given(st.text())
def test_whatever_comes_is_judged_and_never_an_error(text: str) -> None:
    narrative_problems(text)
    assert set(rules(div(text))) <= {"txt-1", "txt-2"}
