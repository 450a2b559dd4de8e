"""How long the validation of a plan takes, beside fhir.resources reading the same plan into its model."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import orjson

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.fhir import json
from service.fhir.versions import R4

_ROUNDS = 15
_CALLS = 40


def compare_validation(plan: dict[str, Any]) -> str:
    """Return a sentence with the medians of both and their ratio, measured by turns in processor time.

    Raises ValueError where the plan is not valid, or claims no profile: then less would be checked than is claimed.
    """
    from fhir.resources.R4B.careplan import CarePlan

    body = orjson.dumps(plan)
    definitions = Definitions(R4)
    structures = Structures(definitions)
    validator = Validator(definitions, structures, Terminology(definitions))
    resource = json.parse(body)
    if validator.issues(resource) or not validator.profiles_of(resource):
        raise ValueError("The plan of the bench does not fulfil a profile of ours")
    ours, theirs = _by_turns(lambda: validator.issues(resource), lambda: CarePlan.model_validate(plan))
    return (
        f"Validation of this plan ({len(body):,} bytes) with every rule: {ours:,.0f} µs; "
        f"fhir.resources alone: {theirs:,.0f} µs; ratio {ours / theirs:.2f}"
    )


def _by_turns(*functions: Callable[[], object]) -> list[float]:
    """Return for each function the median of its microseconds a call."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(_ROUNDS):
        for function, found in zip(functions, times, strict=True):
            start = time.process_time()
            for _ in range(_CALLS):
                function()
            found.append((time.process_time() - start) / _CALLS * 1e6)
    return [median(found) for found in times]
