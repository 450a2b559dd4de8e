"""The expansions of value sets, and what cannot be expanded."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import MOST_CODES, NOT_ENUMERABLE, Terminology
from service.fhir.versions import R4

HL7 = "http://hl7.org/fhir"
OWN = "https://w3id.org/recovery-plan"
TERMINOLOGY = Terminology(Definitions(R4))


def test_the_codes_of_a_value_set_come_with_their_system() -> None:
    codings = TERMINOLOGY.codings(f"{HL7}/ValueSet/goal-status")
    assert (f"{HL7}/goal-status", "on-hold") in codings
    assert {system for system, _ in codings} == {f"{HL7}/goal-status"}


def test_codes_below_other_codes_are_there_too() -> None:
    codes = {code for _, code in TERMINOLOGY.codings(f"{HL7}/ValueSet/goal-status")}
    assert {"active", "on-hold", "completed", "cancelled", "entered-in-error", "rejected"} <= codes
    assert len(codes) == 9


def test_a_value_set_of_parts_of_two_systems_has_both() -> None:
    codings = TERMINOLOGY.codings(f"{HL7}/ValueSet/care-plan-intent")
    assert {code for _, code in codings} == {"proposal", "plan", "order", "option"}


def test_the_version_of_a_canonical_does_not_matter() -> None:
    assert TERMINOLOGY.codings(f"{HL7}/ValueSet/goal-status|4.0.1") == TERMINOLOGY.codings(
        f"{HL7}/ValueSet/goal-status"
    )


def test_every_required_binding_of_a_held_type_can_be_checked_or_is_named_as_endless() -> None:
    definitions = Definitions(R4)
    structures = Structures(definitions)
    bound = {
        element.value_set
        for item in definitions.of_type("StructureDefinition")
        if item.get("derivation") != "constraint"
        for element in structures.of_type(item["type"]).elements.values()
        if element.value_set is not None
    }
    assert len(bound) > 20
    assert {name for name in bound if TERMINOLOGY.is_enumerable(name) and not TERMINOLOGY.codings(name)} == set()
    assert {name.partition("|")[0] for name in bound if not TERMINOLOGY.is_enumerable(name)} <= NOT_ENUMERABLE


SYSTEM = "http://example.org/s"
ONE = "http://example.org/one"
CONCEPTS = [
    {"code": "a", "display": "Letter A", "concept": [{"code": "aa", "concept": [{"code": "aaa"}]}, {"code": "ab"}]},
    {
        "code": "b",
        "property": [{"code": "child", "valueCode": "ab"}, {"code": "notSelectable", "valueBoolean": False}],
    },
    {"code": "c", "property": [{"code": "subsumedBy", "valueCode": "b"}, {"code": "status", "valueCode": "a"}]},
    {"code": "_g", "property": [{"code": "notSelectable", "valueBoolean": True}], "concept": [{"code": "d"}]},
]
"""Below a lie aa, aaa and ab; below b, told by properties, ab and c; _g only groups others."""


def definitions_with(folder: Path, content: str = "complete", **members: Any) -> Terminology:
    """Return the terminology of one value set that is composed of ``members``, and one code system."""
    (folder / "ValueSet-one.json").write_text(json.dumps({"resourceType": "ValueSet", "url": ONE, "compose": members}))
    (folder / "CodeSystem-s.json").write_text(
        json.dumps({"resourceType": "CodeSystem", "url": SYSTEM, "content": content, "concept": CONCEPTS})
    )
    return Terminology(Definitions(R4, folder))


def part(op: str, value: str, of_property: str = "concept") -> dict[str, Any]:
    return {"system": SYSTEM, "filter": [{"property": of_property, "op": op, "value": value}]}


def codes_of(terminology: Terminology) -> set[str]:
    return {code for _, code in terminology.codings(ONE)}


@pytest.mark.parametrize(
    ("compose", "said"),
    [
        ({"include": [part("regex", "a.*")]}, "filtered by concept regex, which is not supported"),
        ({"include": [part("=", "x", "status")]}, "filtered by status =, which is not supported"),
        ({"include": [{"system": SYSTEM}], "exclude": [part("regex", "a.*")]}, "filtered by concept regex"),
        ({"include": [{"system": "http://example.org/missing"}]}, "no code system http://example.org/missing is held"),
        (
            {"include": [{"valueSet": ["http://example.org/missing"]}]},
            "no value set http://example.org/missing is held",
        ),
        ({"include": []}, "its definition does not say which they are"),
    ],
)
def test_what_cannot_be_expanded_is_refused_and_never_empty(tmp_path: Path, compose: Any, said: str) -> None:
    with pytest.raises(LookupError, match=said):
        definitions_with(tmp_path, **compose).codings(ONE)


def test_a_system_that_is_not_held_in_full_is_refused_too(tmp_path: Path) -> None:
    terminology = definitions_with(tmp_path, content="fragment", include=[{"system": SYSTEM}])
    with pytest.raises(LookupError, match="does not list all its codes"):
        terminology.codings(ONE)
    assert terminology.allows(ONE, SYSTEM, "a") is True
    assert terminology.allows(ONE, SYSTEM, "not-in-the-fragment") is None


def test_a_value_set_may_be_a_system_whole_or_in_part_or_another_value_set(tmp_path: Path) -> None:
    assert codes_of(definitions_with(tmp_path, include=[{"system": SYSTEM}])) == {"a", "aa", "aaa", "ab", "b", "c", "d"}
    some = [{"system": SYSTEM, "concept": [{"code": "b"}]}, {"valueSet": [f"{HL7}/x"]}]
    (tmp_path / "ValueSet-x.json").write_text(
        json.dumps(
            {
                "resourceType": "ValueSet",
                "url": f"{HL7}/x",
                "compose": {"include": [{"system": SYSTEM, "concept": [{"code": "aa"}]}]},
            }
        )
    )
    assert codes_of(definitions_with(tmp_path, include=some)) == {"aa", "b"}


def test_a_system_and_value_sets_in_one_part_have_to_agree(tmp_path: Path) -> None:
    for name, codes in (("x", "a b"), ("y", "b c")):
        listed = [{"code": code} for code in codes.split()]
        (tmp_path / f"ValueSet-{name}.json").write_text(
            json.dumps(
                {
                    "resourceType": "ValueSet",
                    "url": f"{HL7}/{name}",
                    "compose": {"include": [{"system": SYSTEM, "concept": listed}]},
                }
            )
        )
    both = [f"{HL7}/x", f"{HL7}/y"]
    assert codes_of(definitions_with(tmp_path, include=[{"valueSet": both}])) == {"b"}
    assert codes_of(definitions_with(tmp_path, include=[{"system": SYSTEM, "valueSet": both[:1]}])) == {"a", "b"}


@pytest.mark.parametrize(
    ("op", "value", "selected"),
    [
        ("is-a", "a", {"a", "aa", "aaa", "ab"}),
        ("descendent-of", "a", {"aa", "aaa", "ab"}),
        ("is-a", "b", {"b", "ab", "c"}),
        ("is-not-a", "a", {"b", "c", "d"}),
        ("is-a", "_g", {"d"}),
        ("is-a", "aaa", {"aaa"}),
        ("is-a", "unknown", set()),
    ],
)
def test_a_filter_follows_the_hierarchy(tmp_path: Path, op: str, value: str, selected: set[str]) -> None:
    assert codes_of(definitions_with(tmp_path, include=[part(op, value)])) == selected


def test_several_filters_all_have_to_fit(tmp_path: Path) -> None:
    both = {"system": SYSTEM, "filter": [*part("is-a", "a")["filter"], *part("is-a", "b")["filter"]]}
    assert codes_of(definitions_with(tmp_path, include=[both])) == {"ab"}


def test_excluded_codes_are_not_there(tmp_path: Path) -> None:
    without = definitions_with(tmp_path, include=[{"system": SYSTEM}], exclude=[part("is-a", "a")])
    assert codes_of(without) == {"b", "c", "d"}
    assert without.allows(ONE, SYSTEM, "aa") is False


def test_a_code_may_be_excluded_by_what_is_not_held(tmp_path: Path) -> None:
    doubtful = [{"valueSet": ["http://example.org/missing"]}]
    terminology = definitions_with(tmp_path, include=[{"system": SYSTEM}], exclude=doubtful)
    assert terminology.allows(ONE, SYSTEM, "a") is None
    assert terminology.allows(ONE, SYSTEM, "not-in-the-system") is False
    assert terminology.known_codings(ONE) == frozenset()


def test_any_code_may_belong_to_a_system_that_is_not_held(tmp_path: Path) -> None:
    other = "http://example.org/elsewhere"
    terminology = definitions_with(tmp_path, include=[{"system": SYSTEM}, {"system": other}])
    assert terminology.allows(ONE, SYSTEM, "a") is True
    assert terminology.allows(ONE, SYSTEM, "wrong") is False
    assert terminology.allows(ONE, other, "anything") is None
    assert terminology.allows(ONE, "http://example.org/third", "a") is False
    assert ("http://example.org/s", "a") in terminology.known_codings(ONE)


def test_nothing_is_known_of_a_value_set_that_is_not_held(tmp_path: Path) -> None:
    terminology = definitions_with(tmp_path, include=[{"system": SYSTEM}])
    assert terminology.allows("http://example.org/missing", SYSTEM, "a") is None
    assert terminology.known_codings("http://example.org/missing") == frozenset()


def test_a_code_is_shown_by_the_name_its_system_gives_it(tmp_path: Path) -> None:
    terminology = definitions_with(tmp_path, include=[{"system": SYSTEM}])
    assert terminology.display(SYSTEM, "a") == "Letter A"
    assert terminology.display(SYSTEM, "aa") is None
    assert terminology.display(SYSTEM, "unknown") is None
    assert terminology.display("http://example.org/elsewhere", "a") is None
    assert terminology.display(ONE, "a") is None, "a value set that somebody took for a code system"


@pytest.mark.parametrize(
    ("system", "code", "allowed"),
    [
        ("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "R", True),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "MH", True),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "SUD", True),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB", False),
        ("http://example.org/labels", "MH", False),
    ],
)
def test_security_labels_are_known_one_by_one(system: str, code: str, allowed: bool) -> None:
    assert TERMINOLOGY.allows(f"{HL7}/ValueSet/security-labels", system, code) is allowed


@pytest.mark.parametrize(
    ("system", "code", "allowed"),
    [
        (f"{OWN}/CodeSystem/legal-instrument", "conditional-discharge", True),
        (f"{OWN}/CodeSystem/legal-instrument", "conditional-release", False),
        ("https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland", "09", None),
        ("https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationWales", "34", None),
    ],
)
def test_a_legal_instrument_may_be_one_of_uk_core(system: str, code: str, allowed: bool | None) -> None:
    assert TERMINOLOGY.allows(f"{OWN}/ValueSet/legal-instrument", system, code) is allowed


def test_an_answer_to_a_plan_is_one_of_hl7_or_says_that_there_was_none() -> None:
    codes = {code for _, code in TERMINOLOGY.codings(f"{OWN}/ValueSet/agreement-status")}
    assert codes == {"agree", "disagree", "pending", "not-asked", "took-no-part"}


def test_every_value_set_of_ours_but_the_legal_one_can_be_listed() -> None:
    ours = [item["url"] for item in Definitions(R4).of_type("ValueSet") if item["url"].startswith(OWN)]
    assert len(ours) >= 24
    assert all(TERMINOLOGY.codings(url) for url in ours if not url.endswith("/legal-instrument"))


def test_a_client_may_name_the_version_that_is_held() -> None:
    chime = f"{OWN}/ValueSet/chime"
    assert TERMINOLOGY.expansion(f"{chime}|0.1.0") == TERMINOLOGY.expansion(chime)
    assert {code for _, code in TERMINOLOGY.expansion(chime)} == {
        "connectedness",
        "hope",
        "identity",
        "meaning",
        "empowerment",
    }


@pytest.mark.parametrize(
    ("canonical", "said"),
    [
        (
            f"{OWN}/ValueSet/chime|7",
            "Of https://w3id.org/recovery-plan/ValueSet/chime another version is held here: 0.1.0",
        ),
        (f"{OWN}/ValueSet/chyme", "No ValueSet .*/chyme is held here; did you mean .*/ValueSet/chime\\?"),
        (f"{OWN}/CodeSystem/chime", "No ValueSet .*/CodeSystem/chime is held here"),
        ("é" * 10_000, "No ValueSet .{1,1000} is held here"),
        (f"{HL7}/ValueSet/currencies", "cannot be listed: no code system urn:iso:std:iso:4217 is held"),
        (f"{OWN}/ValueSet/legal-instrument", "cannot be listed: no code system https://fhir.hl7.org.uk/"),
    ],
)
def test_a_client_reads_why_a_value_set_cannot_be_searched(canonical: str, said: str) -> None:
    with pytest.raises(LookupError, match=said) as refused:
        TERMINOLOGY.expansion(canonical)
    assert str(refused.value).isascii()


def test_a_value_set_of_too_many_codes_is_not_searched(tmp_path: Path) -> None:
    listed = [{"code": f"c{number}"} for number in range(MOST_CODES + 1)]
    every = definitions_with(tmp_path, include=[{"system": SYSTEM, "concept": listed}])
    with pytest.raises(LookupError, match="has 1001 codes; a search can ask for 1000 at once"):
        every.expansion(ONE)
    assert len(every.codings(ONE)) == MOST_CODES + 1
    most = definitions_with(tmp_path, include=[{"system": SYSTEM, "concept": listed[1:]}])
    assert len(most.expansion(ONE)) == MOST_CODES


def test_every_value_set_that_can_be_listed_can_be_searched() -> None:
    sizes = []
    for definition in Definitions(R4).of_type("ValueSet"):
        try:
            sizes.append(len(TERMINOLOGY.codings(definition["url"])))
        except LookupError:
            continue
        assert TERMINOLOGY.expansion(definition["url"]) == TERMINOLOGY.codings(definition["url"])
    assert len(sizes) > 100
    assert max(sizes) > 200


ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


@pytest.mark.parametrize(
    ("system", "code", "below", "above"),
    [
        (f"{HL7}/goal-status", "accepted", {"active", "on-hold", "completed"}, set()),
        (f"{HL7}/goal-status", "on-hold", set(), {"accepted"}),
        (f"{OWN}/CodeSystem/chime", "hope", set(), set()),
        # a natural daughter is a natural child and a daughter, and both are children
        (ROLES, "DAU", set(), {"NCHILD", "DAUC", "CHILD", "FAMMEMB", "_PersonalRelationshipRoleType"}),
        (
            ROLES,
            "DAUC",
            {"DAU", "DAUADOPT", "DAUFOST", "STPDAU"},
            {"CHILD", "FAMMEMB", "_PersonalRelationshipRoleType"},
        ),
    ],
)
def test_a_code_has_codes_below_and_above_it(system: str, code: str, below: set[str], above: set[str]) -> None:
    assert TERMINOLOGY.subsumed_by(system, code) == {code, *below}
    assert TERMINOLOGY.subsuming(system, code) == {code, *above}


@pytest.mark.parametrize("system", [ROLES, f"{HL7}/goal-status", "http://terminology.hl7.org/CodeSystem/v3-ActCode"])
def test_what_is_below_a_code_has_it_above(system: str) -> None:
    below = {code: TERMINOLOGY.subsumed_by(system, code) for code in concepts_of(system)}
    above = {code: TERMINOLOGY.subsuming(system, code) for code in below}
    assert all((one in below[other]) == (other in above[one]) for one in list(below)[:200] for other in below)


def concepts_of(system: str) -> list[str]:
    def codes(concepts: Any) -> list[str]:
        return [code for item in concepts for code in (item["code"], *codes(item.get("concept", ())))]

    return codes(Definitions(R4).get(system)["concept"])


@pytest.mark.parametrize(
    ("system", "code", "said"),
    [
        ("http://snomed.info/sct", "1", "No CodeSystem http://snomed.info/sct is held here"),
        (
            f"{HL7}/goal-status|4.0.2",
            "active",
            "Of http://hl7.org/fhir/goal-status another version is held here: 4.0.1",
        ),
        (f"{OWN}/ValueSet/chime", "hope", "No CodeSystem .* is held here; did you mean .*/CodeSystem/chime"),
        (f"{OWN}/CodeSystem/chime", "hop", "chime has no code hop; did you mean hope"),
        (f"{OWN}/CodeSystem/chime", "Mary\n" * 1000, "chime has no code Mary"),
    ],
)
def test_a_client_reads_why_nothing_is_said_of_a_hierarchy(system: str, code: str, said: str) -> None:
    for asked in (TERMINOLOGY.subsumed_by, TERMINOLOGY.subsuming):
        with pytest.raises(LookupError, match=said) as refused:
            asked(system, code)
        assert len(str(refused.value)) < 500


def test_the_version_of_a_code_system_that_is_held_may_be_named() -> None:
    assert TERMINOLOGY.subsumed_by(f"{HL7}/goal-status|4.0.1", "accepted") >= {"active"}


@pytest.mark.parametrize("content", ["fragment", "example", "not-present"])
def test_nothing_is_told_of_a_hierarchy_that_is_held_in_part(tmp_path: Path, content: str) -> None:
    with pytest.raises(LookupError, match=r"Only a part of the code system http://example\.org/s is held"):
        definitions_with(tmp_path, content=content).subsumed_by(SYSTEM, "a")


def test_a_system_with_parents_told_by_properties_too(tmp_path: Path) -> None:
    terminology = definitions_with(tmp_path)
    assert terminology.subsumed_by(SYSTEM, "b") == {"b", "ab", "c"}
    assert terminology.subsuming(SYSTEM, "ab") == {"ab", "a", "b"}
    assert terminology.subsumed_by(SYSTEM, "_g") == {"_g", "d"}, "a code that only groups others can be asked for"


@pytest.mark.parametrize(
    ("meaning", "is_told"), [("is-a", True), ("classified-with", True), ("part-of", False), ("grouped-by", False)]
)
def test_only_kinds_subsume_each_other(tmp_path: Path, meaning: str, is_told: bool) -> None:
    definitions_with(tmp_path)
    file = tmp_path / "CodeSystem-s.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"hierarchyMeaning": meaning}))
    terminology = Terminology(Definitions(R4, tmp_path))
    if is_told:
        assert "aaa" in terminology.subsumed_by(SYSTEM, "a")
        return
    with pytest.raises(LookupError, match="does not say that one is a kind of another"):
        terminology.subsumed_by(SYSTEM, "a")
