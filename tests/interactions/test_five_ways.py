"""The same resource sent five ways gets the same issues: create, update, batch, transaction and $validate."""

from typing import Any, NamedTuple

import pytest

from tests.support.five_ways import CLINICAL, OF_OTHER_PERSON, OTHER_PERSON, WAYS, answers
from tests.support.recovery import (
    PERSON,
    assessment,
    coded,
    extension,
    goal,
    hl7,
    own,
    plan,
    with_extension,
    without_extension,
)
from tests.support.resources import care_plan

Json = dict[str, Any]


class Case(NamedTuple):
    """A resource, and severity, rule and place of each issue, in the order of the places."""

    name: str
    resource: Json
    issues: list[tuple[str, str, str]]


SUPPORTS = coded("goal-link", "supports")
OTHERWISE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/goal-relationship-type", "code": "other"}]}


def related(target: Any, kind: Json = OTHERWISE) -> Json:
    """Return the extension by which a goal is related to another."""
    return extension(hl7("goal-relationship"), valueCodeableConcept_type=kind, valueReference_target=target)


def obligation(*targets: Any, **members: Any) -> Json:
    """Return a goal that the law demands, in force, that supports the goals ``targets``."""
    basis = extension(
        own("legal-basis"),
        valueCodeableConcept_instrument=coded("legal-instrument", "conditional-discharge"),
        valueReference_authority={"display": "The review board"},
    )
    supports = [related(target, SUPPORTS) for target in targets]
    made = goal(category=[coded("goal-orientation", "obligation")], expressedBy=None, **members)
    return with_extension(made, basis, *supports)


def to(name: str) -> Json:
    """Return a Reference."""
    return {"reference": name}


def missing(place: str) -> tuple[str, str, str]:
    return ("error", "reference-exists", f"{place}.reference")


def of_another(place: str) -> tuple[str, str, str]:
    return ("error", "same-person", f"{place}.reference")


def no_support(place: str) -> tuple[str, str, str]:
    return ("error", "rg-5", place)


TARGET = "Goal.extension[1].extension[1].value.ofType(Reference)"
"""Where the first goal that an `obligation` supports is named."""
PERTAINS = hl7("resource-pertainsToGoal")
WRONG_PLAN = {"contributor": None, "goal": None, "note": None, "period": None}

CASES = [
    Case("a plan of which all is well", plan(), []),
    Case("a goal of which all is well", goal(), []),
    Case("an assessment of which all is well", assessment(), []),
    Case("a code that does not exist", plan(intent="banana"), [("error", "binding", "CarePlan.intent")]),
    Case("an element that does not exist", goal(aim="x"), [("error", "unknown-element", "Goal.aim")]),
    Case(
        "a warning alone",
        without_extension(plan(), "next-review"),
        [("warning", "rcp-4", "CarePlan")],
    ),
    Case(
        "a warning beside errors of many kinds, by place",
        without_extension(plan(goal=[to("Goal/none"), to("Goal/of-other-person")], intent="banana"), "next-review"),
        [
            ("warning", "rcp-4", "CarePlan"),
            missing("CarePlan.goal[0]"),
            of_another("CarePlan.goal[1]"),
            ("error", "binding", "CarePlan.intent"),
        ],
    ),
    # what is referred to has to exist
    Case("a goal that never was", plan(goal=[to("Goal/none")]), [missing("CarePlan.goal[0]")]),
    Case("a goal that was deleted", plan(goal=[to("Goal/deleted")]), [missing("CarePlan.goal[0]")]),
    Case("an id that is of another type", plan(goal=[to("Goal/only-a-plan")]), [missing("CarePlan.goal[0]")]),
    Case("a version of a goal", plan(goal=[to("Goal/example/_history/7")]), []),
    Case("a version of no goal", plan(goal=[to("Goal/none/_history/1")]), [missing("CarePlan.goal[0]")]),
    Case("a goal of another server", plan(goal=[to("https://elsewhere.example/fhir/Goal/none")]), []),
    Case("a goal known by an identifier", plan(goal=[{"identifier": {"system": "urn:x", "value": "7"}}]), []),
    Case(
        "what lives in the record system",
        plan(addresses=[to("Condition/none")], careTeam=[to("CareTeam/none")], encounter=to("Encounter/none")),
        [],
    ),
    Case(
        "everywhere in a plan",
        plan(
            basedOn=[to("CarePlan/none")],
            replaces=[to("CarePlan/none")],
            partOf=[to("CarePlan/none")],
            supportingInfo=[to("RiskAssessment/none"), to("RiskAssessment/example")],
            activity=[{"detail": {"status": "scheduled", "goal": [to("Goal/example"), to("Goal/none")]}}],
        ),
        [
            missing("CarePlan.activity[0].detail.goal[1]"),
            missing("CarePlan.basedOn[0]"),
            missing("CarePlan.partOf[0]"),
            missing("CarePlan.replaces[0]"),
            missing("CarePlan.supportingInfo[0]"),
        ],
    ),
    Case(
        "in an extension",
        with_extension(assessment(), {"url": PERTAINS, "valueReference": to("Goal/none")}),
        [missing("RiskAssessment.extension[4].value.ofType(Reference)")],
    ),
    Case(
        "in a goal",
        goal(addresses=[to("RiskAssessment/none"), to("Condition/none")], extension=[related(to("Goal/none"))]),
        [
            missing("Goal.addresses[0]"),
            missing("Goal.extension[0].extension[1].value.ofType(Reference)"),
        ],
    ),
    Case(
        "in a contained resource",
        plan(
            contained=[goal(id="inner", meta=None, text=None, addresses=[to("RiskAssessment/none")])],
            goal=[to("#inner")],
        ),
        [missing("CarePlan.contained[0].addresses[0]")],
    ),
    Case(
        "nowhere in a plain plan",
        care_plan(text=plan()["text"], goal=[to("Goal/none"), to("Goal/of-other-person")]),
        [],
    ),
    # it is about the same person
    Case("another person's goal", plan(goal=[to("Goal/of-other-person")]), [of_another("CarePlan.goal[0]")]),
    Case(
        "another person's assessment and plan",
        plan(supportingInfo=[to("RiskAssessment/of-other-person")], partOf=[to("CarePlan/of-other-person")]),
        [of_another("CarePlan.partOf[0]"), of_another("CarePlan.supportingInfo[0]")],
    ),
    Case(
        "another person's goal in an activity",
        plan(activity=[{"detail": {"status": "scheduled", "goal": [to("Goal/of-other-person")]}}]),
        [of_another("CarePlan.activity[0].detail.goal[0]")],
    ),
    Case(
        "an assessment tied to another person's goal",
        with_extension(
            without_extension(assessment(), "resource-pertainsToGoal"),
            {"url": PERTAINS, "valueReference": to("Goal/of-other-person")},
        ),
        [of_another("RiskAssessment.extension[3].value.ofType(Reference)")],
    ),
    Case(
        "a goal that rests on another person's assessment and goal",
        goal(
            addresses=[to("RiskAssessment/of-other-person")],
            extension=[related(to("Goal/of-other-person"))],
        ),
        [
            of_another("Goal.addresses[0]"),
            of_another("Goal.extension[0].extension[1].value.ofType(Reference)"),
        ],
    ),
    Case(
        "another person's goal, contained",
        plan(contained=[goal(id="inner", meta=None, text=None, **OF_OTHER_PERSON)], goal=[to("#inner")]),
        [of_another("CarePlan.goal[0]")],
    ),
    Case("a version of the person", goal(subject=to(f"{PERSON['reference']}/_history/3")), []),
    # an obligation in force supports a personal goal of that person
    Case("an obligation that supports a personal goal", obligation(to("Goal/example")), []),
    Case("an obligation that supports none", obligation(), [("error", "rg-5", "Goal")]),
    Case("an obligation that supports a clinical goal", obligation(to("Goal/clinical")), [no_support(TARGET)]),
    Case(
        "an obligation that supports a goal that does not exist",
        obligation(to("Goal/none")),
        [no_support(TARGET), missing(TARGET)],
    ),
    Case(
        "an obligation that supports another person's goal",
        obligation(to("Goal/of-other-person")),
        [no_support(TARGET), of_another(TARGET)],
    ),
    Case("an obligation that supports nothing named", obligation({"display": "a goal"}), [no_support(TARGET)]),
    Case("an obligation that also supports a clinical goal", obligation(to("Goal/clinical"), to("Goal/example")), []),
    Case("an obligation that supports a goal elsewhere", obligation(to("https://elsewhere.example/fhir/Goal/1")), []),
    Case("an obligation not yet in force", obligation(to("Goal/clinical"), lifecycleStatus="proposed"), []),
    Case(
        "an obligation that supports a contained goal",
        obligation(to("#inner"), contained=[goal(id="inner", meta=None, text=None)]),
        [],
    ),
    # what was entered in error can always be withdrawn
    Case("a wrong plan withdrawn", plan(status="entered-in-error", subject=OTHER_PERSON, **WRONG_PLAN), []),
    Case(
        "a wrong goal withdrawn",
        goal(lifecycleStatus="entered-in-error", category=CLINICAL, addresses=[to("RiskAssessment/none")]),
        [],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_the_issues_are_the_same_whichever_way_it_is_sent(world, case):
    found = await answers(world, case.resource)
    assert tuple(found) == WAYS
    first = found["create"]
    assert [item[:3] for item in first.findings] == case.issues
    assert first.is_accepted == all(severity == "warning" for severity, _, _ in case.issues)
    assert found == dict.fromkeys(WAYS, first)
