"""Every element of the samples, changed in every way: what is wrong is told by its rule and place; nothing crashes."""

from collections import Counter
from collections.abc import Iterator

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.fhir.outcome import RULES, Issue
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from tests.support.places import stands
from tests.support.recovery_mutations import Mutant, elements, mutants

DEFINITIONS = Definitions(R4)
VALIDATOR = Validator(
    DEFINITIONS, Structures(DEFINITIONS), Terminology(DEFINITIONS), Addresses(frozenset()).same_reference
)


def all_mutants() -> Iterator[Mutant]:
    for resource, path in elements():
        yield from mutants(resource, path)


def test_each_change_gives_the_issue_that_it_has_to_give_and_each_issue_can_be_acted_on() -> None:
    kinds, wrong = Counter[str](), []
    for mutant in all_mutants():
        kinds[mutant.kind] += 1
        issues = VALIDATOR.issues(mutant.resource)
        wrong += [(mutant.kind, mutant.place, reason) for reason in faults(mutant, issues)]
    assert wrong == []
    assert sum(kinds.values()) > 8_000
    assert len(kinds) > 25


def faults(mutant: Mutant, issues: list[Issue]) -> Iterator[str]:
    """Yield what is wrong with ``issues``, which were found in ``mutant``."""
    found = {(issue.rule, issue.expression) for issue in issues}
    if mutant.wanted == {("", "")}:
        if not any(issue.is_error for issue in issues):
            yield "accepted"
    elif mutant.wanted is not None and (found != mutant.wanted if mutant.is_all else not found >= mutant.wanted):
        yield f"{sorted(mutant.wanted)} and not {sorted(found)}"
    for issue in issues:
        if issue.rule not in RULES or issue.severity not in ("error", "warning"):
            yield f"unknown: {issue}"
        if len(issue.diagnostics.split()) < 4:
            yield f"no sentence: {issue}"
        if not issue.expression or not stands(mutant.resource, issue.expression):
            yield f"nowhere: {issue}"
