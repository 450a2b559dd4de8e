"""Our 14 extensions have the names, contexts, cardinalities, parts and bindings that were agreed for them."""

from collections.abc import Iterator

import pytest

from tests.support.snapshots import HL7, R4, Definition, Element, read

CANONICAL = "https://w3id.org/recovery-plan"
PARTIES = "Patient, RelatedPerson, Practitioner, PractitionerRole, CareTeam, Organization"
# Where it may stand and how often; then its value, or its parts with theirs.
AGREED = {
    "agreement": [
        "CarePlan; RiskAssessment 0..*",
        f"party 1..1 Reference({PARTIES})",
        "status 1..1 code required agreement-status",
        "date 0..1 date",
        "comment 0..1 string",
    ],
    "contributor": ["RiskAssessment 0..*", f"1..1 Reference({PARTIES})"],
    "contributor-role": [
        f"CarePlan.contributor; {CANONICAL}/StructureDefinition/contributor 0..1",
        "1..1 CodeableConcept extensible contributor-role",
    ],
    "safety-step": [
        "CarePlan 0..*",
        "part 1..1 CodeableConcept extensible safety-part",
        "text 1..1 string",
        f"helper 0..* Reference({PARTIES}, HealthcareService)",
    ],
    "strength": [
        "CarePlan; Goal; RiskAssessment 0..*",
        "1..1 CodeableConcept example http://hl7.org/fhir/ValueSet/protective-factor",
    ],
    "next-review": ["CarePlan; RiskAssessment 0..1", "1..1 date"],
    "learning": [
        "CarePlan; Goal; RiskAssessment 0..*",
        "kind 1..1 code required learning-kind",
        "date 0..1 date",
        "happened 1..1 string",
        "learned 0..1 string",
        "recorded-by 0..1 Reference(Patient, RelatedPerson, Practitioner, PractitionerRole)",
    ],
    "legal-basis": [
        "CarePlan; Goal; RiskAssessment 0..*",
        "instrument 1..1 CodeableConcept extensible legal-instrument",
        "authority 0..1 Reference(Organization, Practitioner)",
        "source 0..1 Reference(DocumentReference, Consent)",
        "identifier 0..1 Identifier",
        "period 0..1 Period",
    ],
    "assessment-result": [
        "Goal.addresses; CarePlan.supportingInfo; RiskAssessment.basis 0..*",
        "instrument 1..1 CodeableConcept extensible assessment-instrument",
        "rater 1..1 code required rater",
        "score 0..1 decimal",
        "date 0..1 date",
        "meaning 0..1 string",
    ],
    "prediction-kind": ["RiskAssessment.prediction 1..1", "1..1 code required prediction-kind"],
    "viewpoint": ["RiskAssessment.prediction 0..1", "1..1 code required viewpoint"],
    "decision": [
        "RiskAssessment 0..1",
        "outcome 1..1 code required decision-outcome",
        "decided-by 1..1 code required decided-by",
        "informed 0..1 boolean",
        "capacity 0..1 code required capacity",
        "rationale 0..1 string",
        "date 0..1 date",
    ],
    "support": [
        "RiskAssessment 0..*",
        f"who 0..1 Reference({PARTIES}, HealthcareService)",
        "role 0..1 CodeableConcept extensible contributor-role",
        "what 1..1 string",
    ],
    "stipulation": [
        "CarePlan; RiskAssessment 0..*",
        "text 1..1 string",
        "standing 1..1 code required stipulation-standing",
        "rationale 0..1 string",
        "review-by 0..1 date",
    ],
}


def elements(name: str) -> dict[str, Element]:
    return {element["id"]: element for element in definition(name)["snapshot"]["element"]}


def definition(name: str) -> Definition:
    return read(R4 / f"StructureDefinition-{name}.json")


def value(element: Element) -> str:
    """The one type of a value[x] and what it is bound to, as the table writes it."""
    (kind,) = element["type"]
    targets = ", ".join(url.removeprefix(HL7) for url in kind.get("targetProfile", ()))
    bound = element.get("binding")
    written = f"{kind['code']}({targets})" if targets else kind["code"]
    return (
        f"{written} {bound['strength']} {bound['valueSet'].removeprefix(CANONICAL + '/ValueSet/')}"
        if bound
        else written
    )


def described(name: str) -> Iterator[str]:
    held = elements(name)
    root = held["Extension"]
    contexts = "; ".join(context["expression"] for context in definition(name)["context"])
    yield f"{contexts} {root['min']}..{root['max']}"
    if (own := held["Extension.value[x]"])["max"] != "0":
        yield f"{own['min']}..{own['max']} {value(own)}"
    for element in held.values():
        if "sliceName" in element:
            below = held[element["id"] + ".value[x]"]
            assert (below["min"], below["max"]) == (1, "1")
            assert held[element["id"] + ".url"]["fixedUri"] == element["sliceName"]
            assert held[element["id"] + ".extension"]["max"] == "0"
            yield f"{element['sliceName']} {element['min']}..{element['max']} {value(below)}"


@pytest.mark.parametrize("name", AGREED)
def test_an_extension_is_as_agreed(name: str) -> None:
    assert list(described(name)) == AGREED[name]
    held = elements(name)
    assert held["Extension.url"]["fixedUri"] == definition(name)["url"] == f"{CANONICAL}/StructureDefinition/{name}"
    # A value or parts, never both and never neither.
    parts = any("sliceName" in element for element in held.values())
    assert (held["Extension.value[x]"]["max"], held["Extension.extension"]["max"]) == (
        ("0", "*") if parts else ("1", "0")
    )


def test_there_are_no_other_extensions_of_ours() -> None:
    held = {read(path)["id"] for path in R4.glob("StructureDefinition-*.json") if read(path)["type"] == "Extension"}
    assert held == AGREED.keys()


def test_only_the_context_in_an_extension_is_not_an_element() -> None:
    contexts = [(name, context["type"]) for name in AGREED for context in definition(name)["context"]]
    assert [name for name, kind in contexts if kind != "element"] == ["contributor-role"]
