"""Bodies that are made to do harm: nothing is expanded, fetched or read for long."""

import time

import pytest

from service.conformance.xml import syntax
from tests.support.xml import FHIR, XML, goal, issues_in, resource

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "head",
    [
        f'<!DOCTYPE Goal [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE Goal [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Goal SYSTEM "http://127.0.0.1:9/evil.dtd">',
        '<!DOCTYPE Goal [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
        "<!DOCTYPE Goal>",
        "<?xml version='1.0'?><!-- - <x> --><?p ?>\n<!DOCTYPE Goal []>",
    ],
)
def test_a_doctype_is_refused_before_anything_is_read(head: str) -> None:
    (issue,) = issues_in(head.encode() + resource("Goal", '<statusReason value="&l9;&x;"/>'))
    assert (issue.rule, issue.status) == ("not-xml", 400)
    assert "DOCTYPE" in issue.diagnostics
    assert issue.position is not None
    assert head.splitlines()[issue.position.line - 1][issue.position.column - 1 :].startswith("<!DOCTYPE")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1", "utf-7", "cp037"])
def test_another_encoding_hides_nothing(encoding: str) -> None:
    text = '<?xml version="1.0" encoding="%s"?><!DOCTYPE Goal [<!ENTITY x "é">]><Goal xmlns="http://hl7.org/fhir"/>'
    assert [issue.rule for issue in issues_in((text % encoding).encode(encoding))] == ["not-xml"]


def test_a_declared_encoding_other_than_utf_8_is_refused() -> None:
    (issue,) = issues_in(b'<?xml version="1.0" encoding="ISO-8859-1"?>' + goal())
    assert (issue.rule, issue.position) == ("not-xml", (1, 1))


def test_a_doctype_in_a_comment_or_a_text_is_no_doctype() -> None:
    assert issues_in(b"<!-- <!DOCTYPE Goal> -->" + goal('<!-- <!DOCTYPE x> --><language value="&lt;!DOCTYPE"/>')) == []


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", (1, 1)),
        (b"hello", (1, 1)),
        (b'{"resourceType": "Goal"}', (1, 1)),
        (goal()[:-3], None),
        (goal() + goal(), None),
        (goal('<language value="en" value="fr"/>'), None),
        (goal("&nbsp;"), None),
        (goal("a & b"), None),
        (goal("<x:y/>"), None),
        (goal("<language value=en/>"), None),
        (goal("\x01"), None),
        (goal("&#0;"), None),
        (goal('<language value="<"/>'), None),
        (b" <?xml version='1.0'?>" + goal(), None),
        (goal().replace(b"</Goal>", b"</goal>"), None),
        (b"<Goal>\xff", (1, 7)),
    ],
)
def test_what_is_not_well_formed(body: bytes, where: tuple[int, int] | None) -> None:
    (issue,) = issues_in(body)
    assert (issue.rule, issue.status) == ("not-xml", 400)
    assert issue.position is not None
    assert where is None or issue.position == where


def test_deep_nesting_is_refused() -> None:
    for levels in (99, 101, 300, 100_000):
        body = resource("Goal", '<extension url="a">' * levels + "</extension>" * levels)
        assert [issue.rule for issue in issues_in(body)] == (["nesting"] if levels > 100 else [])


def test_a_great_many_tags_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "MOST_TAGS", 1000)
    assert issues_in(resource("Goal", "<note/>" * 990)) == []
    (issue,) = issues_in(resource("Goal", "<note/>" * 1000))
    assert (issue.rule, issue.status) == ("body-too-large", 413)


@pytest.mark.parametrize(
    "body",
    [
        resource("Goal", "", "".join(f' a{n}=""' for n in range(300_000))),
        resource("Goal", "", "".join(f' xmlns:a{n}="u"' for n in range(200_000))),
        resource("Goal", "<unknown/>" * 300_000),
        resource("Goal", "<note>text</note>" * 200_000),
        resource("Goal", f'<language value="{"x" * 10_500_000}"/>'),
        b"<" * 1_000_000,
        b'<a b="' * 500_000,
        b"<!--" * 500_000,
        b"<a " * 500_000,
    ],
    ids=["attributes", "namespaces", "elements", "texts", "one attribute", "less than", "quotes", "comments", "tags"],
)
def test_what_is_large_is_done_with_in_time(body: bytes) -> None:
    start = time.process_time()
    issues = issues_in(body)
    assert len(issues) <= 101
    assert time.process_time() - start < 6


def test_a_large_resource_is_read() -> None:
    data = "QUJD" * 2_000_000
    body = (
        f'<Bundle xmlns="{FHIR}"><entry><resource><Binary><data value="{data}"/></Binary></resource></entry></Bundle>'
    )
    assert XML.read(body.encode())["entry"][0]["resource"]["data"] == data
    many = resource("Goal", '<note><text value="a"/></note>' * 20_000)
    assert len(XML.read(many)["note"]) == 20_000
