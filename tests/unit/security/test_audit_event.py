"""AuditEvents are valid FHIR whatever happened, in the form of IHE's Basic Audit Log Patterns."""

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.conformance.xml import Xml
from service.fhir.reference import Addresses
from service.fhir.touched import Touched
from service.fhir.versions import R4
from service.interactions.perform import INTERACTIONS
from service.security.audit import Happened, Recorded
from service.security.audit_event import AuditEvents, seen_by
from service.security.client import ANYBODY, Client

_DEFINITIONS = Definitions(R4)
_STRUCTURES, _TERMINOLOGY = Structures(_DEFINITIONS), Terminology(_DEFINITIONS)
_VALIDATOR = Validator(_DEFINITIONS, _STRUCTURES, _TERMINOLOGY, Addresses().same_reference, ())
_MOMENT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
_NURSE = Client("https://id.example.org", "ehr", "u-1", "Practitioner/nurse", purposes=("TREAT",))
_WRITER = AuditEvents("https://plans.example.org/fhir/R4", {"TREAT": "treatment"})
_INTERACTIONS = sorted({code for methods in INTERACTIONS.values() for code, _ in methods.values()})

texts = st.text(max_size=30)
maybe = st.one_of(st.none(), texts.filter(bool))
ids = st.text("abcXYZ019-.", min_size=1, max_size=20)
people = st.one_of(
    st.none(), ids.map("Patient/{}".format), st.sampled_from(["Group/1", "https://ehr.example/Patient/1"])
)
clients = st.builds(
    Client,
    st.one_of(st.none(), st.just("https://id.example.org")),
    maybe,
    maybe,
    st.one_of(
        maybe, st.sampled_from(["Practitioner/1", "Patient/1", "https://ehr.example/RelatedPerson/1", "Person/1"])
    ),
    st.one_of(st.none(), ids),
    purposes=st.tuples(st.one_of(st.just("TREAT"), texts.filter(bool))),
)
versions = st.builds(
    Touched,
    st.sampled_from(["CarePlan", "Goal", "RiskAssessment", "Provenance", "AuditEvent"]),
    ids,
    st.integers(1, 10**6),
    people,
    st.sampled_from("CRUD"),
)
events = st.builds(
    Happened,
    st.just(_MOMENT),
    clients,
    texts,
    texts,
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
    st.sampled_from(["", *_INTERACTIONS]),
    texts,
    texts,
    st.lists(texts, max_size=3).map(tuple),
    st.sampled_from([200, 201, 204, 304, 400, 401, 403, 404, 412, 500, 503]),
    st.lists(st.sampled_from(["forbidden", "unknown-resource"]), max_size=2).map(tuple),
    st.lists(versions, max_size=4).map(tuple),
)


def recorded(happened: Happened, *, is_erased: bool = False) -> Recorded:
    return Recorded("0a1b2c-000000000007-3", _MOMENT, happened, is_erased)


def happened(**others: Any) -> Happened:
    touched = (Touched("CarePlan", "a", 2, "Patient/1"), Touched("Goal", "b", 1, "Patient/2", "U"))
    asked = ("GET", "search-type", "CarePlan", "patient=1,2")
    return replace(
        Happened(_MOMENT, _NURSE, "192.0.2.1", "request-1", *asked, (), 200, (), touched),
        **others,
    )


def references(event: dict[str, Any]) -> list[str]:
    return [each["what"]["reference"] for each in event["entity"] if "reference" in each.get("what", {})]


def queries(event: dict[str, Any]) -> list[str]:
    return [b64decode(each["query"]).decode() for each in event["entity"] if "query" in each]


@given(events, st.booleans(), st.booleans())
def test_whatever_happened_is_a_valid_resource(event: Happened, is_erased: bool, is_redacted: bool) -> None:
    resource = _WRITER.resource(recorded(event, is_erased=is_erased), is_redacted=is_redacted)
    assert [issue for issue in _VALIDATOR.issues(resource) if issue.is_error] == []
    xml = Xml(_STRUCTURES)
    assert xml.read(xml.write(resource, False)) == resource


def test_it_says_who_did_what_with_which_versions() -> None:
    event = _WRITER.resource(recorded(happened()))
    assert (event["type"]["code"], event["subtype"][0]["code"], event["action"]) == ("rest", "search-type", "E")
    assert (event["outcome"], event["outcomeDesc"]) == ("0", "HTTP 200")
    application, user, server = event["agent"]
    assert application["who"] == {"identifier": {"system": "https://id.example.org", "value": "ehr"}}
    assert application["network"] == {"address": "192.0.2.1", "type": "2"}
    assert user["who"]["reference"] == "Practitioner/nurse"
    assert (application["requestor"], user["requestor"], server["requestor"]) == (False, True, False)
    assert user["purposeOfUse"] == event["purposeOfEvent"]
    assert event["purposeOfEvent"][0]["coding"][0]["display"] == "treatment"
    assert event["source"]["site"] == "0a1b2c"
    assert queries(event) == ["GET CarePlan?patient=1,2"]
    assert references(event) == ["Patient/1", "Patient/2", "CarePlan/a/_history/2", "Goal/b/_history/1"]
    assert [each["lifecycle"]["code"] for each in event["entity"] if "lifecycle" in each] == ["6", "3"]


@pytest.mark.parametrize(
    ("interaction", "subtype", "action", "application", "server"),
    [
        ("read", "read", "R", "110152", "110153"),
        ("search-system", "search-system", "E", "110153", "110152"),
        ("create", "create", "C", "110153", "110152"),
        ("conditional-patch", "patch", "U", "110153", "110152"),
        ("delete", "delete", "D", "110150", "custodian"),
        ("$everything", "operation", "E", "110153", "110152"),
        ("transaction", "transaction", "E", "110153", "110152"),
    ],
)
def test_each_interaction_has_the_codes_that_balp_gives_it(
    interaction: str, subtype: str, action: str, application: str, server: str
) -> None:
    event = _WRITER.resource(recorded(happened(interaction=interaction)))
    assert (event["subtype"][0]["code"], event["action"]) == (subtype, action)
    codes = [agent["type"]["coding"][0]["code"] for agent in event["agent"]]
    assert (codes[0], codes[-1]) == (application, server)


@pytest.mark.parametrize(("status", "outcome"), [(200, "0"), (304, "0"), (403, "4"), (503, "8")])
def test_the_outcome_follows_from_the_status(status: int, outcome: str) -> None:
    event = _WRITER.resource(recorded(happened(status=status, rules=("forbidden",))))
    assert (event["outcome"], event["outcomeDesc"]) == (outcome, f"HTTP {status} forbidden")


def test_entries_of_a_bundle_are_told_one_by_one() -> None:
    entries = ("GET Goal/1 200", "POST Goal 201")
    event = _WRITER.resource(recorded(happened(method="POST", path="", query="", entries=entries)))
    assert queries(event) == ["POST ", *entries]


def test_without_a_user_the_application_asks_for_itself() -> None:
    for client in (ANYBODY, Client(client_id="job", subject="job")):
        event = _WRITER.resource(recorded(happened(client=client)))
        assert [agent["requestor"] for agent in event["agent"]] == [True, False]


def test_a_person_sees_nothing_of_others() -> None:
    event = _WRITER.resource(seen_by(("Patient/1",), recorded(happened())), is_redacted=True)
    assert references(event) == ["Patient/1", "CarePlan/a/_history/2"]
    assert queries(event) == []
    assert event["meta"]["security"][0]["code"] == "REDACTED"


def test_what_was_erased_is_not_told() -> None:
    event = _WRITER.resource(recorded(happened(query="", touched=()), is_erased=True))
    assert queries(event) == []


def _codings(value: Any) -> list[dict[str, str]]:
    if isinstance(value, list):
        return [found for item in value for found in _codings(item)]
    if not isinstance(value, dict):
        return []
    own = [value] if {"system", "code", "display"} <= value.keys() else []
    return own + _codings(list(value.values()))


@pytest.mark.parametrize("interaction", ["read", "search-type", "create", "patch", "delete", "person-erase"])
def test_codes_are_displayed_as_their_code_systems_do(interaction: str) -> None:
    touched = tuple(Touched("Goal", "b", 1, "Patient/2", action) for action in "CRUD")
    event = _WRITER.resource(recorded(happened(interaction=interaction, touched=touched)), is_redacted=True)
    held = {coding["system"]: coding for coding in _codings(event) if _DEFINITIONS.find(coding["system"])}
    assert len(held) >= 5
    for coding in (each for each in _codings(event) if each["system"] in held):
        assert coding["display"] == _TERMINOLOGY.display(coding["system"], coding["code"]), coding


def test_what_is_erased_for_good_is_told_so() -> None:
    touched = (Touched("Goal", "b", 3, "Patient/2", "D"),)
    event = _WRITER.resource(recorded(happened(interaction="person-erase", address="plans-host", touched=touched)))
    assert event["entity"][-1]["lifecycle"]["code"] == "15"
    assert event["agent"][0]["network"] == {"address": "plans-host", "type": "1"}
