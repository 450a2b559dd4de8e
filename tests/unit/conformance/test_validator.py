"""What the rules say of single cases that the agreement with fhir.resources does not reach."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.primitives import LONGEST_TEXT
from service.conformance.validation.report import MOST_ISSUES
from service.conformance.validation.shape import DEEPEST
from service.conformance.validation.validator import Validator
from service.fhir.json import Number
from service.fhir.versions import R4
from tests.support.resources import care_plan, goal, risk_assessment

Json = dict[str, Any]
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
WHY = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def _validator() -> Validator:
    definitions = Definitions(R4)
    return Validator(definitions, Structures(definitions), Terminology(definitions))


VALIDATOR = _validator()


def found(resource: Any) -> list[tuple[str, str | None]]:
    """Return the rule and the place of each error."""
    return [(issue.rule, issue.expression) for issue in VALIDATOR.issues(resource) if issue.severity == "error"]


def test_issues_come_in_the_order_of_the_resource_with_missing_elements_last() -> None:
    resource = goal(lifecycleStatus="bogus", colour="blue", startDate="2024-02-30", target=[{"dueDate": 5}])
    del resource["description"]
    assert found(resource) == [
        ("binding", "Goal.lifecycleStatus"),
        ("unknown-element", "Goal.colour"),
        ("format", "Goal.start.ofType(date)"),
        ("format", "Goal.target[0].due.ofType(date)"),
        ("cardinality", "Goal.description"),
    ]


def test_an_issue_is_a_sentence_to_act_on() -> None:
    def sentence(**members: Any) -> str:
        (issue,) = VALIDATOR.issues(goal(**members))
        return issue.diagnostics

    assert (
        sentence(lifecycleStatu="x") == "The element lifecycleStatu is not defined here; did you mean lifecycleStatus?"
    )
    assert sentence(startDate=2024) == "2024 is not written as a FHIR date"
    assert sentence(category={"text": "x"}) == "This must be a list and is an object"
    assert sentence(subject={"reference": "Medication/1"}) == (
        "A reference to Medication is not allowed here, only to: Group, Organization, Patient"
    )
    assert sentence(lifecycleStatus="bogus").startswith("'bogus' is not one of: accepted, active, ")


def test_no_sentence_repeats_a_value() -> None:
    secret = "Robin-Fennimore"
    patient = {
        "resourceType": "Patient",
        "gender": 5,
        "birthDate": secret,
        "active": secret,
        "link": [{"other": secret}],
    }
    resource = goal(lifecycleStatus=secret, startDate=secret, id=f"{secret}!", note=secret, contained=[patient])
    sentences = [issue.diagnostics for issue in VALIDATOR.issues(resource)]
    assert len(sentences) >= 7
    assert [sentence for sentence in sentences if secret in sentence] == []


class TestPrimitiveExtensions:
    """https://hl7.org/fhir/R4/json.html#primitive"""

    @pytest.mark.parametrize(
        "resource",
        [
            goal(_lifecycleStatus=WHY),
            {key: item for key, item in goal(_lifecycleStatus=WHY).items() if key != "lifecycleStatus"},
            goal(_startDate=WHY),
            goal(_startDate={"id": "d1"}, startDate="2024"),
            care_plan(instantiatesUri=["http://a", None], _instantiatesUri=[None, WHY]),
            care_plan(instantiatesUri=["http://a", "http://b"], _instantiatesUri=[None, WHY]),
            care_plan(_instantiatesUri=[WHY]),
            goal(extension=[{"url": "http://example.org/e", "valueString": "x", "_valueString": WHY}]),
        ],
    )
    def test_what_the_specification_shows_is_accepted(self, resource: Json) -> None:
        assert found(resource) == []

    @pytest.mark.parametrize(
        ("members", "issue"),
        [
            ({"_startDate": None}, ("wrong-type", "Goal.start.ofType(date)")),
            ({"_startDate": {}}, ("wrong-type", "Goal.start.ofType(date)")),
            ({"_startDate": [WHY]}, ("wrong-type", "Goal.start.ofType(date)")),
            ({"_startDate": {"colour": 1}}, ("unknown-element", "Goal.start.ofType(date).colour")),
            ({"_subject": WHY}, ("unknown-element", "Goal._subject")),
            ({"_id": WHY}, ("unknown-element", "Goal._id")),
            ({"text": {"status": "empty", "_div": WHY, "div": DIV}}, ("unknown-element", "Goal.text._div")),
            ({"__startDate": WHY}, ("unknown-element", "Goal.__startDate")),
            ({"_resourceType": WHY}, ("unknown-element", "Goal._resourceType")),
            ({"startDate": "2024", "_startCodeableConcept": WHY}, ("unknown-element", "Goal._startCodeableConcept")),
        ],
    )
    def test_what_stands_wrongly_beside_a_value_is_refused(self, members: Json, issue: tuple[str, str]) -> None:
        assert found(goal(**members)) == [issue]

    @pytest.mark.parametrize(
        ("members", "issue"),
        [
            ({"instantiatesUri": [None]}, ("format", "CarePlan.instantiatesUri[0]")),
            ({"instantiatesUri": ["http://a", None]}, ("format", "CarePlan.instantiatesUri[1]")),
            ({"instantiatesUri": [None], "_instantiatesUri": [None]}, ("format", "CarePlan.instantiatesUri[0]")),
            (
                {"instantiatesUri": ["http://a"], "_instantiatesUri": [None, WHY]},
                ("wrong-type", "CarePlan.instantiatesUri"),
            ),
            ({"_instantiatesUri": []}, ("wrong-type", "CarePlan.instantiatesUri")),
            ({"_instantiatesUri": [None, None]}, ("wrong-type", "CarePlan.instantiatesUri")),
            ({"_instantiatesUri": WHY}, ("wrong-type", "CarePlan.instantiatesUri")),
            ({"_instantiatesUri": ["x"]}, ("wrong-type", "CarePlan.instantiatesUri[0]")),
        ],
    )
    def test_lists_of_values_and_what_stands_beside_them_fit_each_other(
        self, members: Json, issue: tuple[str, str]
    ) -> None:
        assert found(care_plan(**members)) == [issue]


class TestChoices:
    def test_a_second_form_is_refused_once_and_wherever_it_stands(self) -> None:
        assert found(goal(startDate="2024", startCodeableConcept={"text": "x"})) == [("unknown-element", "Goal.start")]
        target = {"detailString": "x", "dueDate": "2024", "detailBoolean": True, "measure": {"text": "x"}}
        assert found(goal(target=[target])) == [("unknown-element", "Goal.target[0].detail")]
        three = {"url": "http://example.org/e", "valueString": "x", "valueCode": "x", "valueUri": "x"}
        assert found(goal(extension=[three])) == [("unknown-element", "Goal.extension[0].value")]

    def test_forms_of_different_choices_stand_beside_each_other(self) -> None:
        target = {"detailString": "x", "dueDate": "2024", "measure": {"text": "x"}}
        assert found(goal(startDate="2024", target=[target])) == []


def holding(*contained: Json) -> Json:
    """Return a plan that contains and refers to what is given."""
    return care_plan(contained=list(contained), supportingInfo=[{"reference": f"#{item['id']}"} for item in contained])


class TestContained:
    def test_of_a_held_type_is_checked_by_its_rules(self) -> None:
        condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/1"}}
        status = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
        assert found(holding({**condition, "clinicalStatus": status})) == []
        for wrong in (
            {"text": "active"},
            {"coding": [{"code": "active"}]},
            {"coding": [{"system": "http://x", "code": "a"}]},
        ):
            issue = ("binding", "CarePlan.contained[0].clinicalStatus")
            assert found(holding({**condition, "clinicalStatus": wrong})) == [issue]
        more = {"coding": [{"system": "http://x", "code": "a"}, *status["coding"]]}
        assert found(holding({**condition, "clinicalStatus": more})) == []

    def test_of_another_type_is_checked_by_its_model(self) -> None:
        schedule = {"resourceType": "Schedule", "id": "s", "actor": [{"reference": "Patient/1"}], "comment": "x"}
        assert found(holding(schedule)) == []
        issues = found(holding(schedule, {**schedule, "actor": "soon", "colour": "blue"}))
        assert issues == [("format", "CarePlan.contained[1].actor"), ("format", "CarePlan.contained[1].colour")]

    @pytest.mark.parametrize(
        "name", ["Nonsense", "Coding", "Element", "Resource", "DomainResource", "../x", "", None, 5]
    )
    def test_of_no_type_of_resource_is_refused(self, name: Any) -> None:
        ((rule, place),) = found(care_plan(contained=[{"resourceType": name, "id": "p"}]))
        assert rule == "resource-type"
        assert place in ("CarePlan.contained[0]", "CarePlan.contained[0].resourceType")


class TestBundle:
    def test_the_shape_of_a_bundle_is_checked_to_its_last_resource(self) -> None:
        entry = {"resource": goal(), "request": {"method": "POST", "url": "Goal"}}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        assert found(bundle) == []
        assert found({**bundle, "type": "bogus"}) == [("binding", "Bundle.type"), ("bdl-3", "Bundle.entry[0]")]
        assert found({**bundle, "entry": [entry, {"resource": goal(lifecycleStatus="x")}]}) == [
            ("binding", "Bundle.entry[1].resource.lifecycleStatus"),
            ("bdl-3", "Bundle.entry[1]"),
        ]
        assert found({**bundle, "entry": [{"request": {"method": "PUSH"}}]}) == [
            ("binding", "Bundle.entry[0].request.method"),
            ("cardinality", "Bundle.entry[0].request.url"),
        ]

    def test_places_start_where_the_caller_says(self) -> None:
        issues = VALIDATOR.issues(goal(lifecycleStatus="x"), "Bundle.entry[3].resource")
        assert [issue.expression for issue in issues] == ["Bundle.entry[3].resource.lifecycleStatus"]


class TestReferences:
    @pytest.mark.parametrize(
        "reference",
        ["Patient/1", "Group/1/_history/2", "http://other.example/fhir/Patient/1", "urn:uuid:x", "anything else"],
    )
    def test_to_an_allowed_type_or_of_an_unknown_form_are_accepted(self, reference: str) -> None:
        assert found(goal(subject={"reference": reference})) == []

    @pytest.mark.parametrize(
        "reference",
        ["Medication/1", "Goal/1/_history/2", "http://other.example/fhir/Medication/1", "https://x/Patient/y/Goal/1"],
    )
    def test_to_another_type_are_refused_at_their_place(self, reference: str) -> None:
        assert found(goal(subject={"reference": reference})) == [("reference-target", "Goal.subject.reference")]

    def test_where_any_resource_may_be_meant_are_all_accepted(self) -> None:
        assert found(care_plan(supportingInfo=[{"reference": "Medication/1"}])) == []


@pytest.mark.parametrize("value", [None, [], "x", 5, True, {}, {"resourceType": []}, {"resourceType": ""}])
def test_what_is_no_resource_is_said_to_be_none(value: Any) -> None:
    assert found(value) == [("resource-type", "Resource")]


def nested(levels: int) -> Json:
    extension: Json = {"url": "http://example.org/leaf", "valueString": "x"}
    for _ in range(levels - 1):
        extension = {"url": "http://example.org/branch", "extension": [extension]}
    return extension


CODED = {"Basic": {"code": {"text": "x"}}}


class TestLimits:
    def test_elements_nest_to_a_fixed_depth(self) -> None:
        # The value of the innermost extension is no object; so the extension is the deepest one.
        assert found(goal(extension=[nested(DEEPEST)])) == []
        ((rule, place),) = found(goal(extension=[nested(DEEPEST + 1)]))
        assert (rule, place) == ("nesting", "Goal" + ".extension[0]" * (DEEPEST + 1))

    @pytest.mark.parametrize("name", ["Basic", "CareTeam"])
    def test_contained_resources_count_into_the_depth(self, name: str) -> None:
        resource = {"resourceType": name, "id": "x", "extension": [nested(10)]} | CODED.get(name, {})
        assert found(holding(resource)) == []
        resource = {"resourceType": name, "id": "x", "extension": [nested(2 * DEEPEST)]}
        ((rule, _),) = found(holding(resource))
        assert rule == "nesting"

    @pytest.mark.parametrize(
        "make",
        [
            lambda size: goal(**{f"unknown{number}": 1 for number in range(size)}),
            lambda size: goal(category=[None] * size),
            lambda size: goal(category=[{"text": ""}] * size),
            lambda size: goal(contained=[{"resourceType": "Patient", "name": [{"family": 5}] * (size // 100)}]),
            lambda size: goal(**{"x" * size: 1}),
        ],
    )
    def test_however_much_is_wrong_the_answer_is_short_and_soon(self, make: Callable[[int], Json]) -> None:
        resource = make(200_000)
        start = time.process_time()
        issues = VALIDATOR.issues(resource)
        assert time.process_time() - start < 1
        assert 1 <= len(issues) <= MOST_ISSUES + 1
        assert max(len(issue.diagnostics) + len(issue.expression or "") for issue in issues) < 500

    def test_a_resource_with_a_thousand_elements_takes_milliseconds(self) -> None:
        resource = care_plan(note=[{"text": "x", "time": "2024-01-01T10:00:00Z"}] * 1000)
        start = time.process_time()
        assert found(resource) == []
        assert time.process_time() - start < 0.1


def test_a_text_has_a_million_characters_at_most() -> None:
    assert found(goal(description={"text": "x" * LONGEST_TEXT})) == []
    assert found(goal(description={"text": "x" * (LONGEST_TEXT + 1)})) == [("format", "Goal.description.text")]


def test_numbers_keep_their_kind() -> None:
    probability = {"outcome": {"text": "x"}, "probabilityDecimal": Number("0.80")}
    assert found(risk_assessment(prediction=[probability])) == []
    assert found(risk_assessment(prediction=[{"probabilityDecimal": "0.80"}])) == [
        ("format", "RiskAssessment.prediction[0].probability.ofType(decimal)")
    ]


def test_what_is_validated_is_not_changed() -> None:
    resource = care_plan(contained=[{"resourceType": "Patient", "birthDate": "1970", "colour": 1}], instantiatesUri=[])
    before = repr(resource)
    VALIDATOR.issues(resource)
    assert repr(resource) == before


def test_a_type_whose_definitions_are_not_held_is_refused_when_it_is_prepared() -> None:
    with pytest.raises(LookupError, match="Schedule"):
        VALIDATOR.prepare("Schedule")
