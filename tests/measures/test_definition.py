"""What is written in the Measure is what is carried out; what cannot be carried out is told in one line."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import zip_longest
from typing import Any

import pytest

from service.conformance.fhirpath.collection import Scope
from service.reporting.measures.evaluation import evaluate
from service.reporting.measures.facts import KINDS_OF_CASE, LINKS
from service.reporting.measures.results import POPULATIONS, Members, Results
from tests.measures.support import DEFINITIONS, MONTH, URL, audit, flat, states
from tests.measures.traits import Drawn
from tests.measures.written import Json, Writer

MEASURE = DEFINITIONS.get(URL)
RESOURCES = list(Writer(9).resources(Drawn(9, people=120)))
TRUTHS = {fact.name for facts in audit().compiled(MONTH).facts.values() for fact in facts if fact.is_truth}
INDICATORS = DEFINITIONS.get("https://w3id.org/recovery-plan/CodeSystem/audit-indicator")["concept"]


def mutants(expression: str) -> Iterator[str]:
    """Yield the expression with one code, number or fact changed, each in turn."""
    for found in re.finditer(r"'[a-z-]+'|`[a-z0-9-]+`|\b[0-9]\b|\b[a-zA-Z]+\b(?!\()", expression):
        text = found.group()
        if text[0] == "'":
            changed = "'another'"
        elif text[0] == "`":
            changed = f"{text[:-2]}{int(text[-2]) % 6 + 1}`"  # the dimension after this one
        elif text.isdigit():
            changed = "1"
        elif text in TRUTHS:
            changed = f"{text}.not()"
        else:
            continue
        yield expression[: found.start()] + changed + expression[found.end() :]


def of_group(results: Results, code: str) -> list[tuple[int, Members]]:
    return [(results.count(code, population), results.who(code, population)) for population in POPULATIONS]


@pytest.mark.parametrize("number", range(len(POPULATIONS)), ids=POPULATIONS)
async def test_whatever_is_changed_in_a_criterion_changes_what_is_counted(number: int) -> None:
    """Groups do not depend on each other, so one criterion of each is changed at a time."""
    before = await evaluate(audit(), MONTH, states(RESOURCES))
    criteria = [group["population"][number]["criteria"]["expression"] for group in MEASURE["group"]]
    tried = 0
    for changed in zip_longest(*map(mutants, criteria)):
        measure = deepcopy(MEASURE)
        for group, expression in zip(measure["group"], changed, strict=True):
            if expression is not None:
                group["population"][number]["criteria"]["expression"] = expression
        after = await evaluate(audit(measure), MONTH, states(RESOURCES))
        for indicator, expression in zip(audit().indicators, changed, strict=True):
            tried += expression is not None
            same = of_group(after, indicator.code) == of_group(before, indicator.code)
            assert same is (expression is None), f"{indicator.code}: {expression}"
    assert tried > len(criteria)


def test_every_fact_is_asked_for_and_is_not_always_the_same() -> None:
    expressions = " ".join(
        item["criteria"]["expression"]
        for group in MEASURE["group"]
        for item in (*group["population"], *group["stratifier"])
    )
    for kind, facts in audit().compiled(MONTH).facts.items():
        of_kind = [resource for resource in RESOURCES if resource["resourceType"] == KINDS_OF_CASE[kind]]
        for fact in facts:
            assert fact.name in LINKS[kind] or re.search(rf"\b{fact.name}\b", expressions), f"{kind}.{fact.name}"
            values = {fact.read(resource, Scope(resource, resource, shared={})) for resource in of_kind}
            assert len(values) > 1, f"{kind}.{fact.name} is always {values}"


def test_each_indicator_says_what_it_means_and_which_way_is_better() -> None:
    directions = {
        item["code"]: next((each["valueCoding"]["code"] for each in item.get("property", ())), None)
        for item in INDICATORS
    }
    found = audit().indicators
    assert {each.code: each.direction for each in found} == directions
    assert {each.code: each.title for each in found} == {item["code"]: item["display"] for item in INDICATORS}
    ends = {"increase": "More is better.", "decrease": "Less is better."}
    for each in found:
        assert each.stratifiers == ("custodian", "care-setting", "dual-diagnosis", "legal-status")
        if each.direction:
            assert each.description.endswith(ends[each.direction])
        else:
            assert "For information" in each.description
            assert not each.description.endswith(tuple(ends.values()))


def changed(change: Callable[[Json], Any]) -> Json:
    measure = deepcopy(MEASURE)
    change(measure)
    return measure


def criterion(text: str, group: int = 0) -> Callable[[Json], Any]:
    return lambda measure: measure["group"][group]["population"][2]["criteria"].update(expression=text)


def variable(text: str, place: int = 0, **members: str) -> Callable[[Json], Any]:
    return lambda measure: measure["extension"][place]["valueExpression"].update(expression=text, **members)


def without_variable(name: str) -> Callable[[Json], Any]:
    def leave_out(measure: Json) -> None:
        measure["extension"] = [item for item in measure["extension"] if item["valueExpression"]["name"] != name]

    return leave_out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (criterion("plan.anser = 'agree'"), "M1: There is no element anser below"),
        (criterion("plan.answer = "), "M1: 'plan.answer = ' ends too early"),
        (criterion("plan.goals.frobnicate()", 8), "M4: The function frobnicate() is not supported"),
        (criterion("plan.answer = %nobody"), "M1: There is no %nobody"),
        (variable("status = 'active' and"), "plan.active: "),
        (variable("statuss = 'active'"), "plan.active: There is no element statuss below CarePlan"),
        (variable("category"), "plan.active: it gives neither true or false, nor texts, nor References"),
        (variable("status"), "plan.active has to be true or false"),
        (variable("true", 1, name="plan.active"), "there are two variables plan.active"),
        (variable("true", name="plans.active"), "the name of a variable is plan, goal, assessment and after a dot"),
        (variable("true", language="text/cql"), "the language of an expression is text/fhirpath, not 'text/cql'"),
        (without_variable("plan.goals"), "the variable plan.goals is missing"),
        (without_variable("goal.chime"), "M9: There is no element chime below"),
        (lambda measure: measure.pop("group"), "it needs groups"),
        (lambda measure: measure["group"].append(measure["group"][0]), "each of them a code that no other has"),
        (lambda measure: measure["group"][3].pop("code"), "needs a code with a coding"),
        (lambda measure: measure["group"][0]["population"].reverse(), "M1: its populations are numerator, denominator"),
    ],
)
def test_what_cannot_be_carried_out_is_told_in_one_line(change: Callable[[Json], Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        audit(changed(change))
    assert str(caught.value).startswith(URL)
    assert "\n" not in str(caught.value)


async def test_a_figure_is_traced_to_what_was_counted() -> None:
    results = await evaluate(audit(), MONTH, states(RESOURCES), traced=True)
    plain = await evaluate(audit(), MONTH, states(RESOURCES))
    assert flat(results) == flat(plain)
    assert not any(plain.counted.values())
    whole = {"M15", "M15-legal", "M16", "M19", "M24"}  # of which a resource has several
    for (indicator, population), references in results.counted.items():
        count = results.count(indicator, population)
        assert references == sorted(set(references))
        assert len(references) <= count if indicator in whole else len(references) == count
    assert {name.partition("/")[0] for name in results.counted["M19", "numerator"]} == {
        "CarePlan",
        "Goal",
        "RiskAssessment",
    }
