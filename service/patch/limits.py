"""What one patch may ask of the service, which does nothing else while it works on it."""

import time

from service.fhir.outcome import Issue, OutcomeError

MOST_OPERATIONS = 1_000
"""In one patch."""
MOST_SECONDS = 5.0
"""Of work on one patch. Only thousands of searches through a list of thousands take that long."""


class Effort:
    """The work on a patch of so many operations; raises OutcomeError 422 where these are too many."""

    def __init__(self, operations: int) -> None:
        if operations > MOST_OPERATIONS:
            sentence = f"A patch has at most {MOST_OPERATIONS} operations here, and this has {operations}"
            raise OutcomeError(Issue("patch-operation", sentence))
        self._end = time.thread_time() + MOST_SECONDS

    def demand_time_left(self) -> None:
        """Raise OutcomeError 422 where the work has taken too long."""
        if time.thread_time() > self._end:
            sentence = f"The patch takes more than {MOST_SECONDS:g} seconds; send its operations as several patches"
            raise OutcomeError(Issue("patch-operation", sentence))
