"""What profiles and extensions demand beyond the types: one broken thing, the issues that it gives, and no others."""

from typing import Any

import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Claims, Validator
from service.fhir.versions import R4
from tests.support import resources
from tests.support.recovery import (
    PERSON,
    WORKER,
    Json,
    assessment,
    coded,
    extension,
    goal,
    hl7,
    own,
    plan,
    predicted,
    with_extension,
    without_extension,
)

DEFINITIONS = Definitions(R4)
STRUCTURES = Structures(DEFINITIONS)
TERMINOLOGY = Terminology(DEFINITIONS)


def same(left: Json, right: Json) -> bool:
    return bool(left.get("reference")) and left.get("reference") == right.get("reference")


def validator(claims: Claims = "claimed") -> Validator:
    return Validator(DEFINITIONS, STRUCTURES, TERMINOLOGY, same, claims)


CLAIMED = validator()
TYPES = {"CarePlan": plan, "Goal": goal, "RiskAssessment": assessment}


def found(resource: Json, by: Validator = CLAIMED, **options: Any) -> list[tuple[str, str, str | None]]:
    """Return severity, rule and place of each issue."""
    return [(issue.severity, issue.rule, issue.expression) for issue in by.issues(resource, **options)]


@pytest.mark.parametrize("make", [plan, goal, assessment])
def test_what_fulfils_its_profile_raises_no_issue(make: Any) -> None:
    assert found(make()) == []


AGREEMENT = extension(own("agreement"), valueReference_party=WORKER, valueCode_status="agree")
BROKEN: list[tuple[str, Json, list[tuple[str, str, str]]]] = [
    (
        "a cardinality that the profile narrows",
        plan(period=None),
        [("error", "cardinality", "CarePlan.period")],
    ),
    (
        "one below an element",
        plan(period={"end": "2027"}),
        [("error", "cardinality", "CarePlan.period.start")],
    ),
    (
        "a slice that is missing",
        plan(category=[{"text": "other"}]),
        [("error", "cardinality", "CarePlan.category")],
    ),
    (
        "a slice that is there too often",
        plan(category=[coded("plan-kind", "recovery-plan"), coded("plan-kind", "crisis-plan")], status="draft"),
        [("error", "cardinality", "CarePlan.category[1]")],
    ),
    (
        "a wrong code of our system in a slice",
        plan(category=[coded("plan-kind", "recovery-plans")]),
        [("error", "binding", "CarePlan.category[0]")],
    ),
    (
        "an orientation that is missing: the rule speaks, not the slice",
        goal(category=[coded("chime", "hope")]),
        [("error", "rg-1", "Goal")],
    ),
    (
        "two orientations",
        goal(
            category=[
                coded("goal-orientation", "personal"),
                coded("goal-orientation", "clinical"),
                coded("chime", "hope"),
            ]
        ),
        [("error", "rg-1", "Goal")],
    ),
    (
        "a prediction that is not marked",
        assessment(
            prediction=[
                predicted("benefit", "x"),
                predicted("cost-of-avoiding", "y"),
                {"outcome": {"text": "z"}},
            ]
        ),
        [("error", "pra-3", "RiskAssessment.prediction[2]")],
    ),
    (
        "a target type that the profile leaves out",
        plan(subject={"reference": "Group/1"}, contributor=[WORKER, {"reference": "Group/1"}], status="draft"),
        [
            ("error", "reference-target", "CarePlan.contributor[1].reference"),
            ("error", "reference-target", "CarePlan.subject.reference"),
        ],
    ),
    (
        "a form of a choice that the profile leaves out",
        assessment(occurrenceDateTime=None, occurrencePeriod={"start": "2026"}),
        [("error", "choice-type", "RiskAssessment.occurrence.ofType(Period)")],
    ),
    (
        "an extensible binding of the profile",
        plan(
            activity=[
                {"detail": {"status": "scheduled", "code": {"coding": [{"system": "http://x.example", "code": "y"}]}}}
            ]
        ),
        [("warning", "extensible-binding", "CarePlan.activity[0].detail.code")],
    ),
    (
        "a required code in a part of an extension",
        with_extension(plan(), extension(own("agreement"), valueReference_party=WORKER, valueCode_status="agreed")),
        [("error", "binding", "CarePlan.extension[2].extension[1].value.ofType(code)")],
    ),
    (
        "a part that is missing",
        with_extension(plan(), extension(own("agreement"), valueReference_party=WORKER)),
        [("error", "cardinality", "CarePlan.extension[2].extension")],
    ),
    (
        "a part that is there too often",
        with_extension(plan(), {**AGREEMENT, "extension": [*AGREEMENT["extension"], AGREEMENT["extension"][1]]}),
        [("error", "cardinality", "CarePlan.extension[2].extension[2]")],
    ),
    (
        "a part that the extension does not have",
        with_extension(
            plan(), {**AGREEMENT, "extension": [*AGREEMENT["extension"], {"url": "mood", "valueString": "x"}]}
        ),
        [("error", "extension-unknown-part", "CarePlan.extension[2].extension[2]")],
    ),
    (
        "a value of another type",
        with_extension(without_extension(plan(), "next-review"), {"url": own("next-review"), "valueString": "soon"}),
        [("error", "choice-type", "CarePlan.extension[1].value.ofType(string)")],
    ),
    (
        "a part of another type",
        with_extension(plan(), extension(own("agreement"), valueReference_party=WORKER, valueString_status="agree")),
        [("error", "choice-type", "CarePlan.extension[2].extension[1].value.ofType(string)")],
    ),
    (
        "a value where only parts may be",
        with_extension(plan(), {"url": own("agreement"), "valueCode": "agree"}),
        [
            ("error", "cardinality", "CarePlan.extension[2].extension"),
            ("error", "cardinality", "CarePlan.extension[2].extension"),
            ("error", "cardinality", "CarePlan.extension[2].value.ofType(code)"),
        ],
    ),
    (
        "a party that cannot agree",
        with_extension(
            plan(),
            extension(own("agreement"), valueReference_party={"reference": "Device/1"}, valueCode_status="agree"),
        ),
        [("error", "reference-target", "CarePlan.extension[2].extension[0].value.ofType(Reference).reference")],
    ),
    (
        "an extension that may stand once",
        with_extension(plan(), {"url": own("next-review"), "valueDate": "2027-03-01"}),
        [("error", "cardinality", "CarePlan.extension[2]")],
    ),
    (
        "an extension where it is not allowed",
        goal(extension=[{"url": own("next-review"), "valueDate": "2027-02-01"}]),
        [("error", "extension-context", "Goal.extension[0]")],
    ),
    (
        "one below the element where it would be allowed",
        plan(activity=[{"extension": [AGREEMENT], "progress": [{"text": "x"}]}]),
        [("error", "extension-context", "CarePlan.activity[0].extension[0]")],
    ),
    (
        "an extension of HL7 with a wrong part",
        with_extension(
            goal(), extension(hl7("goal-acceptance"), valueReference_individual=PERSON, valueCode_status="maybe")
        ),
        [("error", "binding", "Goal.extension[0].extension[1].value.ofType(code)")],
    ),
    (
        "an extension of ours that does not exist",
        with_extension(plan(), {"url": own("agrement"), "valueCode": "agree"}),
        [("error", "extension-unknown", "CarePlan.extension[2].url")],
    ),
    (
        "an extension that modifies nothing, where modifiers stand",
        plan(modifierExtension=[{"url": own("strength"), "valueCodeableConcept": {"text": "x"}}]),
        [("error", "extension-context", "CarePlan.modifierExtension[0]")],
    ),
    (
        "a padded code is badly written, and no other code",
        with_extension(plan(), extension(own("agreement"), valueReference_party=WORKER, valueCode_status="agree ")),
        [("error", "format", "CarePlan.extension[2].extension[1].value.ofType(code)")],
    ),
    (
        "an extension on a primitive element where it is not allowed",
        plan(_status={"extension": [AGREEMENT]}),
        [("error", "extension-context", "CarePlan.status.extension[0]")],
    ),
]


@pytest.mark.parametrize(("resource", "issues"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_one_broken_thing_gives_its_issues_and_no_others(resource: Json, issues: list[tuple[str, str, str]]) -> None:
    assert sorted(found(resource)) == sorted(issues)


class TestClaims:
    def test_a_plain_resource_is_held_to_nothing_of_ours(self) -> None:
        assert found(resources.care_plan()) == []

    def test_known_extensions_are_checked_without_a_claim(self) -> None:
        plain = resources.care_plan(extension=[extension(own("agreement"), valueCode_status="agreed")])
        assert {rule for severity, rule, _ in found(plain) if severity == "error"} == {"binding", "cardinality"}

    def test_always_holds_plain_resources_to_the_profile_of_their_type(self) -> None:
        rules = {rule for _, rule, _ in found(resources.care_plan(), validator("always"))}
        assert {"rcp-1", "rcp-2", "cardinality"} <= rules

    def test_off_holds_nothing_to_a_profile_that_is_not_asked_for(self) -> None:
        off = validator("off")
        assert found(plan(goal=None), off) == []
        assert ("error", "rcp-1", "CarePlan") in found(plan(goal=None), off, profiles=[own("RecoveryCarePlan")])

    @pytest.mark.parametrize("claims", ["claimed", "always"])
    @pytest.mark.parametrize("make", [plan, goal, assessment])
    def test_what_was_entered_in_error_can_always_be_withdrawn(self, make: Any, claims: Claims) -> None:
        status = "lifecycleStatus" if make is goal else "status"
        needed = {"resourceType", "meta", "intent", "subject", "description"}
        bare = {key: value for key, value in make().items() if key in needed} | {status: "entered-in-error"}
        assert [issue for issue in found(bare, validator(claims)) if issue[0] == "error"] == []

    def test_a_profile_that_is_not_held_is_told_and_no_reason_to_refuse(self) -> None:
        profile = {"profile": [own("RecoveryCarePlan"), "http://hospital.example/StructureDefinition/plan"]}
        assert found(plan(meta=profile)) == [("warning", "profile-unknown", "CarePlan.meta.profile[1]")]

    def test_a_profile_of_another_type_is_refused(self) -> None:
        assert found(plan(meta={"profile": [own("RecoveryGoal"), f"{own('RecoveryCarePlan')}|0.1.0"]})) == [
            ("error", "profile-type", "CarePlan.meta.profile[0]")
        ]

    @pytest.mark.parametrize("url", [hl7("CarePlan"), hl7("Resource")])
    def test_a_type_is_a_profile_that_each_of_its_resources_fulfils(self, url: str) -> None:
        assert found(plan(meta={"profile": [url, own("RecoveryCarePlan")]})) == []

    def test_another_version_of_a_profile_is_not_held(self) -> None:
        issues = found(plan(meta={"profile": [f"{own('RecoveryCarePlan')}|9.9.9"]}, goal=None))
        assert issues == [("warning", "profile-unknown", "CarePlan.meta.profile[0]")]

    def test_an_extension_is_no_profile_of_a_plan(self) -> None:
        issues = found(plan(meta={"profile": [own("RecoveryCarePlan"), own("agreement")]}))
        assert issues == [("error", "profile-type", "CarePlan.meta.profile[1]")]

    def test_a_contained_resource_is_held_to_what_it_claims(self) -> None:
        inner = {**goal(expressedBy=None), "id": "g"}
        outer = plan(contained=[inner], goal=[{"reference": "#g"}])
        assert ("error", "rg-2", "CarePlan.contained[0]") in found(outer)


class TestDrafts:
    @pytest.mark.parametrize("status", ["draft", "revoked", "completed", "on-hold", "unknown"])
    def test_a_plan_that_is_not_active_need_not_be_complete(self, status: str) -> None:
        bare = plan(status=status, goal=None, note=None, extension=None, contributor=None)
        assert found(bare) == []

    def test_a_preliminary_assessment_need_not_be_complete(self) -> None:
        assert found(assessment(status="preliminary", extension=None, prediction=None)) == []

    def test_but_it_has_to_be_true(self) -> None:
        limit = extension(own("stipulation"), valueString_text="No visitors", valueCode_standing="imposed")
        assert found(plan(status="draft", extension=[limit])) == [("error", "rst-1", "CarePlan.extension[0]")]
