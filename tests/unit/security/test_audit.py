"""Events of the audit in the two parts in which they are kept, and by what they are found."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.touched import Touched
from service.security.audit import Happened, about_others, happened_in, parts_of
from service.security.audit_split import split
from service.security.audit_terms import patients_of
from service.security.client import Client

texts = st.text(max_size=20)
optional = st.none() | texts
clients = st.builds(
    Client, optional, optional, optional, optional, optional, purposes=st.lists(texts, max_size=2).map(tuple)
)
touched = st.builds(Touched, texts, texts, st.integers(1, 9), optional, st.sampled_from("CRUD"))
events = st.builds(
    Happened,
    st.datetimes(timezones=st.just(UTC)),
    clients,
    texts,
    texts,
    texts,
    texts,
    texts | st.just("Patient/1/CarePlan"),
    texts,
    st.lists(texts, max_size=3).map(tuple),
    st.integers(100, 599),
    st.lists(texts, max_size=3).map(tuple),
    st.lists(touched, max_size=4).map(tuple),
)
EMPTY = Happened(datetime(2026, 11, 1, tzinfo=UTC), Client(), "", "", "GET", "read", "CarePlan/1", "", (), 200, (), ())


@given(events)
def test_an_event_is_read_as_it_was(event: Happened) -> None:
    parts = parts_of(event)
    assert happened_in(parts) == event
    assert b"\n" not in parts.who + parts.what
    assert not parts.what.startswith(b"~")


@given(events)
def test_what_is_about_people_is_in_the_part_that_can_be_erased(event: Happened) -> None:
    parts = parts_of(event)
    people = {each.subject for each in event.touched} | {event.client.patient}
    left = happened_in(parts._replace(what=about_others(parts.what, people | {f"Patient/{event.client.patient}"})))
    assert (left.query, left.entries, left.client.patient) == ("", (), None)
    assert {each.subject for each in left.touched} <= {None}
    assert [each[:3] for each in left.touched] == [each[:3] for each in event.touched]
    assert "Patient/" not in left.path


@given(
    st.lists(touched, max_size=3_000).map(lambda some: tuple(some * 400)), st.text(max_size=90).map(lambda t: t * 3_000)
)
def test_the_parts_of_an_event_say_all_that_it_says(versions: tuple[Touched, ...], text: str) -> None:
    event = replace(EMPTY, touched=versions, query=text, entries=(text, "GET Goal 200", text))
    parts = list(split(event))
    assert sum((part.touched for part in parts), ()) == versions
    assert "".join(part.query for part in parts) == text
    assert "".join(entry for part in parts for entry in part.entries) == "".join(event.entries)
    assert all(len(parts_of(part).what) + 600 * len(part.touched) < 1_900_000 for part in parts)


def test_an_event_is_not_split_without_need() -> None:
    event = replace(EMPTY, touched=(Touched("Goal", "1", 1, None),) * 1_000, entries=("GET Goal 200",) * 900)
    assert list(split(event)) == [event]


@pytest.mark.parametrize(
    ("path", "query", "people"),
    [
        ("CarePlan", "subject=Patient/1", {"Patient/1"}),
        ("CarePlan", "subject=Patient%2F1&_count=5", {"Patient/1"}),
        ("CarePlan", "patient=1,2%2CPatient%2F3", {"Patient/1", "Patient/2", "Patient/3"}),
        ("CarePlan", "subject%3APatient=1", {"Patient/1"}),
        ("CarePlan", "subject:Patient=1", {"Patient/1"}),
        ("Goal", "_has:CarePlan:goal:patient=1", {"Patient/1"}),
        ("Goal", "_has%3ACarePlan%3Agoal%3Apatient=1", {"Patient/1"}),
        ("RiskAssessment", "careplan.subject=1", {"Patient/1"}),
        ("CarePlan", "subject=https://example.org/fhir/Patient/1", {"Patient/1"}),
        ("Patient/1/$everything", "", {"Patient/1"}),
        ("CarePlan/1", "title=patience", set()),
        ("CarePlan/1", "patient=", set()),
    ],
)
def test_whom_a_request_names(path: str, query: str, people: set[str]) -> None:
    assert patients_of(replace(EMPTY, path=path, query=query)) == people
