"""What a client may see and change."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.search.memory import holds
from service.search.predicate import NOTHING, LinkedTo, parts_of
from service.security.access import UNLIMITED, Access
from service.security.client import ANYBODY, Client
from service.security.scopes import PERMISSIONS, Permission
from tests.unit.security.judge import CONSTRAINTS, Json, clients, goals, may_alone, plans, provenances
from tests.unit.security.world import LISTED, OTHER, OWN, WORKER, access_of, compiled, stored

STORED = ("RiskAssessment", "CarePlan", "Provenance", "Goal")
permissions: st.SearchStrategy[Permission] = st.sampled_from(PERMISSIONS)


def plan(**elements: object) -> Json:
    body = {"resourceType": "CarePlan", "id": "1", "meta": {}, "subject": {"reference": "Patient/1"}}
    return body | elements


@settings(max_examples=500, deadline=None)
@given(clients, permissions, plans | goals | provenances)
def test_what_is_admitted_is_what_the_judge_admits(client: Client, permission: Permission, resource: Json) -> None:
    access = compiled().accesses.of(client)
    name, document = resource["resourceType"], stored(resource)
    visible = access.seen(permission, name)
    expected = may_alone(client, permission, resource)
    if name != "Provenance":
        assert (visible is None or holds(visible, document)) == expected
        assert access.admits(permission, name, document) == expected
    elif visible != NOTHING:
        assert access.admits(permission, name, document) == expected


@given(clients)
def test_what_is_said_of_a_client_agrees_with_what_it_sees(client: Client) -> None:
    access = compiled().accesses.of(client)
    every = {(each, name): access.seen(each, name) for each in PERMISSIONS for name in STORED}
    assert set(access.types) == set(STORED)
    assert access.is_limited == any(predicate is not None for predicate in every.values())
    for name in STORED:
        assert access.sees_all(name) == (every["s", name] is None)
        assert access.may_choose_ids(name) == (every["c", name] is every["u", name] is None)
        asked = [every[each, name] for each in PERMISSIONS]
        assert bool(access.asked_of(name)) or all(predicate in (None, NOTHING) for predicate in asked)
    if access.patient is not None:
        assert all(predicate is not None for predicate in every.values())
    assert access.patient in (None, "Patient/1", "Patient/2")


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_a_constraint_that_cannot_be_decided_grants_nothing(constraint: str) -> None:
    visible = access_of(f"user/*.cruds{constraint}", user=WORKER).seen("s", "CarePlan")
    assert (visible == NOTHING) is (CONSTRAINTS[constraint] is None)


class TestWhatALevelOfScopeGoesBy:
    @pytest.mark.parametrize(
        ("scope", "claims", "granted"),
        [
            ("patient/*.rs", {"patient": "1"}, True),
            ("patient/*.rs", {"user": "Patient/1"}, False),
            ("patient/*.rs", {"user": WORKER}, False),
            ("patient/*.rs", {}, False),
            ("user/*.rs", {"user": WORKER}, True),
            ("user/*.rs", {"user": f"{OTHER}/PractitionerRole/1"}, True),
            ("user/*.rs", {"user": "Patient/1"}, True),
            ("user/*.rs", {"user": "RelatedPerson/1"}, False),
            ("user/*.rs", {"user": "RelatedPerson/1", "patient": "1"}, True),
            ("user/*.rs", {"user": "Person/1"}, False),
            ("user/*.rs", {"patient": "1"}, False),
            ("user/*.rs", {}, False),
            ("system/*.rs", {}, True),
            ("system/*.rs", {"user": "Device/1"}, True),
            ("system/*.rs", {"user": "RelatedPerson/1"}, False),
            ("system/*.rs", {"user": "Patient/1", "patient": "2"}, False),
            ("system/*.rs", {"user": "nobody"}, False),
            ("system/*.rs", {"patient": "Group/1"}, False),
            ("system/*.rs", {"patient": ""}, False),
            ("system/*.rs", {"patient": f"{OTHER}/Patient/1"}, False),
            ("system/*.rs", {"user": f"{OTHER}/Patient/1"}, False),
            ("system/*.rs", {"user": f"{OTHER}/Patient/1", "patient": "1"}, False),
        ],
    )
    def test_grants_or_does_not(self, scope: str, claims: dict[str, str], granted: bool) -> None:
        access = access_of(scope, **claims)
        assert access.admits("r", "CarePlan", stored(plan())) is granted
        assert (access.seen("r", "CarePlan") != NOTHING) is granted


class TestThePatientInContext:
    @pytest.mark.parametrize("patient", ["1", "Patient/1", f"{OWN}/Patient/1", f"{LISTED}/Patient/1"])
    @pytest.mark.parametrize(
        ("subject", "seen"),
        [
            ("Patient/1", True),
            (f"{OWN}/Patient/1", True),
            (f"{LISTED}/Patient/1", True),
            (f"{OTHER}/Patient/1", False),
            (f"{LISTED}/x/Patient/1", False),
            ("Patient/11", False),
            ("Group/1", False),
            ("#1", False),
        ],
    )
    def test_is_one_person_by_whatever_address_of_ours(self, patient: str, subject: str, seen: bool) -> None:
        access = access_of("patient/*.rs", patient=patient)
        assert access.patient == "Patient/1"
        assert access.admits("r", "CarePlan", stored(plan(subject={"reference": subject}))) is seen

    def test_does_not_open_what_the_person_only_has_a_part_in(self) -> None:
        access = access_of("patient/*.rs", patient="1")
        other = plan(subject={"reference": "Patient/2"}, author={"reference": "Patient/1"})
        assert not access.admits("r", "CarePlan", stored(other))

    def test_limits_every_scope(self) -> None:
        access = access_of("system/*.cruds", "user/*.cruds", user=WORKER, patient="1", clearances=["*"])
        assert not access.admits("r", "CarePlan", stored(plan(subject={"reference": "Patient/2"})))
        assert not access.may_choose_ids("CarePlan")
        assert not access.sees_all("Provenance")


class TestWhoWrites:
    @pytest.mark.parametrize(
        ("claims", "written", "contributions"),
        [
            ({"patient": "1", "user": WORKER}, "cud", False),
            ({"patient": "1", "user": "PractitionerRole/1"}, "cud", False),
            ({"patient": "1"}, "u", True),
            ({"patient": "1", "user": "Person/1"}, "u", True),
            ({"patient": "1", "user": "Patient/1"}, "u", True),
            ({"user": "Patient/1"}, "u", True),
            ({"patient": "1", "user": "RelatedPerson/1"}, "", True),
            ({"user": WORKER}, "cud", False),
            ({}, "cud", False),
        ],
    )
    def test_depends_on_who_uses_the_client(self, claims: dict[str, str], written: str, contributions: bool) -> None:
        access = access_of("patient/*.cruds", "user/*.cruds", "system/*.cruds", **claims)
        document = stored(plan())
        assert "".join(each for each in PERMISSIONS if access.admits(each, "CarePlan", document)) == "".join(
            each for each in PERMISSIONS if each in f"rs{written}"
        )
        assert access.writes_contributions_only is contributions

    def test_only_one_who_may_create_and_update_everything_chooses_ids(self) -> None:
        assert access_of("system/*.cu", clearances=["*"]).may_choose_ids("Goal")
        assert not access_of("system/*.cu").may_choose_ids("Goal")
        assert not access_of("system/*.cu?category=x", clearances=["*"]).may_choose_ids("Goal")
        assert not access_of("system/*.c", "system/*.u?category=x", clearances=["*"]).may_choose_ids("Goal")


class TestLabels:
    PSY = plan(meta={"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]})

    @pytest.mark.parametrize(
        ("claims", "seen", "is_person"),
        [
            ({"patient": "1", "user": "Patient/1"}, True, True),
            ({"patient": "1", "user": f"{LISTED}/Patient/1"}, True, True),
            ({"patient": "1"}, False, False),
            ({"patient": "1", "user": WORKER}, False, False),
            ({"patient": "1", "user": "RelatedPerson/1"}, False, False),
            ({"patient": "1", "user": WORKER, "clearances": ["PSY"]}, True, False),
            ({"patient": "1", "user": WORKER, "clearances": ["*"]}, True, False),
            ({"patient": "1", "user": WORKER, "clearances": ["R", "SUD"]}, False, False),
        ],
    )
    def test_keep_nothing_from_the_person(self, claims: dict[str, str], seen: bool, is_person: bool) -> None:
        access = access_of("patient/*.rs", **claims)
        assert access.admits("r", "CarePlan", stored(self.PSY)) is seen
        assert access.is_person is is_person
        assert access.has_full_clearance is (is_person or claims.get("clearances") == ["*"])

    def test_are_lowered_by_a_scope_of_its_own(self) -> None:
        assert access_of("system/*.cruds", "recovery/labels.lower").may_lower_labels
        assert not access_of("system/*.cruds", clearances=["*"]).may_lower_labels
        assert not access_of("recovery/labels.lower", user="nobody").may_lower_labels


class TestProvenance:
    def test_is_seen_by_what_it_is_about(self) -> None:
        visible = access_of("patient/*.rs", patient="1").seen("s", "Provenance")
        assert visible is not None
        assert {part.type for part in parts_of(visible) if isinstance(part, LinkedTo)} == {*STORED} - {"Provenance"}

    def test_is_not_seen_by_one_who_sees_nothing_else(self) -> None:
        access = access_of("system/Provenance.rs", clearances=["*"])
        assert access.seen("r", "Provenance") == NOTHING
        assert not access.admits("r", "Provenance", stored({"resourceType": "Provenance", "id": "1"}))

    def test_is_written_about_what_is_read(self) -> None:
        access = access_of("user/Provenance.c", "user/CarePlan.r", user=WORKER)
        assert access.seen("c", "Provenance") not in (None, NOTHING)
        assert access_of("user/Provenance.c", "user/CarePlan.cus", user=WORKER).seen("c", "Provenance") == NOTHING

    def test_takes_no_look_at_what_is_seen_anyway(self) -> None:
        assert access_of("system/*.rs", clearances=["*"]).seen("r", "Provenance") is None


class TestAuditEvents:
    @pytest.mark.parametrize(
        ("scopes", "claims", "seen"),
        [
            (["system/*.cruds"], {"clearances": ["*"]}, False),
            (["system/AuditEvent.rs"], {}, True),
            (["system/AuditEvent.read"], {}, True),
            (["user/AuditEvent.s"], {"user": WORKER}, True),
            (["user/AuditEvent.s"], {}, False),
            (["system/AuditEvent.cruds?outcome=0"], {}, False),
        ],
    )
    def test_are_for_those_whose_scope_names_them(self, scopes: list[str], claims: dict[str, str], seen: bool) -> None:
        access = access_of(*scopes, **claims)
        assert (access.seen("s", "AuditEvent") is None) is seen
        assert all(access.seen(each, "AuditEvent") == NOTHING for each in ("c", "u", "d"))

    def test_name_what_is_labelled(self) -> None:
        assert access_of("patient/AuditEvent.rs", patient="1", user=WORKER).seen("s", "AuditEvent") == NOTHING


class TestDefinitions:
    def test_are_read_with_any_token(self) -> None:
        access = access_of()
        assert access.seen("r", "StructureDefinition") is None
        assert access.seen("u", "StructureDefinition") == NOTHING
        assert access.admits("s", "StructureDefinition", {})

    def test_are_not_read_without_one(self) -> None:
        assert compiled().accesses.of(ANYBODY).seen("r", "StructureDefinition") == NOTHING


class TestWhoIsUnknown:
    @pytest.mark.parametrize("access", [Access(), compiled().accesses.of(ANYBODY)])
    def test_sees_nothing(self, access: Access) -> None:
        assert access.is_limited
        assert not access.has_full_clearance
        for each in PERMISSIONS:
            assert all(access.seen(each, name) == NOTHING for name in (*STORED, "AuditEvent", "Patient"))
            assert not access.admits(each, "CarePlan", stored(plan()))

    def test_sees_everything_where_nobody_is_asked(self) -> None:
        assert not UNLIMITED.is_limited
        assert UNLIMITED.has_full_clearance
        assert UNLIMITED.may_choose_ids("Goal")
        assert UNLIMITED.sees_all("AuditEvent")
        assert UNLIMITED.patient is None
        assert UNLIMITED.admits("d", "CarePlan", {})


def test_the_access_of_a_client_is_made_once() -> None:
    assert access_of("user/*.rs", user=WORKER) is access_of("user/*.rs", user=WORKER)
    assert access_of("user/*.rs", user=WORKER, purposes=("TREAT",)).client.purposes == ("TREAT",)
