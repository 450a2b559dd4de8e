"""OperationOutcomes: the order of issues, the status they give, and what of a value may be told."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.json import parse
from service.fhir.outcome import MOST_SHOWN, Issue, OutcomeError, operation_outcome, quoted, shown
from service.fhir.positions import SourceText

SORTED = [
    None,
    "Bundle.entry[2].resource.status",
    "Bundle.entry[10].resource",
    "Bundle.entry[10].resource.status",
    "CarePlan",
    "CarePlan.activity",
    "CarePlan.activity[0]",
    "CarePlan.activity[0].detail",
    "CarePlan.activity[1]",
    "CarePlan.activity[9].detail",
    "CarePlan.activity[10].detail",
    "CarePlan.activityX",
    "CarePlan.extension[0].value.ofType(code)",
    "CarePlan.extension[0].value.ofType(string)",
    "CarePlan.status",
    "http.If-Match",
]


@given(st.permutations(SORTED))
def test_issues_are_sorted_by_place_with_numbers_as_numbers(places: list[str | None]) -> None:
    outcome = operation_outcome(Issue("format", "Wrong", place) for place in places)
    assert [issue.get("expression", [None])[0] for issue in outcome["issue"]] == SORTED


def test_at_one_place_errors_go_before_warnings() -> None:
    kinds = [("rcp-3", "warning"), ("rcp-2", "error"), ("rcp-1", "warning")]
    outcome = operation_outcome(Issue(rule, "Wrong", "CarePlan", severity) for rule, severity in kinds)  # type: ignore[arg-type]
    assert [issue["details"]["coding"][0]["code"] for issue in outcome["issue"]] == ["rcp-2", "rcp-1", "rcp-3"]


@given(st.lists(st.text("aB.[]()0159", max_size=12)))
def test_any_expressions_can_be_sorted_and_looked_for(places: list[str]) -> None:
    issues = [Issue("format", "Wrong", place) for place in places]
    outcome = operation_outcome(issues, SourceText(b'{"a": [{"B": 1}]}'))
    assert len(outcome["issue"]) == len(places)


def test_of_a_great_many_the_first_by_place_are_told() -> None:
    issues = [Issue("format", "Wrong", f"Goal.note[{number}]") for number in reversed(range(MOST_SHOWN + 50))]
    *told, last = operation_outcome(issues)["issue"]
    assert [issue["expression"][0] for issue in told] == [f"Goal.note[{number}]" for number in range(MOST_SHOWN)]
    assert last["severity"] == "information"


def test_no_warning_takes_the_place_of_an_error() -> None:
    warnings = [Issue("dom-6", "Might be better", f"Goal.note[{number}]", "warning") for number in range(MOST_SHOWN)]
    *told, last = operation_outcome([*warnings, Issue("format", "Wrong", "Goal.target")])["issue"]
    assert [issue["severity"] for issue in told] == ["warning"] * (MOST_SHOWN - 1) + ["error"]
    assert last["severity"] == "information"


@pytest.mark.parametrize(
    ("issues", "status"),
    [
        ([("cardinality", "error")], 422),
        ([("cardinality", "error"), ("format", "error")], 400),
        ([("format", "warning"), ("cardinality", "error")], 422),
        ([("dom-6", "warning"), ("unknown-resource", "error")], 404),
        ([("some-1", "error")], 422),
    ],
)
def test_warnings_play_no_role_for_the_status(issues: list[tuple[str, str]], status: int) -> None:
    error = OutcomeError(*(Issue(rule, "Wrong", None, severity) for rule, severity in issues))  # type: ignore[arg-type]
    assert error.status == status


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("banana", "'banana'"),
        ("2026-13-01", "'2026-13-01'"),
        ("x" * 64, f"'{'x' * 64}'"),
        ("x" * 65, "a text of 65 characters"),
        ("two words", "a text of 9 characters"),
        ("Ximena", "a text of 6 characters"),
        ("é", "a text of 1 character"),
        ("a\n", "a text of 2 characters"),
        ("", "an empty text"),
        (5, "5"),
        (parse(b"0.80"), "0.80"),
        (parse(b"1e400"), "1e400"),
        (parse(b"1" + b"0" * 99), "a number of 100 digits"),
        (Decimal("1.5"), "1.5"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ({"a": 1}, "an object"),
        (["a"], "a list"),
    ],
)
def test_only_short_words_and_numbers_are_told_back(value: object, told: str) -> None:
    assert quoted(value) == told


@given(st.text())
def test_a_name_that_is_told_back_is_plain_and_short(name: str) -> None:
    assert shown(name).isascii()
    assert shown(name).isprintable()
    assert len(shown(name)) <= 128 * len(r"\U00000000")
