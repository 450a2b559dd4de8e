"""The narrative: everything that a resource says, in plain words, as XHTML that FHIR allows."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.xhtml import narrative_problems
from service.fhir import json
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.narrative.narrator import DOCUMENTS, Narrator, carries_recovery_fields
from service.narrative.wording import WORDS
from tests.support.filled import Filler

EXAMPLES = Path(__file__).parents[3] / "schemas" / "r4" / "examples" / "valid"
OFFICIAL = Path(__file__).parents[2] / "support" / "official_examples"
OWN = "https://w3id.org/recovery-plan/"
HL7 = "http://hl7.org/fhir/StructureDefinition/"

_DEFINITIONS = Definitions(R4)
_STRUCTURES = Structures(_DEFINITIONS)
_NARRATOR = Narrator(Terminology(_DEFINITIONS), Addresses())


def _resources(folder: Path) -> Iterator[Any]:
    for file in sorted(folder.glob("*.json")):
        content = json.parse(file.read_bytes())
        entries = [entry["resource"] for entry in content.get("entry", ())]
        for number, resource in enumerate(entries or [content]):
            if resource.get("resourceType") in DOCUMENTS:
                yield pytest.param(resource, id=f"{file.stem}-{number}-{resource['resourceType']}")


SAMPLES = list(_resources(EXAMPLES))
UNUSUAL = list(_resources(EXAMPLES / "unusual"))


def said(narrator: Narrator, resource: Any) -> str:
    """Return the words of the narrative, as a reader sees them."""
    div = etree.fromstring(narrator.narrative(resource)["div"])
    return " ".join(" ".join(div.itertext()).split())


def recovery_leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and value of every leaf in the extensions of ``value``, however deep they stand."""
    if isinstance(value, list):
        for item in value:
            yield from recovery_leaves(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "extension":
                for extension in item:
                    yield from _leaves_of(extension, extension["url"].rpartition("/")[2])
            else:
                yield from recovery_leaves(item)


def _leaves_of(extension: Any, name: str) -> Iterator[tuple[str, Any]]:
    for part in extension.get("extension", ()):
        if part["url"] != f"{HL7}_datatype":
            yield from _leaves_of(part, f"{name}.{part['url'].rpartition('/')[2]}")
    for key, value in extension.items():
        if key.startswith("value"):
            yield from _leaves_of_value(value, name)
            yield from recovery_leaves(value)


def _leaves_of_value(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield name, value
    elif "reference" in value or "display" in value:
        if "display" in value or not value["reference"].startswith("#"):
            yield name, value.get("display") or value["reference"]
    elif "coding" in value or "text" in value:
        yield from ((name, coding) for coding in value.get("coding", ()))
        yield from ([(name, value["text"])] if "text" in value else [])
    else:
        yield from ((name, item) for key, item in value.items() if key != "system")


CODE_SYSTEMS = {
    "agreement.status": "agreement-status",
    "goal-acceptance.status": "agreement-status",
    "stipulation.standing": "stipulation-standing",
    "learning.kind": "learning-kind",
    "assessment-result.rater": "rater",
    "decision.outcome": "decision-outcome",
    "decision.decided-by": "decided-by",
    "decision.capacity": "capacity",
    "viewpoint": "viewpoint",
}
SAID_BY_A_HEADING = {"benefit": "could be gained", "cost-of-avoiding": "by not going ahead", "harm": "could go wrong"}


def readings(name: str, value: Any, terminology: Terminology) -> list[str]:
    """Return the ways in which a leaf may read; one of them has to be in the text."""
    if isinstance(value, bool):
        return ["Yes" if value else "No"]
    if isinstance(value, dict):
        display = value.get("display") or terminology.display(value["system"], value["code"])
        return [display or value["code"]]
    text = getattr(value, "text", str(value))
    if name == "prediction-kind":
        return [SAID_BY_A_HEADING[text]]
    if name in CODE_SYSTEMS:
        system = CODE_SYSTEMS[name]
        fixed = WORDS.get(f"{system}.{text}")
        display = terminology.display(f"{OWN}CodeSystem/{system}", text)
        assert fixed or display, f"{name} {text} has no words"
        return [item for item in (fixed, display) if item]
    day = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)
    if day:
        return [f"{int(day[3])} {WORDS[f'month.{day[2]}']} {day[1]}"]
    return [" ".join(text.split())]


@pytest.mark.parametrize("resource", [*SAMPLES, *UNUSUAL])
def test_every_recovery_field_is_said(resource: Any, narrator: Narrator, terminology: Terminology) -> None:
    text = said(narrator, resource)
    leaves = list(recovery_leaves({key: value for key, value in resource.items() if key != "text"}))
    for name, value in leaves:
        assert any(reading in text for reading in readings(name, value, terminology)), (name, value)


def test_the_samples_use_every_extension_of_ours(definitions: Definitions) -> None:
    """Else the test above would not speak of all of them."""
    used = set(
        re.findall(
            rf'"url": ?"{OWN}StructureDefinition/([a-z-]+)"', "".join(map(Path.read_text, EXAMPLES.rglob("*.json")))
        )
    )
    defined = {
        item["id"]
        for item in definitions.of_type("StructureDefinition")
        if item["url"].startswith(OWN) and item["type"] == "Extension"
    }
    assert used == defined
    assert len(used) == 14


@pytest.mark.parametrize("form", range(8))
@pytest.mark.parametrize("resource_type", DOCUMENTS)
def test_every_element_of_the_standard_is_said(
    resource_type: str, form: int, narrator: Narrator, structures: Structures
) -> None:
    filler = Filler(structures, form)
    resource = filler.resource(resource_type)
    text = said(narrator, resource)
    assert len(filler.leaves) > 15
    for path, type_name, value in filler.leaves:
        if type_name in ("date", "dateTime", "instant"):
            year, month, day = value[:10].split("-")
            reading = f"{int(day)} {WORDS[f'month.{month}']} {year}"
        elif type_name == "time":
            reading = value[:5]
        else:
            reading = {True: "Yes"}.get(value, getattr(value, "text", str(value)))
        if path.endswith("doNotPerform"):
            reading = WORDS["not-to-do"]
        assert reading in text, (path, reading)


@pytest.mark.parametrize("resource", [*SAMPLES, *UNUSUAL])
def test_it_is_xhtml_that_fhir_allows(resource: Any, narrator: Narrator) -> None:
    text = narrator.narrative(resource)
    assert narrative_problems(text["div"]) == []
    assert text["status"] == ("extensions" if '"extension"' in json.dump(resource).decode() else "generated")
    assert narrator.narrative(resource) == text
    assert not re.search(r"<a |<img| id=|style=", text["div"])


@pytest.mark.parametrize("file", sorted(OFFICIAL.glob("*.json")), ids=lambda file: file.stem)
def test_official_examples_are_read_out(file: Path, narrator: Narrator) -> None:
    resource = json.parse(file.read_bytes())
    if resource["resourceType"] in DOCUMENTS:
        assert narrative_problems(narrator.narrative(resource)["div"]) == []


def _plan(**members: Any) -> dict[str, Any]:
    return {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "title": "My plan",
        "subject": {"reference": "Patient/1", "display": "Robin"},
        **members,
    }


def _extension(name: str, **parts: Any) -> dict[str, Any]:
    made = [
        {"url": key.partition("_")[2].replace("_", "-"), key.partition("_")[0]: value} for key, value in parts.items()
    ]
    return {"url": f"{OWN}StructureDefinition/{name}", "extension": made}


def test_the_persons_words_come_first_and_conditions_after_strengths_and_goals(narrator: Narrator) -> None:
    for param in SAMPLES:
        resource = param.values[0]
        headings = re.findall(r"<h3[^>]*>(.*?)</h3>", narrator.narrative(resource)["div"])
        titles = [unescape(heading) for heading in headings]
        if any(title.startswith("In the words of") for title in titles):
            assert titles[0].startswith("In the words of")
        for hopeful in ("Strengths", "Goals", "What could be gained", "What is lost by not going ahead"):
            for risky in ("What could go wrong", "Risk decisions", "Conditions", "What the law says"):
                if hopeful in titles and risky in titles:
                    assert titles.index(hopeful) < titles.index(risky)


def test_it_says_whose_words_are_whose(narrator: Narrator) -> None:
    person = {"reference": "Patient/1", "display": "Robin"}
    nurse = {"reference": "Practitioner/7", "display": "Priya"}
    notes = [
        {"text": "Hers", "authorReference": nurse, "time": "2026-10-19T15:05:00+01:00"},
        {"text": "Mine", "authorReference": person},
        {"text": "Somebody's"},
        {"text": "Another's", "authorString": "Wren"},
    ]
    text = said(narrator, _plan(note=notes))
    assert "In the words of Robin Mine (Robin)" in text
    assert "Hers (Priya, 19 October 2026, 15:05)" in text
    assert "Somebody's (author not named)" in text
    assert "Another's (Wren)" in text


def test_the_same_person_by_a_full_address_is_the_person(terminology: Terminology) -> None:
    note = {"text": "Mine", "authorReference": {"reference": "https://x.example.org/fhir/R4/Patient/1", "display": "R"}}
    local = Narrator(terminology, Addresses(frozenset({"https://x.example.org/fhir/R4"})))
    elsewhere = Narrator(terminology, Addresses())
    assert "In the words of" in said(local, _plan(note=[note]))
    assert "In the words of" not in said(elsewhere, _plan(note=[note]))


def test_what_was_imposed_is_said_to_be_imposed(narrator: Narrator) -> None:
    imposed = _extension(
        "stipulation",
        valueString_text="No visits after six.",
        valueCode_standing="imposed",
        valueString_rationale="Staffing",
        valueDate_review_by="2027-01-18",
    )
    text = said(narrator, _plan(extension=[imposed]))
    assert "Imposed: set by the service without the person’s agreement. No visits after six." in text
    assert "Why: Staffing" in text
    assert "Look at it again by: 18 January 2027" in text


def test_disagreement_is_said_with_its_reason(narrator: Narrator) -> None:
    agreement = _extension(
        "agreement",
        valueReference_party={"display": "Noor"},
        valueCode_status="disagree",
        valueString_comment="Too soon",
        valueDate_date="2026-10-26",
    )
    text = said(narrator, _plan(extension=[agreement]))
    assert "Noor: Does not agree (26 October 2026)" in text
    assert "Reason or comment: Too soon" in text


def test_safety_steps_come_part_by_part_in_the_order_in_which_they_are_needed(narrator: Narrator) -> None:
    steps = [
        _extension(
            "safety-step",
            valueCodeableConcept_part={"coding": [{"system": f"{OWN}CodeSystem/safety-part", "code": code}]},
            valueString_text=code,
        )
        for code in ("in-crisis", "wellness-tool", "in-crisis", "early-sign")
    ]
    own = _extension("safety-step", valueCodeableConcept_part={"text": "My own part"}, valueString_text="x")
    headings = re.findall("<h4>(.*?)</h4>", narrator.narrative(_plan(extension=[own, *steps]))["div"])
    assert headings == ["What helps me stay well", "Early signs", "In a crisis", "My own part"]


def test_in_a_safety_plan_the_steps_come_before_the_goals(narrator: Narrator) -> None:
    step = _extension("safety-step", valueCodeableConcept_part={"text": "In a crisis"}, valueString_text="Ring Wren")
    for kind, first in (
        ("recovery-plan", "Goals"),
        ("personal-safety-plan", "Keeping well"),
        ("crisis-plan", "Keeping"),
    ):
        category = {"coding": [{"system": f"{OWN}CodeSystem/plan-kind", "code": kind}]}
        plan = _plan(category=[category], extension=[step], goal=[{"reference": "Goal/1"}])
        assert re.findall("<h3>(.*?)</h3>", narrator.narrative(plan)["div"])[0].startswith(first)


def test_an_obligation_is_marked_as_one(narrator: Narrator) -> None:
    category = {"coding": [{"system": f"{OWN}CodeSystem/goal-orientation", "code": "obligation"}]}
    goal = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "category": [category],
        "description": {"text": "See the doctor"},
        "subject": {"reference": "Patient/1"},
    }
    assert said(narrator, goal).startswith("See the doctor Something that has to be done by law")


def test_a_record_in_error_and_a_mark_that_changes_meaning_are_said_at_once(narrator: Narrator) -> None:
    assert said(narrator, _plan(status="entered-in-error")).startswith(WORDS["alert.entered-in-error"])
    mark = {"url": "https://example.org/negated", "valueBoolean": True}
    assert "https://example.org/negated" in said(narrator, _plan(modifierExtension=[mark]))[:250]


def test_what_others_added_in_extensions_is_said(narrator: Narrator) -> None:
    attainment = {
        "url": "http://hl7.org/fhir/us/pco/StructureDefinition/pco-goal-attainment-scaling",
        "extension": [
            {"url": "level", "valueCoding": {"code": "LA1", "display": "Much better"}},
            {"url": "progressText", "valueString": "Two walks a week"},
        ],
    }
    text = said(narrator, _plan(extension=[attainment]))
    assert "pco goal attainment scaling: level: Much better; progressText: Two walks a week" in text


@pytest.mark.parametrize(
    ("concept", "reading"),
    [
        ({"text": "words"}, "words"),
        ({"coding": [{"system": "urn:x", "code": "c", "display": "Display"}]}, "Display"),
        ({"coding": [{"system": "urn:x", "code": "c"}]}, "c"),
        ({"coding": [{"system": "http://hl7.org/fhir/ValueSet/goal-status", "code": "c"}]}, "c"),
        ({"coding": [{"system": f"{OWN}CodeSystem/chime", "code": "hope"}]}, "Hope"),
        ({"coding": [{"code": "c"}, {"code": "c"}, {"code": "d"}]}, "c; d"),
        ({"text": "words", "coding": [{"code": "c", "display": "Display"}, {"display": "Words"}]}, "words (Display)"),
    ],
)
def test_codes_read_as_text_display_or_code(concept: Any, reading: str, narrator: Narrator) -> None:
    assert f"Kind: {reading} " in said(narrator, _plan(category=[concept]))


@pytest.mark.parametrize(
    ("given_date", "reading"),
    [
        ("2026-11-22", "22 November 2026"),
        ("2026-11-02", "2 November 2026"),
        ("2026-11", "November 2026"),
        ("2026", "2026"),
        ("2026-11-22T00:00:00Z", "22 November 2026"),
        ("2026-11-22T09:05:30.123+01:00", "22 November 2026, 09:05"),
        ("2026-11-22T09:05:00Z", "22 November 2026, 09:05 UTC"),
    ],
)
def test_dates_are_said_as_exactly_as_they_were_given(given_date: str, reading: str, narrator: Narrator) -> None:
    text = said(narrator, _plan(created=given_date))
    assert f"Written: {reading}" in text
    assert not text.partition(f"Written: {reading}")[2].strip()


@pytest.mark.parametrize(
    ("reference", "reading"),
    [
        ({"reference": "Goal/1", "display": "A goal"}, "A goal"),
        ({"reference": "Goal/1"}, "Goal/1"),
        ({"identifier": {"system": "urn:x", "value": "17"}}, "17"),
        ({"reference": "#g"}, "Walk more"),
        ({"type": "Goal"}, "Goal"),
        ({"extension": [{"url": "urn:x", "valueString": "x"}]}, "Not named"),
    ],
)
def test_references_read_as_what_they_name(reference: Any, reading: str, narrator: Narrator) -> None:
    contained = {"resourceType": "Goal", "id": "g", "description": {"text": "Walk more"}}
    assert f"Goals {reading} " in said(narrator, _plan(goal=[reference], contained=[contained]))


def test_numbers_keep_their_digits(narrator: Narrator) -> None:
    risk = json.parse(
        b'{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":0.80,"relativeRisk":1e2}]}'
    )
    assert "Chance: 0.80 Compared with most people: 1e2" in said(narrator, risk)


def test_line_breaks_stay(narrator: Narrator) -> None:
    assert "<p>One<br/>two<br/>three</p>" in narrator.narrative(_plan(description="One\ntwo\r\nthree"))["div"]


def test_the_language_of_the_resource_is_that_of_the_narrative(narrator: Narrator) -> None:
    div = etree.fromstring(narrator.narrative(_plan(language="cy-GB"))["div"])
    assert div.get("lang") == div.get("{http://www.w3.org/XML/1998/namespace}lang") == "cy-GB"
    assert div.get("lang") is None or "lang" not in narrator.narrative(_plan())["div"]
    assert narrative_problems(narrator.narrative(_plan(language='"><script>'))["div"]) == []


MARKUP = "</li></ul></div><script>alert(\"1\")</script> & <b onclick='x'>"


def test_what_people_wrote_is_escaped(narrator: Narrator, structures: Structures) -> None:
    for resource_type in DOCUMENTS:
        resource = Filler(structures).resource(resource_type)
        with_markup = json.parse(
            re.sub(rb"word\d+word", json.dump(MARKUP)[1:-1].replace(b"\\", b"\\\\"), json.dump(resource))
        )
        div = narrator.narrative(with_markup)["div"]
        assert narrative_problems(div) == []
        assert "<script" not in div
        assert 'alert("1")' in said(narrator, with_markup)


def _with_gaps(value: Any) -> Any:
    """Return ``value`` with a null in every list of plain values, as where a member has nothing but extensions."""
    if isinstance(value, dict):
        return {key: _with_gaps(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_gaps(item) for item in value] if isinstance(value[0], dict) else [None, *value]
    return value


@pytest.mark.parametrize("form", range(8))
@pytest.mark.parametrize("resource_type", DOCUMENTS)
def test_a_value_that_is_missing_from_a_list_is_passed_over(resource_type: str, form: int, narrator: Narrator) -> None:
    resource = Filler(_STRUCTURES, form).resource(resource_type)
    assert narrator.narrative(_with_gaps(resource)) == narrator.narrative(resource)


def _replaced(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {key: item if key == "resourceType" else _replaced(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, text) for item in value]
    return text if isinstance(value, str) else value


@settings(deadline=None)
@given(text=st.text(), form=st.integers(0, 7), resource_type=st.sampled_from(sorted(DOCUMENTS)))
def test_whatever_stands_in_a_resource_the_narrative_is_valid(text: str, form: int, resource_type: str) -> None:
    resource = _replaced(Filler(_STRUCTURES, form).resource(resource_type), text)
    narrative = _NARRATOR.narrative(resource)
    assert [key for key, _ in narrative_problems(narrative["div"])] == []
    assert _NARRATOR.wrote(narrative)


def test_it_knows_its_own_text(narrator: Narrator) -> None:
    for param in SAMPLES:
        resource = param.values[0]
        text = narrator.narrative(resource)
        assert narrator.wrote(text)
        assert not narrator.wrote({**text, "div": text["div"].replace("</div>", "<p>And more.</p></div>")})
        assert not narrator.wrote({**text, "div": text["div"].replace("a", "b", 60)})
        if "text" in resource:
            assert not narrator.wrote(resource["text"])
    for other in (None, {}, {"div": 5}, {"div": "<div/>"}, "text"):
        assert not narrator.wrote(other)


@pytest.mark.parametrize("resource", SAMPLES)
def test_the_samples_carry_recovery_fields(resource: Any) -> None:
    assert carries_recovery_fields(resource)


@pytest.mark.parametrize("file", sorted(OFFICIAL.glob("*.json")), ids=lambda file: file.stem)
def test_official_examples_carry_none(file: Path) -> None:
    assert not carries_recovery_fields(json.parse(file.read_bytes()))


def test_a_recovery_field_may_stand_deep_and_words_about_one_are_none() -> None:
    strength = {"url": f"{OWN}StructureDefinition/strength", "valueCodeableConcept": {"text": "x"}}
    assert carries_recovery_fields(_plan(activity=[{"progress": [{"text": "x", "extension": [strength]}]}]))
    assert carries_recovery_fields(
        _plan(category=[{"coding": [{"system": f"{OWN}CodeSystem/plan-kind", "code": "x"}]}])
    )
    assert not carries_recovery_fields(_plan(note=[{"text": f"See {OWN}StructureDefinition/strength"}]))
    assert not carries_recovery_fields(_plan(description=f"{OWN}StructureDefinition/strength"))
