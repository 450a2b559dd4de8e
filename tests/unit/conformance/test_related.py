"""Rules that need other resources, on whatever JSON can say: what they find is real, and nothing makes them stumble."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.conformance.related import RelatedRules
from service.conformance.structures import Structures
from service.fhir.reference import Addresses
from service.fhir.versions import R4

TYPES = ("CarePlan", "Goal", "RiskAssessment")
RULES = RelatedRules(
    Structures(Definitions(R4)), lambda resource, profiles: ["x"], "recovery", TYPES, Addresses(), Addresses()
)
ORIENTATION = "https://w3id.org/recovery-plan/CodeSystem/goal-orientation"
RELATIONSHIP = "http://hl7.org/fhir/StructureDefinition/goal-relationship"

names = st.sampled_from(["Goal/1", "Goal/2/_history/1", "CarePlan/1", "Patient/1", "#a", "#", "urn:x", "Goal?x=1", ""])
KEYS = (
    "resourceType id reference identifier subject contained extension category coding goal system code url "
    "valueReference valueCodeableConcept status lifecycleStatus"
)
keys = st.sampled_from(KEYS.split())
leaves = st.one_of(
    names,
    st.sampled_from([*TYPES, "a", "active", "obligation", "personal", "supports", "target", "type"]),
    st.sampled_from([ORIENTATION, RELATIONSHIP, None, True, 7]),
)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))
persons = st.sampled_from(["Patient/1", "Patient/2", "#a"]).map(lambda text: {"reference": text})


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


SUPPORTS = {"url": "type", "valueCodeableConcept": concept("urn:x", "supports")}
links = st.one_of(names.map(lambda text: {"reference": text}), values)
goals = st.fixed_dictionaries(
    {"resourceType": st.just("Goal"), "lifecycleStatus": st.sampled_from(["active", "proposed"])},
    optional={
        "subject": persons | values,
        "category": st.sampled_from(["obligation", "personal"]).map(lambda code: [concept(ORIENTATION, code)]) | values,
        "extension": st.lists(
            st.builds(
                lambda target: {"url": RELATIONSHIP, "extension": [SUPPORTS, target]},
                links.map(lambda link: {"url": "target", "valueReference": link}),
            )
            | values,
            max_size=3,
        ),
        "contained": st.lists(values, max_size=2) | values,
        "addresses": st.lists(links, max_size=2),
    },
)
known = st.dictionaries(
    st.sampled_from(["Goal/1", "Goal/2", "CarePlan/1"]), st.none() | goals | st.just({}), max_size=3
)


@settings(max_examples=500)
@given(goals | st.dictionaries(keys, values, max_size=5), known)
def test_what_is_found_names_a_reference_that_is_there(resource: dict[str, Any], others: dict[str, Any]) -> None:
    related = RULES.of(resource)
    if related is None:
        assert "entered-in-error" in (resource.get("status"), resource.get("lifecycleStatus"))
        return
    issues = related.issues(others, "Root")
    assert {issue.rule for issue in issues} <= {"reference-exists", "same-person", "rg-5"}
    assert all(str(issue.expression).startswith("Root.") for issue in issues)
    absent = {name for name in related.targets if others.get(name) is None}
    assert bool(absent) == any(issue.rule == "reference-exists" for issue in issues)
    assert {name.partition("/")[0] for name in related.targets} <= set(TYPES)


@given(goals)
def test_with_everything_there_and_of_the_same_person_only_the_orientation_can_be_wrong(goal: dict[str, Any]) -> None:
    related = RULES.of({**goal, "contained": []})
    assert related is not None
    others = {name: {"subject": goal.get("subject"), "category": goal.get("category")} for name in related.targets}
    found = {issue.rule for issue in related.issues(others)}
    comparable = goal.get("subject") in ({"reference": "Patient/1"}, {"reference": "Patient/2"})
    assert found <= ({"rg-5"} if comparable else {"rg-5", "same-person"})
