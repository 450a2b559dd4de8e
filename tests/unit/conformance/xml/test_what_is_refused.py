"""XML that is no FHIR: each thing that is wrong with its rule, its place, its line and its column."""

import pytest

from tests.support.xml import FHIR, XHTML, XML, goal, issues_in, resource

SUBJECT = '<subject><reference value="Patient/1"/></subject>'
GOAL = '<Goal><id value="1"/></Goal>'
CONTAINED = ("unknown-element", "Goal.contained[1].x")
XINCLUDE = "http://www.w3.org/2001/XInclude"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def found(body: bytes) -> list[tuple[str, str | None, tuple[int, int] | None]]:
    return [(issue.rule, issue.expression, issue.position and tuple(issue.position)) for issue in issues_in(body)]


@pytest.mark.parametrize(
    ("lines", "rule", "place", "line", "column"),
    [
        (['<statu value="active"/>'], "unknown-element", "Goal.statu", 2, 1),
        (['<target>', '  <detail value="x"/>', "</target>"], "unknown-element", "Goal.target[0].detail", 3, 3),
        (['<note value="x"><code value="x"/></note>'], "unknown-element", "Goal.note[0].code", 2, 17),
        (['<language value="x"><code value="x"/></language>'], "unknown-element", "Goal.language.code", 2, 21),
        (['<resourceType value="Goal"/>'], "unknown-element", "Goal.resourceType", 2, 1),
        ([SUBJECT, '<lifecycleStatus value="active"/>'], "element-order", "Goal.lifecycleStatus", 3, 1),
        (["<note/>", '<identifier id="1"/>', "<note/>"], "element-order", "Goal.identifier[0]", 3, 1),
        (["<note/>", '<addresses id="1"/>', '<note id="1"/>'], "element-order", "Goal.addresses[0]", 3, 1),
        ([SUBJECT, SUBJECT], "cardinality", "Goal.subject[1]", 3, 1),
        (['<lifecycleStatus value="active">on</lifecycleStatus>'], "xml-text", "Goal.lifecycleStatus", 2, 1),
        (["<target>", "<dueDate value='2026'/>", "soon", "</target>"], "xml-text", "Goal.target[0]", 2, 1),
        (["<target><!-- c -->soon</target>"], "xml-text", "Goal.target[0]", 2, 1),
        (["<lifecycleStatus>active</lifecycleStatus>"], "xml-text", "Goal.lifecycleStatus", 2, 1),
        (["<lifecycleStatus/>"], "format", "Goal.lifecycleStatus", 2, 1),
        (['<target id="x" value="y"/>'], "xml-attribute", "Goal.target[0]", 2, 1),
        (['<lifecycleStatus value="active" code="active"/>'], "xml-attribute", "Goal.lifecycleStatus", 2, 1),
        (['<lifecycleStatus value="active" xml:lang="en"/>'], "xml-attribute", "Goal.lifecycleStatus", 2, 1),
        ([f'<subject {XSI} xsi:nil="true">', '<display value="x"/></subject>'], "xml-attribute", "Goal.subject", 2, 1),
        (['<subject xmlns="">', "</subject>"], "xml-namespace", "Goal.subject", 2, 1),
        (['<subject xmlns="http://hl7.org/fhir/"/>'], "xml-namespace", "Goal.subject", 2, 1),
        ([f'<x:include xmlns:x="{XINCLUDE}" href="/etc/passwd"/>'], "xml-namespace", "Goal.include", 2, 1),
        (['<text><status value="generated"/>', "<div>x</div></text>"], "xml-namespace", "Goal.text.div", 3, 1),
        (['<contained>', "</contained>"], "cardinality", "Goal.contained[0]", 2, 1),
        (["<contained><Goal/><Goal/></contained>"], "cardinality", "Goal.contained[0]", 2, 1),
        (["<contained>", "<Nothing/></contained>"], "resource-type", "Goal.contained[0]", 2, 1),
        (["<contained><Quantity/></contained>"], "resource-type", "Goal.contained[0]", 2, 1),
        ([f"<contained>{GOAL}</contained>"] * 2 + ["<x/>"], "unknown-element", "Goal.x", 4, 1),
        (["<contained><Goal/></contained>", "<contained><Goal>", "<x/></Goal></contained>"], *CONTAINED, 4, 1),
        (['<contained id="1"><Goal/></contained>'], "xml-attribute", "Goal.contained[0]", 2, 1),
    ],
)  # fmt: skip
def test_each_is_told_with_its_place(lines: list[str], rule: str, place: str, line: int, column: int) -> None:
    body = resource("Goal", "\n" + "\n".join(lines) + "\n")
    assert (rule, place, (line, column)) in found(body)


@pytest.mark.parametrize(
    ("element", "type_name"),
    [
        ('<detailBoolean value="yes"/>', "boolean"),
        ('<detailBoolean value="TRUE"/>', "boolean"),
        ('<detailBoolean value="1"/>', "boolean"),
        ('<detailBoolean value=""/>', "boolean"),
        ('<detailInteger value="one"/>', "integer"),
        ('<detailInteger value="+1"/>', "integer"),
        ('<detailInteger value="01"/>', "integer"),
        ('<detailInteger value="1_000"/>', "integer"),
        ('<detailInteger value="\u0661"/>', "integer"),
        ('<detailQuantity><value value="1,5"/></detailQuantity>', "decimal"),
        ('<detailQuantity><value value=".5"/></detailQuantity>', "decimal"),
        ('<detailQuantity><value value="5."/></detailQuantity>', "decimal"),
        ('<detailQuantity><value value="NaN"/></detailQuantity>', "decimal"),
        ('<detailQuantity><value value="INF"/></detailQuantity>', "decimal"),
        ('<detailQuantity><value value="0x10"/></detailQuantity>', "decimal"),
    ],
)
def test_a_value_that_is_no_number_or_truth_value(element: str, type_name: str) -> None:
    (issue,) = issues_in(resource("Goal", f"<target>{element}</target>"))
    assert (issue.rule, issue.status) == ("format", 400)
    assert issue.diagnostics.endswith(f"is not written as a FHIR {type_name}")


def test_all_that_is_wrong_is_told_at_once() -> None:
    body = resource("Goal", '<foo/><lifecycleStatus/><language value="en"/><target x="1">text</target>')
    rules = ["unknown-element", "format", "element-order", "xml-text", "xml-attribute"]
    assert [issue.rule for issue in issues_in(body)] == rules


def test_the_nearest_name_is_told_of_one_that_is_unknown() -> None:
    (issue,) = issues_in(resource("Goal", '<lifeCycleStatus value="active"/>'))
    assert issue.diagnostics == "The element lifeCycleStatus is not defined here; did you mean lifecycleStatus?"


def test_what_a_person_wrote_is_not_repeated() -> None:
    secret = "Ana stopped taking her tablets"
    wrong = f'<lifecycleStatus>{secret}</lifecycleStatus><target><detailBoolean value="{secret}"/></target>{secret}'
    for body in (resource("Goal", wrong), resource("Goal", wrong + "</x>"), resource("Goal", f"<{secret}")):
        assert issues_in(body)
        assert not any("Ana" in issue.diagnostics or "tablets" in issue.diagnostics for issue in issues_in(body))


@pytest.mark.parametrize(
    "name", ["Nothing", "Resource", "DomainResource", "Quantity", "goal", "Bundle.entry", "x" * 5000]
)
def test_a_root_that_is_no_resource(name: str) -> None:
    (issue,) = issues_in(resource(name, ""))
    assert (issue.rule, issue.position) == ("resource-type", (1, 1))
    assert len(issue.expression or "") <= 128


@pytest.mark.parametrize("namespace", ["", "http://hl7.org/fhir/", "urn:hl7-org:v3", XHTML])
def test_a_root_in_another_namespace(namespace: str) -> None:
    (issue,) = issues_in(f'<Goal xmlns="{namespace}"/>'.encode())
    assert (issue.rule, issue.expression) == ("xml-namespace", "Goal")


def test_a_schema_location_is_refused_as_the_specification_says() -> None:
    (issue,) = issues_in(resource("Goal", "", f' {XSI} xsi:schemaLocation="{FHIR} fhir-all.xsd"'))
    assert (issue.rule, issue.expression) == ("xml-attribute", "Goal")


@pytest.mark.parametrize(
    "body",
    [
        goal("<!-- a comment --><?target data?>\r\n\t "),
        b"\xef\xbb\xbf" + goal(),
        b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<!-- c --><?p?>\n" + goal() + b"\n<!-- end -->\n",
        goal().replace(b"<", b"<f:").replace(b"<f:/", b"</f:").replace(b"xmlns=", b"xmlns:f="),
        goal().replace(b'value="active"/>', b"\n value = 'active' ></lifecycleStatus >"),
    ],
)
def test_what_xml_may_look_like(body: bytes) -> None:
    assert XML.read(body) == XML.read(goal())


def test_blanks_around_codes_and_numbers_mean_nothing_and_those_of_texts_stay() -> None:
    inside = '<code value=" a b "/><target><detailInteger value=" 5\n"/></target><statusReason value=" &#10;x&#9; "/>'
    body = resource("Goal", '<language value=" en "/>' + inside.removeprefix('<code value=" a b "/>'))
    assert XML.read(body) == {
        "resourceType": "Goal",
        "language": "en",
        "target": [{"detailInteger": 5}],
        "statusReason": " \nx\t ",
    }


def test_a_positive_integer_may_have_a_sign() -> None:
    body = resource("Observation", '<valueSampledData><dimensions value="+3"/></valueSampledData>')
    assert XML.read(body)["valueSampledData"] == {"dimensions": 3}


@pytest.mark.parametrize(
    "head",
    [
        f'<h:div xmlns:h="{XHTML}">a<h:b>c</h:b><!-- d -->e<h:br/></h:div>',
        f'<div xmlns="{XHTML}">a<b>c</b><!-- d -->e<br/></div>',
    ],
)
def test_a_narrative_needs_no_prefix_from_outside(head: str) -> None:
    body = f'<f:Goal xmlns:f="{FHIR}" xmlns:h="{XHTML}"><f:text>{head}</f:text></f:Goal>'.encode()
    assert XML.read(body)["text"]["div"] == f'<div xmlns="{XHTML}">a<b>c</b><!-- d -->e<br/></div>'
