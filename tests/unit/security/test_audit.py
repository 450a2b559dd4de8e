"""Events of the audit in the two parts in which they are kept, and by what they are found."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.json import dump
from service.fhir.touched import Touched
from service.security.audit import Happened, Recorded, about_others, happened_in, parts_of
from service.security.audit_event import AuditEvents
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


RENDERED = AuditEvents("https://plans.example.org/fhir/R4", {})
LONG_IDS = [f"{number:064}" for number in range(1_000)]
OF_ONE = tuple(Touched("RiskAssessment", name, 999_999, "Patient/1") for name in LONG_IDS)
OF_MANY = tuple(
    Touched("RiskAssessment", name, 999_999, f"https://example.org/fhir/Patient/{name}") for name in LONG_IDS
)
LARGE = {
    "a page of one person": ("", (), OF_ONE),
    "a page of many people": ("", (), OF_MANY),
    "a Bundle": ("", tuple(f"GET Goal?patient={name} 200" for name in LONG_IDS), OF_MANY),
    "a long list": ("_count=1&patient=" + ",".join(map(str, range(20_000))) + "&status=active", (), OF_MANY),
    "a long list in an address": ("patient=" + "%2C".join(map(str, range(20_000))), (), ()),
    "a long list in an entry": ("", ("GET Goal?patient=" + ",".join(map(str, range(20_000))) + " 200",), ()),
    "many parameters": ("&".join(f"subject=Patient/{number}" for number in range(5_000)), (), ()),
    "nonsense": ("é" * 2_000_000, ("x" * 2_000_000,), OF_ONE),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_too_much_for_an_audit_event_becomes_several_that_say_the_same(name: str) -> None:
    query, entries, versions = LARGE[name]
    event = replace(EMPTY, query=query, entries=entries, touched=versions)
    parts = list(split(event))
    sizes = [len(dump(RENDERED.resource(Recorded("i" * 50, part.started, part, False)))) for part in parts]
    assert max(sizes) < 1_000_000
    assert sum(sizes) / len(sizes) > 100_000, "and no more of them than it takes"
    assert sum((part.touched for part in parts), ()) == versions
    assert set().union(*map(patients_of, parts)) == patients_of(event)
    assert len("".join(part.query for part in parts)) >= len(query) - len(parts) * 3
    assert sum(len(entry) for part in parts for entry in part.entries) >= sum(map(len, entries)) - len(parts) * 30


def test_an_event_is_not_split_without_need() -> None:
    event = replace(EMPTY, touched=(Touched("Goal", "1", 1, None),) * 1_000, entries=("GET Goal 200",) * 500)
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
