"""The invalid examples give the issues that their index states, and no others; the unusual ones are accepted."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.fhir.json import parse
from service.fhir.outcome import RULES, Issue, OutcomeError
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from tests.support.corpus import INVALID, UNUSUAL, Example
from tests.support.recovery import assessment, coded, extension, goal, own, plan, predicted
from tests.support.resources import care_plan, without
from tests.support.samples import EXAMPLES

DEFINITIONS = Definitions(R4)
VALIDATOR = Validator(
    DEFINITIONS, Structures(DEFINITIONS), Terminology(DEFINITIONS), Addresses(frozenset()).same_reference
)
EVERY = [*INVALID, *UNUSUAL]
RECOVERY_RULES = json.loads((Path(__file__).parent / "invariants.json").read_bytes())


def found(text: bytes) -> list[Issue]:
    try:
        return VALIDATOR.issues(parse(text))
    except OutcomeError as error:
        return list(error.issues)


@pytest.mark.parametrize("example", EVERY, ids=[example.name for example in EVERY])
def test_an_example_gives_the_issues_that_its_index_states_and_no_others(example: Example) -> None:
    issues = [(issue.severity, issue.rule, issue.expression) for issue in found(example.text)]
    assert Counter(issues) == Counter([] if example.needs_samples else example.issues)


def test_an_invalid_example_breaks_a_rule_and_an_unusual_one_no_more_than_warns() -> None:
    assert [example.name for example in INVALID if not example.issues] == []
    assert {severity for example in UNUSUAL for severity, _, _ in example.issues} <= {"warning"}


@pytest.mark.parametrize("folder", ["invalid", "valid/unusual"])
def test_every_file_is_in_the_index(folder: str) -> None:
    index = json.loads((EXAMPLES / folder / "index.json").read_bytes())
    files = {file.name for file in (EXAMPLES / folder).glob("*.json")} - {"index.json"}
    assert files == index.keys()
    assert all(len(row["about"].split()) > 3 for row in index.values())


def test_every_recovery_rule_has_an_example_of_each_type_that_it_is_about() -> None:
    shown = {
        (example.resource["resourceType"], rule)
        for example in INVALID
        if example.is_readable
        for _, rule, _ in example.issues
    }
    assert {(rule["base"], rule["key"]) for rule in RECOVERY_RULES} <= shown


def test_the_severity_is_the_one_that_was_agreed_and_the_file_is_named_by_the_rule() -> None:
    agreed = {rule["key"]: rule["severity"] for rule in RECOVERY_RULES}
    for example in INVALID:
        assert example.name.startswith(f"{example.issues[0][1]}-")
        for severity, rule, _ in example.issues:
            assert rule in RULES
            assert severity == agreed.get(rule, severity)


def test_the_people_are_invented() -> None:
    for example in EVERY:
        text = example.text.decode()
        assert [name for name in re.findall(r'"reference": "(?:Patient|Practitioner|RelatedPerson)/([^"]*)', text)
                if not name.startswith("example-")] == []  # fmt: skip


# HL7's validator knows the profiles only, and refuses these; the service takes them, for the reason that stands here.
IDENTIFIER = {"identifier": {"system": "https://example.org/person-number", "value": "INVENTED-1"}}
ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
TAKEN = {
    "a wrong plan is withdrawn": plan(
        status="entered-in-error",
        category=None,
        period=None,
        contributor=None,
        extension=[
            extension(own("agreement"), valueReference_party=IDENTIFIER, valueCode_status="disagree"),
            extension(own("stipulation"), valueString_text="No visitors", valueCode_standing="imposed"),
        ],
    ),
    "a wrong goal is withdrawn": goal(
        lifecycleStatus="entered-in-error",
        category=[coded("goal-orientation", "personal"), coded("goal-orientation", "obligation")],
        expressedBy=None,
    ),
    "a wrong assessment is withdrawn": assessment(
        status="entered-in-error",
        code=None,
        extension=[extension(own("decision"), valueCode_outcome="prevented", valueCode_decided_by="service")],
        prediction=[{"outcome": {"text": "x"}}, predicted("harm", "y")],
    ),
    "the person is known by an identifier alone": plan(
        subject=IDENTIFIER,
        contributor=[IDENTIFIER],
        extension=[
            extension(own("agreement"), valueReference_party=IDENTIFIER, valueCode_status="agree"),
            {"url": own("next-review"), "valueDate": "2027-02-01"},
        ],
        note=[{"authorReference": IDENTIFIER, "text": "I want my mornings back."}],
    ),
    "nobody knows the status": {**without(care_plan(), "status"), "_status": ABSENT},
    "a period ends in the month in which it starts": care_plan(period={"start": "2026-11-20", "end": "2026-11"}),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_only_the_service_can_tell_to_be_right_is_accepted(case: str) -> None:
    assert VALIDATOR.issues(TAKEN[case]) == []
