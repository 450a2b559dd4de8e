"""What one patch may ask of the service."""

from service.fhir.outcome import Issue, OutcomeError

MOST_OPERATIONS = 1_000
"""In one patch; each takes the longer the larger the resource is."""


def demand_few(operations: int) -> None:
    """Raise OutcomeError 422 where there are too many operations in a patch."""
    if operations > MOST_OPERATIONS:
        sentence = f"A patch has at most {MOST_OPERATIONS} operations here, and this has {operations}"
        raise OutcomeError(Issue("patch-operation", sentence))
