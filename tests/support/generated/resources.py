"""Worlds of plans, goals and risk assessments that refer to each other, valid enough to be stored."""

from hypothesis import strategies as st

from tests.support.generated.elements import (
    ADDRESSES,
    BASE,
    CANONICALS,
    IDS,
    NUMBERS,
    UCUM,
    Resource,
    Values,
    Verbatim,
    concepts,
    date_times,
    days,
    identifiers,
    links,
    metas,
    narratives,
    notes,
    patients,
    periods,
    quantities,
    references,
    some,
    teams,
    texts,
    timings,
    whole,
)
from tests.support.generated.extensions import kinds, on_goals, on_plans, on_risks, results, roles


def _with(values: Values, extension: Values) -> Values:
    """Elements that sometimes have an extension."""
    return st.tuples(values, st.one_of(st.none(), extension)).map(
        lambda pair: pair[0] | ({"extension": pair[1]} if pair[1] else {})
    )


_schedules = st.one_of(
    whole(scheduledPeriod=periods()), whole(scheduledTiming=timings), st.just({"scheduledString": "every other day"})
)
_details = st.builds(
    lambda schedule, rest: {"detail": {"status": "scheduled"} | schedule | rest},
    st.one_of(st.just({}), _schedules),
    st.fixed_dictionaries({}, optional={"performer": some(teams), "code": concepts, "description": texts}),
)
_activities = st.one_of(_details, _details, whole(reference=references("Task/1", f"{BASE}/Task/1", "ServiceRequest/a")))
_targets = st.fixed_dictionaries(
    {"measure": concepts},
    optional={
        "dueDate": days,
        "detailQuantity": quantities,
    },
)
_other_targets = st.one_of(
    whole(dueDate=days),
    whole(measure=concepts, detailString=texts),
    st.just({"dueDuration": {"value": 3, "unit": "d", "system": UCUM, "code": "d"}}),
    st.just({"measure": {"text": "walk"}, "detailRange": {"low": {"value": 5, "system": UCUM, "code": "mg"}}}),
    st.just({"measure": {"text": "walk"}, "detailInteger": 5}),
)
_ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
_starts = st.one_of(
    whole(startDate=days), whole(startCodeableConcept=concepts), st.just({"_startDate": _ABSENT}), st.just({})
)
_occurrences = st.one_of(whole(occurrenceDateTime=date_times), whole(occurrencePeriod=periods()), st.just({}))
_contained_goals = st.fixed_dictionaries(
    {
        "resourceType": st.just("Goal"),
        "id": st.sampled_from(("g1", "1")),
        "lifecycleStatus": st.sampled_from(("proposed", "active")),
        "description": concepts,
        "subject": patients,
    },
    optional={"category": some(concepts), "startDate": days, "target": some(_targets, 1)},
)
_RANGES = (("0.75", "0.85"), ("0", "0.8"), ("0.80", "1"), ("95", "100"), (None, "0.8"), ("0.8", None))
_probabilities = st.one_of(
    st.sampled_from([text for text in NUMBERS if float(text) <= 100]).map(
        lambda text: {"probabilityDecimal": Verbatim(text)}
    ),
    st.sampled_from(_RANGES).map(
        lambda ends: {
            "probabilityRange": {
                name: {"value": Verbatim(text), "unit": "%", "system": UCUM, "code": "%"}
                for name, text in zip(("low", "high"), ends, strict=True)
                if text
            }
        }
    ),
)
_predictions = _with(
    st.one_of(_probabilities, whole(qualitativeRisk=concepts), whole(outcome=concepts, rationale=texts)), kinds
)


def _and(resources: Values, more: Values) -> Values:
    """Resources with what ``more`` gives beside."""
    return st.builds(lambda resource, given: resource | given, resources, more)


def _kind(name: str, extension: Values, required: dict[str, Values], optional: dict[str, Values]) -> Values:
    """Resources of one type, most with extensions; every type has the optional elements at the end."""
    shared = {"meta": metas, "identifier": some(identifiers), "text": narratives, "note": some(notes)}
    plain = st.fixed_dictionaries({"resourceType": st.just(name)} | required, optional=optional | shared)
    return _and(plain, st.one_of(whole(extension=extension), whole(extension=extension), st.just({})))


def _containing(resources: Values, refer: Values) -> Values:
    """Resources of which some contain a goal, to which ``refer`` makes a reference of theirs."""

    def put(resource: Resource, goal: Resource | None) -> Resource:
        return resource | ({"contained": [goal]} | refer(resource, f"#{goal['id']}") if goal else {})

    return st.builds(put, resources, st.one_of(st.none(), st.none(), _contained_goals))


care_plans = _containing(
    _kind(
        "CarePlan",
        on_plans,
        {
            "status": st.sampled_from(("draft", "active", "completed")),
            "intent": st.sampled_from(("plan", "order")),
            "subject": patients,
        },
        {
            "instantiatesCanonical": some(st.sampled_from(CANONICALS)),
            "instantiatesUri": some(st.sampled_from(ADDRESSES)),
            "basedOn": some(links("CarePlan")),
            "replaces": some(links("CarePlan"), 1),
            "partOf": some(links("CarePlan")),
            "category": some(concepts),
            "title": texts,
            "description": texts,
            "encounter": references("Encounter/1", "Encounter/2"),
            "period": periods(),
            "author": teams,
            "contributor": some(_with(teams, roles)),
            "careTeam": some(references("CareTeam/1", "CareTeam/2")),
            "addresses": some(references("Condition/1", "https://other.example.org/fhir/Condition/1")),
            "supportingInfo": some(st.one_of(links("Goal", "RiskAssessment", "CarePlan"), references("Observation/1"))),
            "goal": some(links("Goal"), 3),
            "activity": some(_activities),
        },
    ),
    lambda plan, reference: {"goal": [*plan.get("goal", ()), {"reference": reference}]},
)
goals = _and(
    _kind(
        "Goal",
        on_goals,
        {
            "lifecycleStatus": st.sampled_from(("proposed", "active", "accepted", "on-hold")),
            "description": concepts,
            "subject": patients,
        },
        {
            "category": some(concepts),
            "achievementStatus": concepts,
            "statusReason": texts,
            "expressedBy": patients.filter(lambda item: "Group" not in str(item)),
            "addresses": some(_with(st.one_of(links("RiskAssessment"), references("Condition/1")), results)),
            "target": some(st.one_of(_targets, _targets, _other_targets)),
        },
    ),
    _starts,
)
risk_assessments = _containing(
    _and(
        _kind(
            "RiskAssessment",
            on_risks,
            {"status": st.sampled_from(("final", "preliminary")), "subject": patients},
            {
                "method": concepts,
                "encounter": references("Encounter/1"),
                "condition": references("Condition/1"),
                "performer": teams.filter(lambda item: "Practitioner" in item.get("reference", "Practitioner")),
                "prediction": some(_predictions),
                "mitigation": texts,
            },
        ),
        _occurrences,
    ),
    lambda risk, reference: {
        "extension": [
            *risk.get("extension", ()),
            {
                "url": "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal",
                "valueReference": {"reference": reference},
            },
        ]
    },
)


@st.composite
def worlds(draw: st.DrawFn, most: int = len(IDS)) -> list[Resource]:
    """Lists of resources of all types with ids of their own."""
    found = []
    for resources in (care_plans, goals, risk_assessments):
        drawn = draw(st.lists(resources, min_size=6, max_size=most))
        found += [resource | {"id": number} for resource, number in zip(drawn, IDS, strict=False)]
    return found
