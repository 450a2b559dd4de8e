"""Elements of resources, from few values: codes, identifiers, references, dates, amounts, texts."""

from typing import Any

from hypothesis import strategies as st

BASE = "https://recovery.example.org/fhir/R4"
OWN = "https://w3id.org/recovery-plan"
OFFICIAL = "http://hl7.org/fhir/StructureDefinition"
UCUM = "http://unitsofmeasure.org"

SYSTEMS = ("http://codes.example.org/one", "http://codes.example.org/two,three")
CODES = ("a", "b", "A", "a|b", "a,b", "a\\b", "$1", "\u00e9", "e\u0301", "a b", "y" * 250)
NULL = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
CHIME = f"{OWN}/CodeSystem/chime"
# Codes of systems that are held, some of them above others, and one whose code another system has too.
HELD = (
    *((NULL, code) for code in ("NI", "UNK", "NASK", "ASKU", "NAV", "OTH")),
    *((CHIME, code) for code in ("hope", "identity")),
    (f"{OWN}/CodeSystem/plan-kind", "crisis-plan"),
    (SYSTEMS[0], "hope"),
)
LABELS = ((CONFIDENTIALITY, "N"), (CONFIDENTIALITY, "R"), (CONFIDENTIALITY, "HIV"), (SYSTEMS[0], "a"))

IDS = ("1", "2", "3", "a", "A", "b-2", "9.x", "10", "z")
DAYS = ("2023", "2024", "2024-02", "2024-02-29", "2024-03-01", "2023-12-31", "2024-12", "9999-12-31", "0001-01")
MOMENTS = (
    "2024-02-29T23:30:00Z",
    "2024-02-29T23:30:00.5Z",
    "2024-02-29T23:30:00.500Z",
    "2024-02-29T23:30:00.123456Z",
    "2024-03-01T01:30:00+02:00",
    "2024-02-29T18:30:59-05:00",
)
NUMBERS = ("0", "0.0", "0.8", "0.80", "0.75", "0.85", "0.849999", "1", "1.0", "100", "99.5", "95", "1e2", "1.5e1")
NUMBERS += ("0.8500000000000000000000000000000001", "1e-7")
AMOUNTS = ("5", "5.0", "5.4", "5.45", "5400", "0.0054", "90", "1.5", "0.5", "1", "2", "60", "3600", "-1", "50", "1e3")
PATIENTS = (
    *("Patient/1",) * 4,
    "Patient/2",
    "Patient/a",
    "Group/1",
    f"{BASE}/Patient/1",
    "https://other.example.org/fhir/Patient/1",
    "Patient/1/_history/2",
    "https://other.example.org/fhir/Patient/1/_history/2",
)
PARTIES = ("Patient/1", "Patient/2", f"{BASE}/Patient/1")
TEAMS = ("CareTeam/1", "Practitioner/1", "Patient/1", f"{BASE}/Practitioner/1", "Practitioner/2/_history/1")
ADDRESSES = (
    "http://a.example.org/x",
    "http://a.example.org/x/",
    "http://a.example.org/x/y",
    "http://a.example.org/x/y/z?q=1#f",
    "http://a.example.org/xy",
    "http://a.example.org/x,y",
    "urn:oid:1.2.3",
    "HTTP://a.example.org/x",
    f"http://a.example.org/x/{'y' * 300}",
)
PROFILES = (*ADDRESSES, "http://a.example.org/x|1", "http://a.example.org/x/y|1.2")
CANONICALS = (
    "http://a.example.org/PlanDefinition/x",
    "http://a.example.org/PlanDefinition/x|1",
    "http://a.example.org/PlanDefinition/x|1.2",
    "http://a.example.org/PlanDefinition/x|1.2.3",
    "http://a.example.org/PlanDefinition/x|12",
    f"{BASE}/PlanDefinition/x|2",
)
TEXTS = (
    "Hope",
    "hope and sea",
    "Hope, and a walk by the sea.",
    "Café au lait",
    "cafe",
    "HOPE  springs",
    "Stra\u00dfe",
    "e\u0301lan vital; hope",
    "walk",
    "Hope\u00a0and\tsea",
    "\u0130stanbul \ufb01nal \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 \U0001f600 \u00bd",
    "Zorn (not hope) * [a-z]",
    "a long walk to the sea, " * 12,
)
# Words of which no text above is made, so that narratives differ from other texts.
NARRATIVES = (
    "<p>Hope</p><p>walk</p>",
    "<p>By the <b>Sea</b></p><ul><li>caf\u00e9</li><li>morning</li></ul>",
    "<p>morning &amp; evening &lt;hope&gt;</p>",
    "<p>&#201;lan, evening.</p><!-- sea -->",
    "<p>mor<b>ni</b>ng<br/>x<span>y</span>, well-being</p><div>wa</div><div>lk</div>",
)

Resource = dict[str, Any]
Values = st.SearchStrategy[Any]


class Verbatim(float):
    """A number that is sent in the digits it was given in."""

    text: str

    def __new__(cls, text: str) -> "Verbatim":
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __repr__(self) -> str:
        return self.text


def some(values: Values, most: int = 2) -> Values:
    """Lists of one or a few."""
    return st.lists(values, min_size=1, max_size=most)


def any_of(**members: Values) -> Values:
    """Objects with any of the members, and at least one."""
    return st.fixed_dictionaries({}, optional=members).filter(bool)


def whole(**members: Values) -> Values:
    """Objects with all of the members."""
    return st.fixed_dictionaries(members)


texts = st.sampled_from(TEXTS)
days = st.sampled_from(DAYS)
date_times = st.sampled_from((*DAYS, *MOMENTS))
systems = st.sampled_from(SYSTEMS)
codes = st.sampled_from(CODES)
codings = st.one_of(
    any_of(system=systems, code=codes, display=texts),
    st.sampled_from(HELD).map(lambda pair: {"system": pair[0], "code": pair[1]}),
)
labels = st.sampled_from(LABELS).map(lambda pair: {"system": pair[0], "code": pair[1]})
concepts = st.one_of(whole(coding=some(codings)), whole(text=texts), whole(coding=some(codings), text=texts))
_identifier_types = st.one_of(
    st.sampled_from(("MR", "NH")).map(lambda code: {"coding": [{"system": IDENTIFIER_TYPES, "code": code}]}),
    whole(text=texts),
    whole(coding=some(any_of(system=systems, code=st.sampled_from(("MR", "a|b")))), text=texts),
)
identifiers = any_of(system=systems, value=codes, type=_identifier_types)
people = st.fixed_dictionaries({"identifier": identifiers}, optional={"type": st.sampled_from(("Patient", "Group"))})
_beside = st.sampled_from(({}, {}, {"display": "walk"}, {"identifier": {"system": SYSTEMS[0], "value": "a"}}))


def references(*texts_of_them: str) -> Values:
    """References with one of these texts, and sometimes a display or an identifier."""
    return st.builds(lambda text, more: {"reference": text} | more, st.sampled_from(texts_of_them), _beside)


def links(*types: str) -> Values:
    """References to resources that are held here, and to some that are not: relative, absolute, with a version."""
    forms = ("{}", "{}", "{}", f"{BASE}/{{}}", "{}/_history/1", "https://other.example.org/fhir/{}")
    return st.builds(
        lambda form, name, number, more: {"reference": form.format(f"{name}/{number}")} | more,
        st.sampled_from(forms),
        st.sampled_from(types),
        st.sampled_from(IDS),
        _beside,
    )


patients = st.one_of(references(*PATIENTS), people)
teams = st.one_of(
    references(*TEAMS), st.just({"identifier": {"system": "http://staff.example.org", "value": "7"}, "display": "x"})
)


@st.composite
def periods(draw: st.DrawFn) -> Resource:
    """Periods of which an end may be open."""
    pairs = (("2023", "2024"), ("2023-12-31", "2024-02"), ("2024-02-29", "2024-02-29"), (MOMENTS[0], MOMENTS[4]))
    start, end = draw(st.sampled_from(pairs))
    return draw(st.sampled_from(({"start": start, "end": end}, {"start": start}, {"end": end})))


timings = st.one_of(
    whole(event=some(date_times)),
    whole(repeat=whole(boundsPeriod=periods())),
    whole(event=some(date_times), repeat=whole(boundsPeriod=periods())),
    st.just({"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}),
    st.just({"repeat": {"boundsDuration": {"value": 3, "unit": "d", "system": UCUM, "code": "d"}}}),
)
_units = st.one_of(
    st.sampled_from(("mg", "g", "kg", "min", "h", "d", "%", "1")).map(lambda code: {"system": UCUM, "code": code}),
    st.sampled_from(
        (
            {"unit": "mg"},
            {"unit": "milligram", "system": UCUM, "code": "mg"},
            {"unit": "h", "system": SYSTEMS[1], "code": "a|b"},
            {"system": SYSTEMS[0], "code": "mg"},
            {},
        )
    ),
)
_comparators = st.sampled_from(({}, {}, {}, {"comparator": "<"}, {"comparator": "<="}, {"comparator": ">"}))
quantities = st.builds(
    lambda text, unit, comparator: {"value": Verbatim(text)} | unit | comparator,
    st.sampled_from(AMOUNTS),
    _units,
    st.one_of(_comparators, st.just({"comparator": ">="})),
)
notes = whole(text=texts)
metas = any_of(profile=some(st.sampled_from(PROFILES)), tag=some(codings), security=some(labels))
metas = st.one_of(metas, whole(source=st.sampled_from(ADDRESSES)))
narratives = st.sampled_from(NARRATIVES).map(
    lambda inside: {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'}
)
