"""What there is to be said of an export, as OperationOutcomes: the file that a manifest lists under ``error``."""

from service.fhir import json
from service.fhir.outcome import operation_outcome, success_outcome
from service.interactions.bulk.export import Export

_REDACTED = (
    "This client is not cleared for every security label; whatever it may not see is left out, and whether there is "
    "any is not told"
)


def messages(export: Export) -> list[bytes]:
    """Return OperationOutcomes: of each thing that was asked for in vain, and of what holds for all that is given."""
    outcomes = [operation_outcome([issue]) for issue in export.ignored]
    if export.is_redacted:
        outcomes.append(success_outcome(_REDACTED))
    return [json.dump(outcome) for outcome in outcomes]
