"""What SQL on FHIR adds to FHIRPath: keys, boundaries, and texts put together."""

from typing import Any

import pytest

from service.fhir import json
from service.fhir.reference import Addresses
from service.reporting.views import Surroundings, ViewError, compile_view
from tests.views.made import columns, rows, surroundings, view


def of(path: str, resource: str, **members: Any) -> Any:
    """Return what ``path`` gives of a resource; numbers keep their digits."""
    given = json.parse(json.dump({"resourceType": resource, "id": "1", **members}))
    (row,) = rows(view(columns(a=path), resource=resource), given)
    return row["a"]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1", "0.5", "1.5"),
        ("1.0", "0.95", "1.05"),
        ("-1.50", "-1.505", "-1.495"),
        ("1e2", "99.5", "100.5"),
        ("0", "-0.5", "0.5"),
    ],
)
def test_a_decimal_is_known_to_half_a_unit_of_its_last_digit(text: str, low: str, high: str) -> None:
    observation = json.parse(f'{{"resourceType":"Observation","valueQuantity":{{"value":{text}}}}}'.encode())
    path = "value.ofType(Quantity).value"
    given = view(columns(low=f"{path}.lowBoundary()", high=f"{path}.highBoundary()"), resource="Observation")
    (row,) = rows(given, observation)
    assert (format(row["low"], "f"), format(row["high"], "f")) == (low, high)


@pytest.mark.parametrize(
    ("element", "text", "low", "high"),
    [
        ("birthDate", "2024", "2024-01-01", "2024-12-31"),
        ("birthDate", "2024-02", "2024-02-01", "2024-02-29"),
        ("birthDate", "2024-02-03", "2024-02-03", "2024-02-03"),
        ("deceased.ofType(dateTime)", "2023-02", "2023-02-01T00:00:00.000+14:00", "2023-02-28T23:59:59.999-12:00"),
        (
            "deceased.ofType(dateTime)",
            "2023-02-01T10:20:30+05:30",
            "2023-02-01T10:20:30.000+05:30",
            "2023-02-01T10:20:30.999+05:30",
        ),
        ("deceased.ofType(dateTime)", "2023-02-01T10:20:30.5Z", "2023-02-01T10:20:30.500Z", "2023-02-01T10:20:30.599Z"),
    ],
)
def test_a_date_is_known_as_far_as_it_is_written(element: str, text: str, low: str, high: str) -> None:
    members = {"birthDate": text} if element == "birthDate" else {"deceasedDateTime": text}
    assert of(f"{element}.lowBoundary()", "Patient", **members) == low
    assert of(f"{element}.highBoundary()", "Patient", **members) == high


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("10:20:30", "10:20:30.000", "10:20:30.999"), ("10:20:30.25", "10:20:30.250", "10:20:30.259")],
)
def test_a_time_too(text: str, low: str, high: str) -> None:
    assert of("value.ofType(time).lowBoundary()", "Observation", valueTime=text) == low
    assert of("value.ofType(time).highBoundary()", "Observation", valueTime=text) == high


@pytest.mark.parametrize("path", ["active.lowBoundary()", "name.lowBoundary()", "deceased.lowBoundary()"])
def test_what_has_no_boundary_is_refused(path: str) -> None:
    with pytest.raises(ViewError, match="Boundary"):
        view(columns(a=path), resource="Patient")


@pytest.mark.parametrize(
    ("reference", "key", "of_patient"),
    [
        ("Patient/1", "Patient/1", "Patient/1"),
        ("Patient/1/_history/2", "Patient/1", "Patient/1"),
        ("https://here.example.org/fhir/R4/Patient/1", "Patient/1", "Patient/1"),
        ("Group/1", "Group/1", None),
        ("https://elsewhere.example.org/Patient/1", None, None),
        ("urn:uuid:0a1b", None, None),
        ("#person", None, None),
    ],
)
def test_a_reference_has_the_key_of_what_is_here(reference: str, key: str | None, of_patient: str | None) -> None:
    here = Addresses(frozenset({"https://here.example.org/fhir/R4"}))
    around = Surroundings(surroundings().structures, here.local, here.same_reference)
    select = columns(a="subject.getReferenceKey()", b="subject.getReferenceKey(Patient)", c="getResourceKey()")
    given = compile_view({"resource": "Goal", "select": [select]}, around)
    goal = {"resourceType": "Goal", "id": "1", "subject": {"reference": reference}}
    assert list(given.rows(goal)) == [(key, of_patient, "Goal/1")]


def test_only_a_resource_and_a_reference_have_keys_and_what_is_contained_has_none() -> None:
    for path in ("note.getResourceKey()", "description.getReferenceKey()"):
        with pytest.raises(ViewError, match="key"):
            view(columns(a=path))
    assert of("contained.first().getResourceKey()", "Goal", contained=[{"resourceType": "Patient", "id": "p"}]) is None


def test_texts_are_joined_in_their_order() -> None:
    assert of("name.given.join(' ')", "Patient", name=[{"given": ["A", "B"]}, {"given": ["C"]}]) == "A B C"
    with pytest.raises(ViewError, match="join"):
        view(columns(a="name.join()"), resource="Patient")
