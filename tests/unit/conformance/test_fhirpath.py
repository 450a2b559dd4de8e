"""The compiled FHIRPath of search parameters, held against fhirpathpy, and what it refuses."""

import json
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from service.conformance.definitions import Definitions
from service.conformance.fhirpath.paths import Branch, compile_path
from service.conformance.fhirpath.syntax import Call, Literal, Member, Operation, Variable, parse
from service.conformance.structures import Structures
from service.fhir.versions import R4
from tests.support.extraction import extract
from tests.support.matcher import listed_parameters
from tests.support.samples import EXAMPLES

_OWN = "https://w3id.org/recovery-plan/StructureDefinition"


def _agreement(status: str, party: str) -> dict[str, Any]:
    parts = [{"url": "party", "valueReference": {"reference": party}}, {"url": "status", "valueCode": status}]
    return {"url": f"{_OWN}/agreement", "extension": parts}


TYPES = ("CarePlan", "Goal", "RiskAssessment")
LISTED = [(name, code) for name in TYPES for code in listed_parameters(name)]


@cache
def structures() -> Structures:
    return Structures(Definitions(R4))


@cache
def compiled(expression: str, resource_type: str) -> list[Branch]:
    return compile_path(expression, resource_type, structures())


def values(expression: str, resource: Any) -> list[Any]:
    branches = compiled(expression, resource["resourceType"])
    return [value for branch in branches for value in branch.values(resource)]


@cache
def examples() -> list[dict[str, Any]]:
    documents = [json.loads(file.read_text(), parse_float=Decimal) for file in (EXAMPLES / "valid").glob("*.json")]
    resources = [entry["resource"] for item in documents for entry in item.get("entry", [{"resource": item}])]
    return [item for item in resources if item["resourceType"] in TYPES] + EVERYTHING


META = {
    "lastUpdated": "2026-01-01T00:00:00Z",
    "profile": ["http://p"],
    "source": "http://s",
    "tag": [{"code": "t"}],
    "security": [{"code": "R"}],
}
TIMING = {"event": ["2026-01-01"]}
SOMEONE = {"reference": "Patient/1", "type": "Patient"}
EVERYTHING: list[dict[str, Any]] = [
    {
        "resourceType": "CarePlan",
        "id": "all",
        "meta": META,
        "identifier": [{"value": "1"}],
        "status": "active",
        "instantiatesUri": ["http://u"],
        "instantiatesCanonical": ["http://c|1"],
        "subject": {"reference": "https://x.example.org/Patient/1/_history/2"},
        "encounter": {"reference": "Encounter/1"},
        "basedOn": [{"reference": "CarePlan/1"}],
        "replaces": [{"reference": "CarePlan/2"}, {"display": "words"}],
        "period": {"start": "2026"},
        "addresses": [{"reference": "Condition/1"}],
        "activity": [
            {"reference": {"reference": "Task/1"}},
            {"detail": {"status": "scheduled", "scheduledString": "now and then"}},
            {
                "detail": {
                    "status": "scheduled",
                    "scheduledTiming": TIMING,
                    "performer": [SOMEONE],
                }
            },
        ],
        "extension": [
            _agreement("agree", "Patient/1"),
            _agreement("disagree", "https://x.example.org/Patient/1/_history/2"),
            {"url": "http://unknown", "extension": [{"url": "status", "valueCode": "no"}]},
            {"url": f"{_OWN}/next-review", "valueDate": "2026-01-01"},
            {"url": f"{_OWN}/next-review", "valueDateTime": "2026-01-02"},
        ],
    },
    {
        "resourceType": "Goal",
        "id": "all",
        "meta": META,
        "identifier": [{"system": "http://i"}],
        "subject": {"reference": "urn:uuid:1", "type": "Patient"},
        "startCodeableConcept": {"text": "soon"},
        "target": [{"dueDate": "2026"}, {"dueDuration": {"value": 3}}, {"dueDate": "2027-01"}],
    },
    {
        "resourceType": "RiskAssessment",
        "id": "all",
        "meta": META,
        "identifier": [{"value": "1"}],
        "encounter": {"reference": "Encounter/1"},
        "subject": {"reference": "Group/1"},
        "occurrencePeriod": {"start": "2026"},
        "condition": {"reference": "Condition/1"},
        "prediction": [{"probabilityRange": {"low": {"value": 1}}}, {"probabilityDecimal": 1}, {"outcome": {}}],
    },
    {"resourceType": "RiskAssessment", "occurrenceDateTime": "2026", "subject": {"identifier": {"value": "1"}}},
    {"resourceType": "Goal", "subject": {"type": "Patient", "identifier": {"value": "1"}}, "startDate": "2026"},
    {"resourceType": "CarePlan"},
]


@pytest.mark.parametrize(("resource_type", "code"), LISTED)
def test_every_expression_of_ours_finds_what_fhirpathpy_finds(resource_type: str, code: str) -> None:
    expression = listed_parameters(resource_type)[code].expression
    for resource in examples():
        if resource["resourceType"] == resource_type:
            # Where a choice has several types, ours come type by type; nothing depends on their order.
            ours, theirs = values(expression, resource), extract(expression, resource)
            assert sorted(map(str, ours)) == sorted(map(str, theirs)), resource.get("id")


def test_the_examples_have_a_value_for_every_expression() -> None:
    found = {
        (resource["resourceType"], code)
        for resource in examples()
        for code, parameter in listed_parameters(resource["resourceType"]).items()
        if extract(parameter.expression, resource)
    }
    assert set(LISTED) - found == set()


def test_resources_are_not_changed() -> None:
    for resource in examples():
        before = json.dumps(resource, default=str)
        for parameter in listed_parameters(resource["resourceType"]).values():
            values(parameter.expression, resource)
        assert json.dumps(resource, default=str) == before


def test_a_null_beside_an_extension_in_a_list_is_no_value() -> None:
    plan = {"resourceType": "CarePlan", "instantiatesUri": [None, "http://u"], "_instantiatesUri": [{"id": "1"}, None]}
    assert values("CarePlan.instantiatesUri", plan) == ["http://u"]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("CarePlan.extension.where(value = 'agree').url", []),
        ("CarePlan.identifier.where(value = '1').exists()", None),
        ("CarePlan.where(instantiatesUri = 'http://u').status", ["active"]),
        ("CarePlan.where(status = 'draft').status", []),
        ("CarePlan.where(status = 'active' and identifier.exists()).status", ["active"]),
        ("CarePlan.where(status = 'active' and author.exists()).status", []),
        ("CarePlan.where(status = 'draft' or status > 'a').status", ["active"]),
        ("CarePlan.`status`", ["active"]),
        ("CarePlan.status | CarePlan.id", ["active", "all"]),
        ("(CarePlan.status | CarePlan.id)", ["active", "all"]),
        ("Goal.status | CarePlan.status", ["active"]),
    ],
)
def test_conditions_and_unions_mean_what_fhirpath_says(expression: str, found: list[Any] | None) -> None:
    plan = next(item for item in EVERYTHING if item["resourceType"] == "CarePlan")
    if found is None:
        with pytest.raises(ValueError, match="not supported"):
            compiled(expression, "CarePlan")
    else:
        assert values(expression, plan) == found


@pytest.mark.parametrize(
    ("expression", "single"),
    [
        ("CarePlan.status", True),
        ("CarePlan.period", True),
        ("CarePlan.category", False),
        ("CarePlan.activity.detail.status", False),
        ("CarePlan.subject.where(resolve() is Patient)", True),
    ],
)
def test_it_is_known_whether_there_can_be_several_values(expression: str, single: bool) -> None:
    (branch,) = compiled(expression, "CarePlan")
    assert branch.single is single


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "CarePlan.",
        "CarePlan..status",
        ".status",
        "CarePlan.status)",
        "(CarePlan.status",
        "CarePlan.where(status = 'a'",
        "CarePlan.where(status = 'a).status",
        "CarePlan.status CarePlan.id",
        "CarePlan.status |",
        "CarePlan.category[0]",
        "CarePlan.category.first()",
        "CarePlan.category.where()",
        "CarePlan.status + 'a'",
        "CarePlan.status != 'a'",
        "CarePlan.where(status > 1).status",
        "CarePlan.where(status = 1).status",
        "CarePlan.where(nothing = 'a').status",
        "CarePlan.where(status.exists('a', 'b')).status",
        "CarePlan.nothing",
        "CarePlan.status.nothing",
        "CarePlan.subject.resolve()",
        "CarePlan.subject.where(resolve() is)",
        "CarePlan.subject.where(author is Patient)",
        "CarePlan.period as date",
        "CarePlan.period.ofType()",
        "CarePlan.%resource",
        "%context.status | CarePlan.%x",
        "'CarePlan' | CarePlan.'status'",
        "CarePlan.`status",
    ],
)
def test_what_is_not_understood_is_refused_when_it_is_loaded(expression: str) -> None:
    with pytest.raises((ValueError, LookupError)):
        compiled(expression, "CarePlan")


def test_operators_bind_as_the_grammar_says() -> None:
    a, b, c = (Member(None, name) for name in "abc")
    assert parse("a | b as c") == Operation("|", a, Operation("as", b, c))
    assert parse("a = b and c") == Operation("and", Operation("=", a, b), c)
    assert parse("a and (b and c)") == Operation("and", a, Operation("and", b, c))
    assert parse("a and b and c") == Operation("and", Operation("and", a, b), c)
    assert parse("a.b(c, 'd').e") == Member(Call(a, "b", (c, Literal("d"))), "e")
    assert parse(r" %a . b = 'it\'s' ") == Operation("=", Member(Variable("a"), "b"), Literal("it's"))
    assert parse("a = true") == Operation("=", a, Literal(True))
