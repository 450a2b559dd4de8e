"""References: which are to this server, and which name the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.reference import Addresses

OURS = "https://plans.example/fhir/R4"
ADDRESSES = Addresses(frozenset({OURS}))
NUMBER = {"system": "https://numbers.example", "value": "17"}

bases = st.sampled_from(["", f"{OURS}/", "https://elsewhere.example/fhir/"])
versions = st.sampled_from(["", "/_history/1"])
texts = st.builds("{}{}/{}{}".format, bases, st.sampled_from(["Patient", "Goal"]), st.sampled_from("ab"), versions)
anything = st.one_of(texts, st.text(max_size=12), st.sampled_from(["#a", "urn:uuid:x", "Patient?a=b"]))


@pytest.mark.parametrize(
    ("text", "normal", "is_local"),
    [
        ("Goal/1", "Goal/1", True),
        ("Goal/1/_history/3", "Goal/1", True),
        (f"{OURS}/Goal/1", "Goal/1", True),
        (f"{OURS}/Goal/1/_history/3", "Goal/1", True),
        ("https://plans.example/fhir/R5/Goal/1", "https://plans.example/fhir/R5/Goal/1", False),
        ("https://elsewhere.example/Goal/1/_history/3", "https://elsewhere.example/Goal/1", False),
        ("#goal", "#goal", False),
        ("urn:uuid:0", "urn:uuid:0", False),
        ("goal/1", "goal/1", False),
    ],
)
def test_the_normal_form_is_relative_where_it_leads_here(text: str, normal: str, is_local: bool) -> None:
    assert ADDRESSES.normal(text) == normal
    local = ADDRESSES.local(text)
    assert (local.relative if local else None) == (normal if is_local else None)


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        ({"reference": "Patient/1"}, {"reference": f"{OURS}/Patient/1/_history/2"}, True),
        ({"reference": "Patient/1"}, {"reference": "https://elsewhere.example/Patient/1"}, False),
        ({"reference": "Patient/1"}, {"reference": "Group/1"}, False),
        ({"reference": "#a"}, {"reference": "#a"}, True),
        ({"identifier": NUMBER}, {"identifier": NUMBER, "display": "x"}, True),
        ({"identifier": NUMBER}, {"identifier": NUMBER, "reference": "Patient/1"}, True),
        ({"identifier": NUMBER, "reference": "Patient/2"}, {"identifier": NUMBER, "reference": "Patient/1"}, False),
        ({"identifier": {"value": "17"}}, {"identifier": {"value": "17"}}, False),
        ({"identifier": {"system": "urn:x"}}, {"identifier": {"system": "urn:x"}}, False),
        ({"identifier": "17"}, {"identifier": "17"}, False),
        ({"reference": "Patient/1"}, {"identifier": NUMBER}, False),
        ({"display": "x"}, {"display": "x"}, False),
        ({}, {}, False),
        ({"reference": 1}, {"reference": 1}, False),
    ],
)
def test_the_same_is_an_equal_reference_or_where_one_is_lacking_an_equal_identifier(
    left: dict, right: dict, is_same: bool
) -> None:
    assert ADDRESSES.same_reference(left, right) == ADDRESSES.same_reference(right, left) == is_same


@given(anything, anything)
def test_references_are_the_same_if_their_normal_forms_are(left: str, right: str) -> None:
    same = ADDRESSES.same_reference({"reference": left}, {"reference": right})
    assert same == (ADDRESSES.normal(left) == ADDRESSES.normal(right))
    assert ADDRESSES.normal(ADDRESSES.normal(left)) == ADDRESSES.normal(left)
