"""Small resources and queries over few values, so that what is generated meets often."""

from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

BASE = "https://recovery.example.org/fhir/R4"
CANONICAL = "https://w3id.org/recovery-plan/StructureDefinition"
SYSTEMS = ("http://codes.example.org/one", "http://codes.example.org/two,three", None)
CODES = ("a", "b", "A", "a|b", "a,b", "a\\b", "$1", "é")
DAYS = ("2023", "2024", "2024-02", "2024-02-29", "2024-03-01", "2023-12-31", "2024-12")
MOMENTS = (
    "2024-02-29T23:30:00Z",
    "2024-02-29T23:30:00.5Z",
    "2024-02-29T23:30:00.500Z",
    "2024-02-29T23:30:00.123456Z",
    "2024-03-01T01:30:00+02:00",
    "2024-02-29T18:30:59-05:00",
)
QUERY_MOMENTS = (*MOMENTS, "2024-02-29T23:30", "2024-02-29T23:30:00", "2024-03-01T00:00Z", "2024-02-29T23:30+01:00")
NUMBERS = (
    "0",
    "0.0",
    "0.8",
    "0.80",
    "0.75",
    "0.85",
    "0.849999",
    "1",
    "1.0",
    "100",
    "99.5",
    "95",
    "104.9",
    "1e2",
    "1.5e1",
)
PERCENTAGES = [text for text in NUMBERS if float(text) <= 100]
NUMBERS_ASKED = (*NUMBERS, "0.5", "1E2", "-1", "1e-1", "10e1", "0.7500", "105", "100.5")
PATIENTS = (
    "Patient/1",
    "Patient/2",
    "Group/1",
    f"{BASE}/Patient/1",
    "https://other.example.org/fhir/Patient/1",
    "Patient/1/_history/2",
    "https://other.example.org/fhir/Patient/1/_history/2",
    "urn:uuid:6f1b1e2c-0000-4000-8000-000000000001",
)
PARTIES = ("Patient/1", "Patient/2", f"{BASE}/Patient/1")
TEAMS = ("CareTeam/1", "Practitioner/1", "Patient/1", f"{BASE}/Practitioner/1", "Practitioner/2/_history/1")
REFERENCES_ASKED = (*PATIENTS, *TEAMS, "1", "2", "3", f"{BASE}/Group/1", "Patient/3", f"{BASE}/Patient/1/_history/9")
ADDRESSES = (
    "http://a.example.org/x",
    "http://a.example.org/x/",
    "http://a.example.org/x,y",
    "urn:oid:1.2.3",
    "HTTP://a.example.org/x",
)
CANONICALS = (
    "http://a.example.org/PlanDefinition/x",
    "http://a.example.org/PlanDefinition/x|1",
    "http://a.example.org/PlanDefinition/x|2",
    f"{BASE}/PlanDefinition/x|2",
)
CANONICALS_ASKED = (*CANONICALS, f"{BASE}/PlanDefinition/x", "http://a.example.org/PlanDefinition/x|3")

Resource = dict[str, Any]


def _some(values: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=most)


def _object(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects with any of the members, and at least one."""
    return st.fixed_dictionaries({}, optional=members).filter(bool)


codings = _object(system=st.sampled_from([item for item in SYSTEMS if item]), code=st.sampled_from(CODES))
concepts = st.one_of(st.fixed_dictionaries({"coding": _some(codings)}), st.just({"text": "only words"}))
identifiers = _object(system=st.sampled_from([item for item in SYSTEMS if item]), value=st.sampled_from(CODES))
date_times = st.sampled_from((*DAYS, *MOMENTS))
patients = st.fixed_dictionaries({"reference": st.sampled_from(PATIENTS)})
teams = st.one_of(
    st.fixed_dictionaries({"reference": st.sampled_from(TEAMS)}),
    st.just({"identifier": {"system": "http://staff.example.org", "value": "7"}}),
)


@st.composite
def periods(draw: st.DrawFn) -> Resource:
    """Periods of which an end may be open."""
    pairs = (("2023", "2024"), ("2023-12-31", "2024-02"), ("2024-02-29", "2024-02-29"), (MOMENTS[0], MOMENTS[4]))
    start, end = draw(st.sampled_from(pairs))
    return draw(st.sampled_from(({"start": start, "end": end}, {"start": start}, {"end": end})))


timings = st.one_of(
    st.fixed_dictionaries({"event": _some(date_times)}),
    st.fixed_dictionaries({"repeat": st.fixed_dictionaries({"boundsPeriod": periods()})}),
    st.just({"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}),
)
activities = st.fixed_dictionaries(
    {
        "detail": st.one_of(
            st.fixed_dictionaries({"status": st.just("scheduled"), "scheduledPeriod": periods()}),
            st.fixed_dictionaries({"status": st.just("scheduled"), "scheduledTiming": timings}),
            st.just({"status": "scheduled", "scheduledString": "every other day"}),
            st.fixed_dictionaries({"status": st.just("scheduled"), "performer": _some(teams), "code": concepts}),
        )
    }
)


def _meta() -> st.SearchStrategy[Any]:
    return _object(
        profile=_some(st.sampled_from(ADDRESSES)),
        tag=_some(codings),
        security=_some(codings),
        source=st.sampled_from(ADDRESSES),
    )


def _agreement(status: str, party: str) -> Resource:
    parts = [{"url": "party", "valueReference": {"reference": party}}, {"url": "status", "valueCode": status}]
    return {"url": f"{CANONICAL}/agreement", "extension": parts}


_extensions = _some(
    st.one_of(
        st.builds(_agreement, st.sampled_from(("agree", "disagree")), st.sampled_from(PARTIES)),
        st.sampled_from(DAYS[3:6]).map(lambda day: {"url": f"{CANONICAL}/next-review", "valueDate": day}),
        concepts.map(lambda concept: {"url": f"{CANONICAL}/strength", "valueCodeableConcept": concept}),
    )
)

care_plans = st.fixed_dictionaries(
    {
        "resourceType": st.just("CarePlan"),
        "status": st.sampled_from(("draft", "active")),
        "intent": st.just("plan"),
        "subject": patients,
    },
    optional={
        "meta": _meta(),
        "extension": _extensions,
        "identifier": _some(identifiers),
        "instantiatesCanonical": _some(st.sampled_from(CANONICALS)),
        "instantiatesUri": _some(st.sampled_from(ADDRESSES)),
        "category": _some(concepts),
        "period": periods(),
        "author": teams,
        "contributor": _some(teams),
        "activity": _some(activities),
    },
)
_targets = (
    st.fixed_dictionaries(
        {},
        optional={
            "dueDate": st.sampled_from(DAYS),
            "detailString": st.just("enough"),
            "measure": concepts,
        },
    )
    .filter(bool)
    .map(lambda target: target | ({"measure": {"text": "what"}} if "detailString" in target else {}))
)
goals = st.fixed_dictionaries(
    {
        "resourceType": st.just("Goal"),
        "lifecycleStatus": st.sampled_from(("proposed", "active")),
        "description": concepts,
        "subject": patients,
    },
    optional={
        "meta": _meta(),
        "startDate": st.sampled_from(DAYS),
        "category": _some(concepts),
        "achievementStatus": concepts,
        "expressedBy": patients.filter(lambda item: "Group" not in item["reference"]),
        "target": _some(_targets),
    },
)


class Verbatim(float):
    """A number that is sent in the digits it was given in."""

    text: str

    def __new__(cls, text: str) -> "Verbatim":
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __repr__(self) -> str:
        return self.text


_PERCENT = {"unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
_ranges = st.sampled_from(
    (("0.75", "0.85"), ("0", "0.8"), ("0.80", "1"), ("95", "100"), (None, "0.8"), ("0.8", None))
).map(
    lambda ends: {
        name: {"value": Verbatim(text), **_PERCENT} for name, text in zip(("low", "high"), ends, strict=True) if text
    }
)
predictions = st.one_of(
    st.sampled_from([text for text in NUMBERS if float(text) <= 100]).map(
        lambda text: {"probabilityDecimal": Verbatim(text)}
    ),
    _ranges.map(lambda item: {"probabilityRange": item}),
    concepts.map(lambda concept: {"qualitativeRisk": concept}),
)
risk_assessments = st.fixed_dictionaries(
    {"resourceType": st.just("RiskAssessment"), "status": st.just("final"), "subject": patients},
    optional={
        "meta": _meta(),
        "occurrenceDateTime": date_times,
        "identifier": _some(identifiers),
        "method": concepts,
        "performer": teams.filter(lambda item: "Practitioner" in item.get("reference", "Practitioner")),
        "prediction": _some(predictions),
        "extension": _extensions,
    },
)
resources = {"CarePlan": care_plans, "Goal": goals, "RiskAssessment": risk_assessments}


def escaped(text: str) -> str:
    """Return ``text`` with a backslash before what separates in a query."""
    return "".join(f"\\{letter}" if letter in "\\,|$" else letter for letter in text)


@st.composite
def tokens(draw: st.DrawFn) -> str:
    """Values in every form of a token."""
    system, code = draw(st.sampled_from(SYSTEMS)), escaped(draw(st.sampled_from((*CODES, "draft", "active", "agree"))))
    own = draw(st.sampled_from(("http://hl7.org/fhir/request-status", "http://hl7.org/fhir/goal-status", system)))
    named = escaped(own or SYSTEMS[0])
    return draw(st.sampled_from((code, f"{named}|{code}", f"|{code}", f"{named}|")))


_prefix = st.sampled_from(("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"))
dates = st.builds(str.__add__, _prefix, st.sampled_from((*DAYS, *QUERY_MOMENTS)))
numbers = st.builds(str.__add__, _prefix, st.sampled_from(NUMBERS_ASKED))
references = st.sampled_from(REFERENCES_ASKED).map(escaped)
addresses = st.sampled_from(ADDRESSES).map(escaped)
canonicals = st.sampled_from(CANONICALS_ASKED)

_COMMON = {"_tag": tokens(), "_security": tokens(), "_profile": addresses, "_source": addresses}
values = {
    "CarePlan": _COMMON
    | {
        "status": tokens(),
        "identifier": tokens(),
        "category": tokens(),
        "strength": tokens(),
        "person-agreement": tokens(),
        "activity-code": tokens(),
        "subject": references,
        "patient": references,
        "custodian": references,
        "contributor": references,
        "performer": references,
        "agreement-party": references,
        "instantiates-canonical": canonicals,
        "instantiates-uri": addresses,
        "date": dates,
        "activity-date": dates,
        "next-review": dates,
    },
    "Goal": _COMMON
    | {
        "lifecycle-status": tokens(),
        "description": tokens(),
        "category": tokens(),
        "achievement-status": tokens(),
        "patient": references,
        "expressed-by": references,
        "start-date": dates,
        "target-date": dates,
    },
    "RiskAssessment": _COMMON
    | {
        "identifier": tokens(),
        "method": tokens(),
        "risk": tokens(),
        "subject": references,
        "performer": references,
        "person-agreement": tokens(),
        "date": dates,
        "next-review": dates,
        "probability": numbers,
    },
}


@st.composite
def criteria(draw: st.DrawFn, resource_type: str) -> str:
    """Queries with one to three parameters, each with one or two values."""
    parts = []
    for code in draw(_some(st.sampled_from(sorted(values[resource_type])), 3)):
        alternatives = draw(_some(values[resource_type][code]))
        parts.append(f"{code}={quote(','.join(alternatives), safe='/:|')}")
    return "&".join(parts)


@st.composite
def orders(draw: st.DrawFn, resource_type: str) -> str:
    """Values of ``_sort``."""
    codes = st.sampled_from([*sorted(values[resource_type]), "_id"])
    chosen = draw(st.lists(codes, min_size=1, max_size=3))
    return ",".join(draw(st.sampled_from(("", "-"))) + code for code in chosen)
