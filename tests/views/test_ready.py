"""The tables that the service brings, over the sample plans."""

from collections import Counter
from typing import Any

import pytest

from service.reporting.views import Column
from tests.support.derived_files import differing
from tests.support.views_page import page
from tests.views.made import Json, rows, samples, tables

NAMES = (
    *("agreements", "contributors", "goals", "learning", "plans", "predictions", "reviews_due"),
    *("risk_assessments", "safety_steps", "stipulations"),
)
OURS = "https://w3id.org/recovery-plan/StructureDefinition/"
ACCEPTANCE = "http://hl7.org/fhir/StructureDefinition/goal-acceptance"
KEYS = ["resource_key", "patient_key", "patient_reference", "version", "last_updated"]


def table(name: str) -> list[Json]:
    found = tables().named(name)
    assert found is not None
    return [row for view in found for row in rows(view, *samples())]


def of_type(*names: str) -> list[Json]:
    return [resource for resource in samples() if resource["resourceType"] in names]


def extensions(name: str, *types: str) -> list[tuple[Json, Json]]:
    """Return each extension of this name and the resource that it stands in."""
    url = name if name.startswith("http") else OURS + name
    return [
        (resource, item) for resource in of_type(*types) for item in resource.get("extension", []) if item["url"] == url
    ]


def part(extension: Json, name: str) -> Any:
    """Return the value of a part of an extension, or None."""
    found = [item for item in extension["extension"] if item["url"] == name]
    return next((value for key, value in found[0].items() if key.startswith("value")), None) if found else None


def test_they_are_those_that_are_promised() -> None:
    assert tuple(sorted(tables().names)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_row_can_be_merged_by_its_keys(name: str) -> None:
    found = table(name)
    assert found
    assert all(list(row)[:5] == KEYS for row in found)
    assert all(row[key] is not None for row in found for key in KEYS)
    unique = [tuple(row.get(key) for key in ("resource_key", "about", "position")) for row in found]
    assert max(Counter(unique).values()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_column_says_in_words_what_it_is_and_of_which_type(name: str) -> None:
    views = tables().named(name) or ()
    for view in views:
        for column in view.columns:
            assert column.description.endswith(".")
            assert column.type, column.name
            assert column.form != "any", column.name
            assert not column.is_collection
    others = [[_but_for_words(column) for column in view.columns] for view in views]
    assert others == [others[0]] * len(views)
    assert {view.definition.description for view in views} == {views[0].definition.description}


def _but_for_words(column: Column) -> tuple[str, str, str]:
    return column.name, column.form, column.description


@pytest.mark.parametrize("name", NAMES)
def test_no_column_is_null_in_every_sample_but_those_of_other_systems(name: str) -> None:
    found = table(name)
    never = {key for key in found[0] if all(row[key] is None for row in found)}
    assert never <= {
        *("part_of_key", "clinical_focus", "target_value", "target_unit", "outcome_code", "role_text", "part_text"),
        *("probability", "probability_low", "probability_high", "likelihood_text", "relative_risk", "when_start"),
        *("when_end", "rationale", "status_date", "target_due", "period_end"),
    }


def test_goals() -> None:
    found = {row["resource_key"]: row for row in table("goals")}
    assert len(found) == len(of_type("Goal"))
    row = found["Goal/sample-marlow-goal-make-a-table"]
    assert row["description"] == "I want to make a table that somebody eats their tea at. Something of mine that lasts."
    assert (row["lifecycle_status"], row["achievement_status"], row["orientation"]) == (
        "active",
        "improving",
        "personal",
    )
    assert [name for name in row if row[name] is True and name.startswith("chime")] == [
        "chime_identity",
        "chime_meaning",
    ]
    assert (row["start_date"], row["status_date"]) == ("2026-05-11", "2026-11-02")
    assert (row["expressed_by_key"], row["expressed_by_person"]) == ("Patient/example-marlow", True)
    assert (row["person_acceptance"], row["person_priority"], row["acceptances"]) == ("agree", "high-priority", 3)
    assert (row["strengths"], row["setbacks"], row["successes"], row["addresses"]) == (2, 0, 1, 1)
    assert row["has_legal_basis"] is False


def test_plans() -> None:
    row = next(row for row in table("plans") if row["resource_key"] == "CarePlan/sample-marlow-recovery-plan")
    assert (row["kind"], row["status"], row["next_review"]) == ("recovery-plan", "active", "2027-01-29")
    assert (row["person_agreement"], row["person_agreement_date"]) == ("agree", "2026-11-02")
    assert (row["agreeing"], row["disagreeing"], row["strengths"]) == (5, 0, 3)
    assert (row["stipulations"], row["stipulations_imposed"], row["has_legal_basis"]) == (3, 1, True)
    assert all(isinstance(row[name], bool) for name in ("person_contributes", "peer_support_contributes"))


def test_agreements_of_plans_goals_and_risk_assessments() -> None:
    of_others = extensions("agreement", "CarePlan", "RiskAssessment")
    of_goals = extensions(ACCEPTANCE, "Goal")
    found = table("agreements")
    assert len(found) == len(of_others) + len(of_goals)
    assert Counter(row["status"] for row in found) == Counter(part(item, "status") for _, item in of_others + of_goals)
    for row in found:
        assert row["is_person"] is (row["party_reference"] == row["patient_reference"])
    assert sorted(filter(None, (row["comment"] for row in found))) == sorted(
        filter(None, (part(item, "comment") for _, item in of_others))
    )


@pytest.mark.parametrize(
    ("name", "extension", "types", "columns"),
    [
        ("stipulations", "stipulation", ("CarePlan", "RiskAssessment"), ("text", "standing", "rationale", "review-by")),
        ("learning", "learning", ("CarePlan", "Goal", "RiskAssessment"), ("kind", "date", "happened", "learned")),
        ("safety_steps", "safety-step", ("CarePlan",), ("text",)),
    ],
)
def test_a_row_for_each_extension(name: str, extension: str, types: tuple[str, ...], columns: tuple[str, ...]) -> None:
    expected = [
        (f"{resource['resourceType']}/{resource['id']}", *(part(item, column) for column in columns))
        for resource, item in extensions(extension, *types)
    ]
    found = [(row["resource_key"], *(row[column.replace("-", "_")] for column in columns)) for row in table(name)]
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_predictions_and_contributors() -> None:
    assert len(table("predictions")) == sum(len(item.get("prediction", [])) for item in of_type("RiskAssessment"))
    of_plans = sum(len(item.get("contributor", [])) for item in of_type("CarePlan"))
    contributors = table("contributors")
    assert len(contributors) == of_plans + len(extensions("contributor", "RiskAssessment"))
    assert {row["role"] for row in contributors if row["is_person"]} == {"person"}


def test_reviews_that_are_due() -> None:
    found = table("reviews_due")
    plans = [row for row in found if row["about"] == "plan"]
    assert {row["resource_key"] for row in plans} == {
        f"CarePlan/{item['id']}" for item in of_type("CarePlan") if item["status"] == "active"
    }
    (resource, review), *_ = extensions("next-review", "CarePlan")
    row = next(row for row in plans if row["resource_key"] == f"CarePlan/{resource['id']}")
    assert (row["due"], row["standing"]) == (review["valueDate"], None)
    conditions = [row for row in found if row["about"] == "stipulation"]
    assert {(row["resource_key"], row["position"]) for row in conditions} <= {
        (row["resource_key"], row["position"]) for row in table("stipulations")
    }


def test_the_page_about_them_is_as_they_are() -> None:
    assert differing(page()) == {}, "run `python -m tests.support.views_page`"
