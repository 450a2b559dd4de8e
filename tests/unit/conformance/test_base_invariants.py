"""The invariants of FHIR's own types: what breaks one gives its key at its place, and nothing else."""

import copy
from functools import cache
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models
from hypothesis import given, settings
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.conformance.fhirpath.conditions import Scope, compile_condition
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.invariants import MENDED, WRITTEN_BY_HAND
from service.conformance.validation.validator import Validator
from service.fhir.json import Number
from service.fhir.versions import R4
from tests.support.resources import care_plan, goal, risk_assessment

Json = dict[str, Any]

DEFINITIONS = Definitions(R4)
STRUCTURES = Structures(DEFINITIONS)
VALIDATOR = Validator(DEFINITIONS, STRUCTURES, Terminology(DEFINITIONS))
UCUM = "http://unitsofmeasure.org"
EXTENSION = {"url": "http://example.org/e", "valueString": "x"}


def found(resource: Json) -> list[tuple[str, str | None]]:
    return [(issue.rule, issue.expression) for issue in VALIDATOR.issues(resource)]


def detail(**members: Any) -> Json:
    return care_plan(activity=[{"detail": {"status": "scheduled", **members}}])


def repeat(**members: Any) -> Json:
    return detail(scheduledTiming={"repeat": members})


def contained(inner: Json, *references: str, **members: Any) -> Json:
    links = {"supportingInfo": [{"reference": reference} for reference in references]} if references else {}
    return care_plan(contained=[inner], **links, **members)


def with_value(**value: Any) -> Json:
    return goal(extension=[{"url": "http://example.org/e", **value}])


def predicted(**members: Any) -> Json:
    return risk_assessment(prediction=[{"outcome": {"text": "x"}, **members}])


def text(div: str) -> Json:
    return goal(text={"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{div}</div>'})


def percent(**members: Any) -> Json:
    return {"value": 5, "unit": "%", "system": UCUM, "code": "%", **members}


INNER = {"resourceType": "CareTeam", "id": "t"}
REPEAT = "CarePlan.activity[0].detail.scheduled.ofType(Timing).repeat"
VALUE = "Goal.extension[0].value"
BROKEN: list[tuple[str, str, Json]] = [
    ("ele-1", "Goal.category[0]", goal(category=[{"id": "c"}])),
    ("ele-1", "Goal.start.ofType(date)", goal(_startDate={"id": "s"})),
    ("ele-1", "CarePlan.instantiatesUri[1]", care_plan(
        instantiatesUri=["http://a", None], _instantiatesUri=[None, {"id": "u"}])),
    ("ext-1", "Goal.extension[0]", goal(extension=[{"url": "http://example.org/e"}])),
    ("ext-1", "Goal.extension[0]", goal(extension=[{**EXTENSION, "extension": [EXTENSION]}])),
    ("ext-1", "Goal.description.text.extension[0]", goal(
        description={"text": "x", "_text": {"extension": [{"url": "http://x.org"}]}})),
    ("cpl-3", "CarePlan.activity[0]", care_plan(
        activity=[{"detail": {"status": "scheduled"}, "reference": {"display": "x"}}])),
    ("gol-1", "Goal.target[0]", goal(target=[{"detailString": "x"}])),
    ("ras-2", "RiskAssessment.prediction[0]", predicted(probabilityDecimal=Number("100.01"))),
    ("ras-1", "RiskAssessment.prediction[0].probability.ofType(Range)", predicted(
        probabilityRange={"low": percent(code="1")})),
    ("dom-2", "CarePlan", contained({**INNER, "contained": [{"resourceType": "CareTeam", "id": "u"}]}, "#t")),
    ("dom-3", "CarePlan.contained[0]", contained(INNER)),
    ("dom-4", "CarePlan", contained({**INNER, "meta": {"versionId": "1"}}, "#t")),
    ("dom-4", "CarePlan", contained({**INNER, "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}}, "#t")),
    ("dom-5", "CarePlan", contained({**INNER, "meta": {"security": [{"display": "x"}]}}, "#t")),
    ("ref-1", "CarePlan.supportingInfo[1].reference", contained(INNER, "#t", "#u")),
    ("txt-1", "Goal.text.div", text("<script>1</script>x")),
    ("txt-1", "Goal.text.div", text('<img src="http://example.org/x.png" alt="x"/>')),
    ("txt-2", "Goal.text.div", text("   ")),
    ("per-1", "CarePlan.period", care_plan(period={"start": "2026-02", "end": "2026-01-31"})),
    ("rng-2", VALUE + ".ofType(Range)", with_value(valueRange={"low": percent(value=6), "high": percent()})),
    ("rat-1", VALUE + ".ofType(Ratio)", with_value(valueRatio={"numerator": percent()})),
    ("qty-3", VALUE + ".ofType(Quantity)", with_value(valueQuantity={"value": 1, "code": "kg"})),
    ("age-1", VALUE + ".ofType(Age)", with_value(valueAge={"value": 3, "unit": "years"})),
    ("drt-1", VALUE + ".ofType(Duration)", with_value(valueDuration={"code": "min", "system": UCUM})),
    ("dis-1", VALUE + ".ofType(Distance)", with_value(valueDistance={"value": 3})),
    ("cnt-3", VALUE + ".ofType(Count)", with_value(valueCount={"value": Number("1.5"), "code": "1", "system": UCUM})),
    ("att-1", VALUE + ".ofType(Attachment)", with_value(valueAttachment={"data": "eA=="})),
    ("cpt-2", VALUE + ".ofType(ContactPoint)", with_value(valueContactPoint={"value": "x"})),
    ("exp-1", VALUE + ".ofType(Expression)", with_value(valueExpression={"language": "text/fhirpath"})),
    ("trd-1", VALUE + ".ofType(TriggerDefinition)", with_value(
        valueTriggerDefinition={"type": "data-added", "data": [{"type": "Goal"}], "timingDate": "2026"})),
    ("trd-3", VALUE + ".ofType(TriggerDefinition)", with_value(valueTriggerDefinition={"type": "named-event"})),
    ("drq-1", VALUE + ".ofType(DataRequirement).codeFilter[0]", with_value(
        valueDataRequirement={"type": "Goal", "codeFilter": [{"path": "a", "searchParam": "b"}]})),
    ("tim-1", REPEAT, repeat(duration=1)),
    ("tim-2", REPEAT, repeat(period=1)),
    ("tim-4", REPEAT, repeat(duration=-1, durationUnit="h")),
    ("tim-5", REPEAT, repeat(period=-1, periodUnit="h")),
    ("tim-6", REPEAT, repeat(periodMax=1)),
    ("tim-7", REPEAT, repeat(durationMax=1)),
    ("tim-8", REPEAT, repeat(countMax=1)),
    ("tim-9", REPEAT, repeat(offset=5)),
    ("tim-9", REPEAT, repeat(offset=5, when=["CM"])),
    ("tim-10", REPEAT, repeat(timeOfDay=["10:00:00"], when=["MORN"])),
    ("con-4", "CarePlan.contained[0]", contained(
        {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/1"}, "abatementString": "x"}, "#c")),
    ("grp-1", "CarePlan.contained[0]", contained(
        {"resourceType": "Group", "id": "g", "type": "person", "actual": False,
         "member": [{"entity": {"reference": "Patient/1"}}]}, "#g")),
    ("pat-1", "CarePlan.contained[0].contact[0]", contained(
        {"resourceType": "Patient", "id": "p", "contact": [{"gender": "other"}]}, "#p")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "place", "resource"), BROKEN, ids=[f"{rule} {place}" for rule, place, _ in BROKEN])
def test_a_broken_invariant_is_named_at_its_place_and_alone(rule: str, place: str, resource: Json) -> None:
    assert found(resource) == [(rule, place)]


FULFILLED: list[Json] = [
    goal(category=[{"id": "c", "text": "x"}]),
    goal(startDate="2026", _startDate={"id": "s"}),
    goal(target=[{"detailString": "x", "measure": {"text": "y"}}, {"dueDate": "2026"}]),
    predicted(),
    predicted(probabilityDecimal=100),
    predicted(probabilityRange={"low": percent(), "high": percent(value=9)}),
    contained(INNER, "#t"),
    contained({**INNER, "subject": {"reference": "#"}}),
    contained({"resourceType": "Goal", "id": "g", **{k: v for k, v in goal().items() if k != "resourceType"}}, "#g"),
    care_plan(period={"start": "2026-02-01", "end": "2026-02"}),
    care_plan(period={"start": "2026-02-01T10:00:00+05:00", "end": "2026-02-01T06:00:00Z"}),
    repeat(duration=0, durationUnit="h", durationMax=2, count=1, countMax=2, period=1, periodMax=2, periodUnit="d"),
    repeat(offset=5, when=["PCM"]),
    goal(subject={"identifier": {"value": "5"}}),
    with_value(valueRatio={"extension": [EXTENSION]}),
]


@pytest.mark.parametrize("resource", FULFILLED)
def test_what_the_sentences_allow_is_accepted(resource: Json) -> None:
    assert found(resource) == []


def test_a_simple_quantity_has_no_comparator() -> None:
    place = f"{VALUE}.ofType(Range).low"
    issues = found(with_value(valueRange={"low": percent(comparator="<")}))
    assert issues == [("cardinality", f"{place}.comparator"), ("sqty-1", place)]


def test_malformed_parts_do_not_keep_the_others_from_being_checked() -> None:
    activity = {"detail": {"status": "scheduled"}, "reference": {"display": 5}}
    issues = found(care_plan(period={"start": "2026-02", "end": "2026-01-31"}, activity=["x", activity]))
    assert {rule for rule, _ in issues} == {"wrong-type", "format", "per-1", "cpl-3"}


class TestWrittenByHand:
    """The rules in Python agree with the FHIRPath of the definitions, as another engine reads it."""

    @staticmethod
    @cache
    def expressions() -> dict[str, str]:
        return {
            rule["key"]: rule["expression"]
            for definition in DEFINITIONS.of_type("StructureDefinition")
            for element in definition["snapshot"]["element"]
            for rule in element.get("constraint", ())
            if rule["key"] in WRITTEN_BY_HAND | MENDED.keys()
        }

    def test_each_stands_in_the_definitions(self) -> None:
        assert self.expressions().keys() == WRITTEN_BY_HAND | MENDED.keys()

    @pytest.mark.parametrize("members", [{"id": "c"}, {"id": "c", "text": "x"}, {"text": "x"}])
    def test_ele_1(self, members: Json) -> None:
        holds = compile_condition(
            self.expressions()["ele-1"], "CodeableConcept", STRUCTURES
        )  # fhirpathpy has no hasValue
        assert holds(members, Scope(goal(), goal())) == (found(goal(category=[members])) == [])

    extensions = st.recursive(
        st.fixed_dictionaries(
            {"url": st.just("http://x.org")}, optional={"valueString": st.just("x"), "id": st.just("i")}
        ),
        lambda inner: st.fixed_dictionaries(
            {"url": st.just("http://x.org"), "extension": st.lists(inner, min_size=1, max_size=2)},
            optional={"valueCode": st.just("c")},
        ),
        max_leaves=4,
    )

    @settings(max_examples=60, deadline=None)
    @given(extension=extensions)
    def test_ext_1(self, extension: Json) -> None:
        expression = fhirpathpy.compile(self.expressions()["ext-1"], models["r4"])

        def breaks(one: Json) -> bool:
            given = copy.deepcopy(one)
            here = expression({"resourceType": "Extension", **given}, {}) != [True]
            return here or any(breaks(inner) for inner in one.get("extension", ()))

        assert breaks(extension) == ("ext-1" in {rule for rule, _ in found(goal(extension=[extension]))})

    references = st.sampled_from(["#a", "#b", "#", "Patient/1", "http://x.org/#a"])
    inner = st.fixed_dictionaries(
        {"resourceType": st.just("CareTeam"), "id": st.sampled_from(["a", "b"])},
        optional={"subject": st.fixed_dictionaries({"reference": references})},
    )

    @settings(max_examples=60, deadline=None)
    @given(contained=st.lists(inner, min_size=1, max_size=2), links=st.lists(references, max_size=2))
    def test_dom_3_and_ref_1(self, contained: list[Json], links: list[str]) -> None:
        outer = {"supportingInfo": [{"reference": link} for link in links]} if links else {}
        rules = {rule for rule, _ in found(care_plan(contained=contained, **outer))}
        inner = [item["subject"]["reference"] for item in contained if "subject" in item]
        ids = {item["id"] for item in contained}

        def is_needed(item: Json) -> bool:
            return f"#{item['id']}" in (*links, *inner) or item.get("subject") == {"reference": "#"}

        def leads_nowhere(link: str) -> bool:
            return link.startswith("#") and link[1:] not in ids

        assert ("dom-3" in rules) == (not all(map(is_needed, contained)))
        lost = [link for link in links if leads_nowhere(link)]
        lost += [link for link in inner if leads_nowhere(link) and link != "#"]
        assert ("ref-1" in rules) == bool(lost)
