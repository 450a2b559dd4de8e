"""Which labels keep a resource from a client, and which do not."""

import pytest

from service.security.clearance import ACT_REASON, CONFIDENTIALITY
from tests.unit.security.judge import ACT_CODE, Json
from tests.unit.security.world import access_of, stored

OWN = "https://labels.example.org/own"
PSY, SUD = {"system": ACT_CODE, "code": "PSY"}, {"system": ACT_CODE, "code": "SUD"}
NORMAL, RESTRICTED, VERY = ({"system": CONFIDENTIALITY, "code": code} for code in "NRV")
SECRET = {"system": OWN, "code": "secret"}


def is_seen(labels: list[Json], clearances: list[str]) -> bool:
    plan = {"resourceType": "CarePlan", "id": "1", "meta": {"security": labels}}
    return access_of("system/*.rs", clearances=clearances).admits("r", "CarePlan", stored(plan))


@pytest.mark.parametrize(
    "labels",
    [
        [],
        *([{"system": CONFIDENTIALITY, "code": code}] for code in "ULMN"),
        [{"system": ACT_REASON, "code": "HTEST"}],
        [NORMAL, {"system": ACT_REASON, "code": "HTEST", "display": "test health data"}],
        [{**NORMAL, "version": "2", "userSelected": True}],
    ],
)
def test_some_labels_keep_nothing_from_anybody(labels: list[Json]) -> None:
    assert is_seen(labels, [])


@pytest.mark.parametrize(
    "label",
    [
        *(RESTRICTED, VERY, PSY, SUD, SECRET),
        {"system": ACT_CODE, "code": "ETH"},
        {"code": "N"},
        {"system": OWN, "code": "N"},
        {"system": OWN, "code": "HTEST"},
        {"system": CONFIDENTIALITY, "code": "n"},
        {"system": CONFIDENTIALITY, "code": "HTEST"},
        {"system": CONFIDENTIALITY},
        {"code": f"{CONFIDENTIALITY}|N"},
        {"display": "normal"},
        {"id": "a"},
        {"_code": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}},
    ],
)
def test_all_others_ask_for_clearance(label: Json) -> None:
    assert not is_seen([label], [])
    assert not is_seen([label, NORMAL], [])
    assert not is_seen([NORMAL, label], ["X", f"{OWN}|x", "", "|", f"{OWN}|"])
    assert is_seen([label], ["*"])


@pytest.mark.parametrize(
    ("clearance", "label", "seen"),
    [
        ("PSY", PSY, True),
        ("PSY", SUD, False),
        ("psy", PSY, False),
        (f"{ACT_CODE}|PSY", PSY, True),
        (f"{CONFIDENTIALITY}|PSY", PSY, False),
        ("secret", SECRET, False),
        (f"{OWN}|secret", SECRET, True),
        (f"{OWN}|sec", SECRET, False),
        (f"{OWN}|", SECRET, False),
        ("R", RESTRICTED, True),
        ("R", VERY, False),
        ("R", {"code": "R"}, True),
        ("|R", {"code": "R"}, True),
        ("|R", RESTRICTED, False),
        ("V", VERY, True),
        ("V", RESTRICTED, True),
        ("V", {"code": "R"}, False),
        (f"{CONFIDENTIALITY}|V", RESTRICTED, True),
        (f"{OWN}|V", RESTRICTED, False),
        ("a|b", {"code": "a|b"}, False),
        ("**", SECRET, False),
    ],
)
def test_a_clearance_is_for_what_it_names(clearance: str, label: Json, seen: bool) -> None:
    assert is_seen([label], [clearance]) is seen


def test_each_label_asks_for_its_own() -> None:
    assert not is_seen([PSY, SUD], ["PSY"])
    assert not is_seen([PSY, SUD], ["SUD"])
    assert not is_seen([PSY, {"display": "and more"}], ["PSY"])
    assert is_seen([PSY, SUD, NORMAL], ["SUD", "PSY"])
