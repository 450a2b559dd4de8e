"""The snapshots of our definitions are fresh, whole, and nowhere looser than what they constrain."""

import re
from typing import Any

import pytest

from tests.support.derived_files import differing
from tests.support.snapshots import ADDED_TO, HL7, R4, Definition, Element, Snapshot, Snapshots, read, wanted

OWN = sorted(R4.glob("StructureDefinition-*.json"))
CORE = {path.stem: read(path) for path in (R4 / "core").glob("StructureDefinition-*.json")}
STRENGTHS = ("example", "preferred", "extensible", "required")


@pytest.fixture(params=OWN, ids=lambda path: path.stem.partition("-")[2])
def definition(request: pytest.FixtureRequest) -> Definition:
    return read(request.param)


@pytest.fixture
def snapshot(definition: Definition) -> list[Element]:
    elements: list[Element] = definition["snapshot"]["element"]
    return elements


def parent_of(element_id: str) -> str:
    return element_id.rpartition(".")[0]


def sliced_of(element_id: str) -> str | None:
    above, dot, name = element_id.rpartition(".")
    return above + dot + name.partition(":")[0] if ":" in name else None


def official(element: Element) -> Element:
    """The element of FHIR itself that `element` goes back to."""
    path = element["base"]["path"]
    (found,) = [
        item
        for item in CORE[f"StructureDefinition-{path.partition('.')[0]}"]["snapshot"]["element"]
        if item["id"] == path
    ]
    return found


def most(maximum: str) -> float:
    return float("inf") if maximum == "*" else int(maximum)


def test_every_file_holds_the_snapshot_of_its_differential() -> None:
    texts = wanted()
    assert list(texts) == OWN
    assert list(differing(texts)) == [], "run `python -m tests.support.snapshots`"


def test_ids_are_unique_and_follow_the_path(snapshot: list[Element]) -> None:
    ids = [element["id"] for element in snapshot]
    assert len(ids) == len(set(ids))
    for element in snapshot:
        assert element["path"] == re.sub(r":[^.]+", "", element["id"])
        assert element.get("sliceName") == (element["id"].rpartition(":")[2] if sliced_of(element["id"]) else None)


def test_elements_stand_below_their_parent_and_slices_after_what_they_slice(snapshot: list[Element]) -> None:
    root, *others = [element["id"] for element in snapshot]
    open_ids = [root]
    for element_id in others:
        while open_ids[-1] not in (parent_of(element_id), sliced_of(element_id)):
            open_ids.pop()  # fails on the empty list where the parent is missing or already closed
        assert open_ids[-1] == (sliced_of(element_id) or parent_of(element_id))
        open_ids.append(element_id)


def test_every_element_says_what_a_snapshot_has_to_say(definition: Definition, snapshot: list[Element]) -> None:
    for element in snapshot:
        assert {"id", "path", "short", "definition", "min", "max", "base"} <= element.keys()
        assert element["base"].keys() == {"path", "min", "max"}
    assert snapshot[0]["id"] == definition["type"]
    assert all(("type" in element) != ("contentReference" in element) for element in snapshot[1:])


def test_no_element_is_looser_than_in_fhir(snapshot: list[Element]) -> None:
    for element in snapshot:
        origin = official(element)
        assert element["base"] == {"path": origin["path"], "min": origin["min"], "max": origin["max"]}
        assert 0 <= element["min"] <= most(element["max"]) <= most(origin["max"])
        assert sliced_of(element["id"]) or element["min"] >= origin["min"]
        assert {kind["code"] for kind in element.get("type", ())} <= {kind["code"] for kind in origin.get("type", ())}
        assert {rule["key"] for rule in origin.get("constraint", ())} <= {
            rule["key"] for rule in element.get("constraint", ())
        }
        assert element.get("isModifier", False) == origin.get("isModifier", False)
        assert element.get("isSummary", False) == origin.get("isSummary", False)
        ours, theirs = element.get("binding", {}), origin.get("binding", {})
        assert STRENGTHS.index(ours.get("strength", "example")) >= STRENGTHS.index(theirs.get("strength", "example"))
        if theirs.get("strength") == "required":
            assert ours["valueSet"] == theirs["valueSet"]


def test_a_reference_is_narrowed_to_targets_that_fhir_allows(snapshot: list[Element]) -> None:
    types = {own["url"]: HL7 + own["type"] for own in map(read, OWN)}
    for element in snapshot:
        for kind in element.get("type", ()):
            (theirs,) = [other for other in official(element)["type"] if other["code"] == kind["code"]]
            allowed = set(theirs.get("targetProfile", ())) - {HL7 + "Resource"}
            ours = {types.get(url, url) for url in kind.get("targetProfile", ())}
            assert not allowed or (ours and ours <= allowed)


def test_slices_fit_into_what_they_slice(snapshot: list[Element]) -> None:
    by_id = {element["id"]: element for element in snapshot}
    sliced = {name for element in snapshot if (name := sliced_of(element["id"]))}
    for name in sliced:
        whole, slices = by_id[name], [element for element in snapshot if sliced_of(element["id"]) == name]
        assert whole["slicing"]["discriminator"]
        assert whole["slicing"]["rules"] == "open"
        assert sum(element["min"] for element in slices) <= most(whole["max"])
        assert max(most(element["max"]) for element in slices) <= most(whole["max"])


def test_every_change_of_the_differential_is_in_the_snapshot(definition: Definition, snapshot: list[Element]) -> None:
    by_id = {element["id"]: element for element in snapshot}
    changes = definition["differential"]["element"]
    order = [element["id"] for element in snapshot]
    assert sorted(changes, key=lambda change: order.index(change["id"])) == changes
    for change in changes:
        for name, value in change.items():
            found: Any = by_id[change["id"]][name]
            assert all(item in found for item in value) if name in ADDED_TO else found == value


def test_every_slice_says_how_often_it_may_stand(definition: Definition) -> None:
    for change in definition["differential"]["element"]:
        assert ("sliceName" in change) <= ({"min", "max"} <= change.keys())


def test_every_element_that_we_constrain_is_explained_in_our_own_words(definition: Definition) -> None:
    held = {
        text
        for item in CORE.values()
        for element in item["snapshot"]["element"]
        for text in (element.get("short"), element["definition"])
    }
    assert definition["differential"]["element"][0]["id"] == definition["type"]
    for change in definition["differential"]["element"]:
        assert change["short"] not in held
        assert not change["short"].endswith(".")
        assert change["definition"] not in held
        assert change["definition"].endswith(".")


def test_what_must_be_supported_is_explained(definition: Definition, snapshot: list[Element]) -> None:
    ours = {change["id"] for change in definition["differential"]["element"]}
    assert {element["id"] for element in snapshot if element.get("mustSupport")} <= ours


@pytest.mark.parametrize(
    "misspelt", ["Gaol", "Goal.descripton", "Goal.descripton.text", "Goal.notes:topic", "Goal.note.txt"]
)
def test_a_misspelt_element_is_refused(misspelt: str) -> None:
    held = Snapshots(R4)
    with pytest.raises(LookupError, match="the base has no element"):
        Snapshot(held, held.elements(HL7 + "Goal")).apply({"id": misspelt})
