"""A patch takes no more than its share of the service."""

import time

import pytest

from service.fhir.outcome import OutcomeError
from service.patch import limits
from service.patch.json_patch import json_patched
from service.patch.limits import MOST_OPERATIONS, Effort


def test_too_many_operations_are_refused_before_any_is_done():
    operations = [{"op": "test", "path": "/a", "value": 1}] * (MOST_OPERATIONS + 1)
    with pytest.raises(OutcomeError) as caught:
        json_patched({"a": 1}, operations)
    assert (caught.value.status, str(MOST_OPERATIONS) in caught.value.issues[0].diagnostics) == (422, True)
    assert json_patched({"a": 1}, operations[1:]) == {"a": 1}


def test_work_that_takes_too_long_ends(monkeypatch):
    effort = Effort(1)
    effort.demand_time_left()
    later = time.thread_time() + limits.MOST_SECONDS + 1
    monkeypatch.setattr(limits.time, "thread_time", lambda: later)
    with pytest.raises(OutcomeError) as caught:
        effort.demand_time_left()
    assert caught.value.status == 422
