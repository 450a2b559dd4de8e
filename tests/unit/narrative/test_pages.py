"""The plan as a page: what stands on it, once each, and as HTML that needs no script."""

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from service.conformance.definitions import Definitions
from service.conformance.terminology import Terminology
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.narrative.added import added_words
from service.narrative.narrator import Narrator
from service.narrative.pages import POLICY, Pages
from service.narrative.plan_page import Related

BASE = "https://plans.example.org/fhir/R4"
ADDRESSES = Addresses(frozenset({BASE}))
PAGES = Pages(Narrator(Terminology(Definitions(R4)), ADDRESSES), ADDRESSES)
ROBIN = {"reference": "Patient/robin", "display": "Robin"}


def plan(**members: Any) -> dict[str, Any]:
    basic = {"resourceType": "CarePlan", "id": "p", "status": "active", "intent": "plan", "title": "The plan"}
    return {**basic, "subject": ROBIN, **members}


def goal(id_: str, **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "Goal",
        "id": id_,
        "lifecycleStatus": "active",
        "description": {"text": f"The goal {id_}"},
        "subject": ROBIN,
        **members,
    }


def risk(id_: str, **members: Any) -> dict[str, Any]:
    code = {"text": f"The risk {id_}"}
    return {"resourceType": "RiskAssessment", "id": id_, "status": "final", "code": code, "subject": ROBIN, **members}


def related(*resources: dict[str, Any], **others: Any) -> Related:
    return Related({f"{item['resourceType']}/{item['id']}": item for item in resources}, **others)


def page(resource: dict[str, Any], found: Related | None = None) -> Any:
    return html.document_fromstring(PAGES.plan(resource, found or Related()).decode())


def texts(tree: Any, path: str) -> list[str]:
    return [" ".join(" ".join(item.itertext()).split()) for item in tree.xpath(path)]


def test_goals_and_risk_decisions_stand_on_the_page_in_full() -> None:
    tree = page(
        plan(
            goal=[{"reference": "Goal/1"}, {"reference": f"{BASE}/Goal/2"}],
            supportingInfo=[{"reference": "RiskAssessment/3"}],
        ),
        related(goal("1"), goal("2", addresses=[{"reference": "RiskAssessment/4"}]), risk("3"), risk("4")),
    )
    assert texts(tree, "//section[@id='goals']//h3") == ["The goal 1", "The goal 2"]
    assert texts(tree, "//section[@id='risk-decisions']//h3") == ["The risk 3", "The risk 4"]
    assert texts(tree, "//nav//ul/li/ul/li/a") == ["The goal 1", "The goal 2", "The risk 3", "The risk 4"]


def test_what_cannot_be_found_is_said() -> None:
    tree = page(plan(goal=[{"reference": "Goal/9", "display": "Lost"}, {"reference": "https://x.example.org/Goal/1"}]))
    assert texts(tree, "//section[@id='goals']//li") == [
        "Not shown here: it is kept in another system, it was removed, or it may not be seen by you Lost",
        "Not shown here: it is kept in another system, it was removed, or it may not be seen by you https://x.example.org/Goal/1",
    ]


def test_what_is_about_somebody_else_is_not_shown() -> None:
    other = goal("1", subject={"reference": "Patient/juno", "display": "Juno"})
    text = PAGES.plan(plan(goal=[{"reference": "Goal/1", "display": "A goal"}]), related(other)).decode()
    assert "Juno" not in text
    assert "The goal 1" not in text
    assert "Not shown here: it is in the record of somebody else" in text


def test_each_goal_is_told_in_full_once() -> None:
    part = plan(id="s", title="Safety plan", partOf=[{"reference": "CarePlan/p"}], goal=[{"reference": "Goal/1"}])
    named = plan(goal=[{"reference": "Goal/1"}, {"reference": f"{BASE}/Goal/1/_history/2"}])
    tree = page(named, related(goal("1"), plans=[part]))
    assert texts(tree, "//article//h3") == ["The goal 1", "Safety plan"]
    identifiers = tree.xpath("//@id")
    assert len(identifiers) == len(set(identifiers))


def test_plans_lead_to_each_other() -> None:
    part = plan(id="s", title="Safety plan", partOf=[{"reference": "CarePlan/p", "display": "The plan"}])
    assert page(plan(), related(plans=[part])).xpath("//article//a/@href") == ["../CarePlan/s"]
    assert page(part).xpath("//header//a/@href") == ["../CarePlan/p"]
    assert page(plan(partOf=[{"reference": "https://x.example.org/CarePlan/1"}])).xpath("//header//a") == []


def test_contained_goals_are_resolved() -> None:
    tree = page(plan(contained=[goal("in")], goal=[{"reference": "#in"}]))
    assert texts(tree, "//section[@id='goals']//h3") == ["The goal in"]


def test_it_says_where_there_is_more_than_it_shows() -> None:
    assert "not all goals" in texts(page(plan(), Related(is_complete=False)), "//header//p[@class='alert']")[0]
    assert texts(page(plan()), "//p[@class='alert']") == []


@pytest.mark.parametrize("status", ["generated", "extensions", "empty"])
def test_a_text_that_holds_no_more_than_the_data_is_not_repeated(status: str) -> None:
    text = {"status": status, "div": '<div xmlns="http://www.w3.org/1999/xhtml">By hand</div>'}
    assert "By hand" not in PAGES.plan(plan(text=text), Related()).decode()


def test_words_that_were_added_by_hand_are_shown() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><h1>Notes</h1><p>By <b>hand</b>,\n & more<br/>here</p></div>'
    text = {"status": "additional", "div": div.replace("&", "&amp;")}
    tree = page(plan(text=text, goal=[{"reference": "Goal/1"}]), related(goal("1", text=text)))
    assert len(tree.xpath("//h1")) == 1
    assert texts(tree, "//section[@class='added']//p") == ["Notes By hand, & more here"] * 2


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ("one", "one"),
        ("<p>one</p><p>two <i>three</i></p>", "one\ntwo three"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>", "a b\nc d"),
        ("<ul>\n<li>a</li>\n<li>b</li>\n</ul>", "a\nb"),
        ("a<!-- not this -->b<br/>c", "ab\nc"),
        ("<img src='#x' alt='A picture'/>", "A picture"),
    ],
)
def test_the_words_of_a_text_keep_their_lines(inner: str, words: str) -> None:
    text = {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'}
    assert added_words(text) == words


def test_headings_follow_each_other_in_order() -> None:
    step = {
        "url": "https://w3id.org/recovery-plan/StructureDefinition/safety-step",
        "extension": [
            {"url": "part", "valueCodeableConcept": {"text": "In a crisis"}},
            {"url": "text", "valueString": "Ring Wren"},
        ],
    }
    part = plan(id="s", extension=[step], partOf=[{"reference": "CarePlan/p"}])
    tree = page(plan(extension=[step], goal=[{"reference": "Goal/1"}]), related(goal("1"), plans=[part]))
    levels = [int(item.tag[1]) for item in tree.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_it_is_one_document_for_people_of_every_kind() -> None:
    tree = page(plan(language="cy", note=[{"text": "Fy ngeiriau", "authorReference": ROBIN}]))
    assert tree.get("lang") == "en-GB"
    assert tree.xpath("//main/@lang") == ["cy"]
    assert tree.xpath("//main//h2/@lang")[0] == "en-GB"
    assert texts(tree, "//title") == ["The plan"]
    assert tree.xpath("//a/@href")[0] == "#plan"
    for landmark in ("header", "nav", "main", "footer"):
        assert len(tree.xpath(f"//{landmark}")) == 1
    targets = [href for href in tree.xpath("//a/@href") if href.startswith("#")]
    assert targets
    assert all(tree.xpath(f"//*[@id='{href[1:]}']") for href in targets)


def test_it_runs_and_fetches_nothing() -> None:
    text = PAGES.plan(plan(), Related()).decode()
    assert not re.search(r"<script|<img|<link|<iframe|\sstyle=|\son\w+=|url\(|@import|https?://", text)
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY


MARKUP = '</style></li><script>alert(1)</script><b onclick="alert(1)">&amp;'


def test_what_people_wrote_is_escaped() -> None:
    note = {"text": MARKUP, "authorString": MARKUP}
    found = related(goal("1", description={"text": MARKUP}))
    resource = plan(title=MARKUP, description=MARKUP, note=[note], goal=[{"reference": "Goal/1"}, {"display": MARKUP}])
    tree = page(resource, found)
    assert not tree.xpath("//script | //b | //@onclick")
    assert texts(tree, "//h1") == [MARKUP]


@settings(deadline=None)
@given(st.text())
def test_whatever_people_wrote_the_page_is_made(text: str) -> None:
    resource = plan(title=text, note=[{"text": text, "authorString": text}], goal=[{"display": text}], language=text)
    made = PAGES.plan(resource, Related()).decode()
    assert made.count("<main") == 1


@pytest.mark.parametrize("reason", ["missing", "deleted"])
def test_a_refusal_is_a_page_too(reason: str) -> None:
    tree = html.document_fromstring(PAGES.refusal(reason).decode())
    assert len(tree.xpath("//main//h1")) == 1
