"""What the application is put together from."""

import uuid

from service.app import time_ordered_id


def test_new_ids_are_of_version_7_differ_and_grow_with_time(monkeypatch):
    made = []
    for moment in (1_000, 1_000, 2_000, 1_800_000_000_000):
        monkeypatch.setattr("time.time_ns", lambda moment=moment: moment * 1_000_000)
        made.append(uuid.UUID(time_ordered_id()))
    assert {(item.version, item.variant) for item in made} == {(7, uuid.RFC_4122)}
    assert len(set(made)) == 4
    assert max(made[:2]) < made[2] < made[3]
    assert made[3].int >> 80 == 1_800_000_000_000
