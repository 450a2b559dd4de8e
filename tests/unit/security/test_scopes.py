"""Scopes of SMART App Launch are read as its grammar has them, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.security.scopes import LEVELS, MOST_PARAMETERS, PERMISSIONS, Scope, read_scope

names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
letters = st.sets(st.sampled_from("cruds"), min_size=1).map(
    lambda held: "".join(each for each in "cruds" if each in held)
)
scopes = st.builds(
    Scope,
    st.sampled_from(LEVELS),
    st.just("*") | st.from_regex(r"[A-Z][A-Za-z]{1,20}", fullmatch=True),
    letters,
    st.lists(st.tuples(names, names), max_size=3).map(tuple),
)
ACTIVE = (("status", "active"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("patient/CarePlan.rs", Scope("patient", "CarePlan", "rs")),
        ("user/*.cruds", Scope("user", "*", "cruds")),
        ("system/Goal.d", Scope("system", "Goal", "d")),
        ("patient/*.read", Scope("patient", "*", "rs")),
        ("user/Goal.write", Scope("user", "Goal", "cud")),
        ("system/*.*", Scope("system", "*", "cruds")),
        ("user/CarePlan.rs?status=active", Scope("user", "CarePlan", "rs", ACTIVE)),
        (
            "user/CarePlan.rs?category=http://snomed.info/sct|734163000&status=active",
            Scope("user", "CarePlan", "rs", (("category", "http://snomed.info/sct|734163000"), *ACTIVE)),
        ),
        (
            "user/CarePlan.rs?category=http%3A%2F%2Fa%7Cb%26c&category:not=%C3%A9",
            Scope("user", "CarePlan", "rs", (("category", "http://a|b&c"), ("category:not", "é"))),
        ),
        ("user/CarePlan.rs?date=ge2026?x", Scope("user", "CarePlan", "rs", (("date", "ge2026?x"),))),
        ("user/CarePlan.rs?_tag=a=b", Scope("user", "CarePlan", "rs", (("_tag", "a=b"),))),
    ],
)
def test_is_read(text: str, expected: Scope) -> None:
    assert read_scope(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("openid", "fhirUser", "launch", "launch/patient", "offline_access", "recovery/labels.lower", ""),
        *("user/*.", "user/*", "user/.rs", "/CarePlan.rs", "user/CarePlan", "user/CarePlan.rs.", "user//CarePlan.rs"),
        *("user/CarePlan.sr", "user/CarePlan.dus", "user/CarePlan.rr", "user/CarePlan.rx", "user/CarePlan.CRUDS"),
        *("user/CarePlan.reads", "user/CarePlan.Read", "user/CarePlan.r*", "user/CarePlan.**", "user/**.rs"),
        *("USER/CarePlan.rs", "group/CarePlan.rs", "user/carePlan.rs", "user/Care-Plan.rs", "user/CarePl\u00e4n.rs"),
        *(" user/CarePlan.rs", "user/CarePlan.rs ", "user/CarePlan.rs\n", "user/CarePlan.rs\nuser/Goal.rs"),
        *("user/CarePlan.read?status=active", "user/CarePlan.*?status=active", "user/CarePlan?status=active"),
        *("user/CarePlan.rs?", "user/CarePlan.rs?status", "user/CarePlan.rs?status=", "user/CarePlan.rs?=active"),
        *("user/CarePlan.rs?status=active&", "user/CarePlan.rs?&status=active", "user/CarePlan.rs?a=b&&c=d"),
        *("user/CarePlan.rs?status=%", "user/CarePlan.rs?status=%zz", "user/CarePlan.rs?status=%ff%fe"),
        "user/CarePlan.rs?" + "&".join(["a=b"] * (MOST_PARAMETERS + 1)),
    ],
)
def test_is_none(text: str) -> None:
    assert read_scope(text) is None


@given(st.text() | st.from_regex(r"(patient|user|system)/[A-Z*][a-z]*\.[cruds*a-z]*(\?.*)?"))
def test_whatever_it_is_it_is_read_or_not(text: str) -> None:
    found = read_scope(text)
    if found is not None:
        assert read_scope(str(found)) == found
        assert set(found.permissions) <= set(PERMISSIONS)


@given(scopes)
def test_what_is_written_is_read_as_it_was(scope: Scope) -> None:
    assert read_scope(str(scope)) == scope


@given(st.permutations("cruds"), st.integers(1, 5))
def test_letters_have_an_order(shuffled: list[str], many: int) -> None:
    text = "".join(shuffled[:many])
    assert (read_scope(f"user/*.{text}") is not None) == (text == "".join(sorted(text, key="cruds".index)))


@pytest.mark.parametrize(
    ("text", "resource_type", "given_for"),
    [
        ("user/*.rs", "CarePlan", "rs"),
        ("user/CarePlan.cu", "CarePlan", "cu"),
        ("user/CarePlan.cruds", "Goal", ""),
        ("user/*.cruds", "AuditEvent", ""),
        ("user/AuditEvent.rs", "AuditEvent", "rs"),
        ("user/AuditEvent.rs", "CarePlan", ""),
    ],
)
def test_is_for_a_type(text: str, resource_type: str, given_for: str) -> None:
    scope = read_scope(text)
    assert scope is not None
    assert "".join(each for each in PERMISSIONS if scope.is_for(each, resource_type)) == given_for
