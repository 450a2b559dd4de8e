"""What the audit says of the sample plans reads right to somebody who has read them."""

import json
from typing import Any

import pytest

from service.reporting.measures.evaluation import evaluate
from service.reporting.measures.results import POPULATIONS, Results, Stratum
from tests.measures.support import MONTH, audit, states
from tests.support.samples import valid_example


def resources(name: str) -> list[dict[str, Any]]:
    """Return the resources of a sample transaction, under the ids that it puts them at."""
    return [
        {**entry["resource"], "id": entry["request"]["url"].rpartition("/")[2]}
        for entry in valid_example(name)["entry"]
    ]


async def said_of(name: str) -> Results:
    return await evaluate(audit(), MONTH, states(resources(name)), traced=True)


def shares(results: Results, *indicators: str) -> list[tuple[int, int]]:
    return [(results.count(each, "numerator"), results.count(each, "denominator")) for each in indicators]


async def test_robins_plan_is_robins_own() -> None:
    """Robin ends the appointeeship although the nurse would not; drinking is on the plan, and does not rule it."""
    robin = await said_of("sample-community-own-money")
    assert shares(robin, "M1", "M2-agree", "M3", "M4", "M10", "M22", "M23") == [(1, 1)] * 7
    assert shares(robin, "M7", "M18", "M2-disagree") == [(0, 1)] * 3
    assert shares(robin, "M5", "M6") == [(4, 4)] * 2
    assert robin.counted["M5", "numerator"] == [
        "Goal/sample-robin-goal-band",
        "Goal/sample-robin-goal-own-money",
        "Goal/sample-robin-goal-safer-drinking",
        "Goal/sample-robin-goal-sunday-dinner",
    ]
    assert shares(robin, "M8") == [(0, 0)]  # the goal of stopping was given up for one of safer drinking
    assert shares(robin, "M11", "M11b", "M12", "M13", "M14", "M17") == [(1, 1)] * 6
    assert shares(robin, "M15", "M16") == [(3, 3), (0, 0)]
    assert shares(robin, "M19", "M24") == [(1, 1), (1, 5)]
    assert robin.strata("dual-diagnosis") == [Stratum("dual-diagnosis", "yes")]
    assert robin.strata("custodian") == [Stratum("custodian", "CareTeam/example-harbourside-team")]
    assert list(robin.names.values()) == ["Harbourside Community Mental Health Team (example)"]


async def test_limits_in_the_secure_hospital_are_seen_for_what_they_are() -> None:
    marlow = await said_of("sample-secure-hospital")
    assert shares(marlow, "M20", "M20b", "M21") == [(2, 2), (2, 2), (2, 2)]
    assert shares(marlow, "M15", "M15-legal", "M16") == [(2, 4), (1, 5), (0, 2)]
    assert marlow.strata("care-setting") == [Stratum("care-setting", "secure")]
    plans = [marlow.count("M1", "denominator", Stratum("legal-status", value)) for value in ("yes", "no")]
    assert plans == [1, 1]  # the safety plan, which is a part of the other, names no law


@pytest.mark.parametrize("name", ["sample-setback-became-learning", "sample-community-own-money"])
async def test_a_setback_is_learned_from_and_a_plan_in_the_community_has_no_part_in_dundrum(name: str) -> None:
    found = await said_of(name)
    learned, setbacks = shares(found, "M19")[0]
    assert learned == setbacks > 0
    assert [found.count("M20", population) for population in POPULATIONS] == [1, 0, 0]
    assert json.loads(json.dumps(found.to_json())) == found.to_json()
    assert Results.from_json(found.to_json()).counts == found.counts
