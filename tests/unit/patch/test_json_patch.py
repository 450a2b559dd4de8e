"""JSON Patch: the published tests of RFC 6902 and of FHIR, digits, and what no patch may do."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.fhir.json import dump, parse
from service.fhir.outcome import OutcomeError
from service.patch.json_patch import MOST_COPIED, apply_json_patch, json_patched

PUBLISHED = Path(__file__).parents[2] / "support" / "patch_tests"


def _published() -> list[Any]:
    files = ("tests.json", "spec_tests.json", "json-patch-tests.json")
    cases = [case for name in files for case in parse_leniently(PUBLISHED / name) if "patch" in case]
    return [pytest.param(case, id=f"{number}: {case.get('comment', '')}") for number, case in enumerate(cases)]


def parse_leniently(path: Path) -> list[Any]:
    """Return the cases of a file; one of them gives a member twice on purpose, which the service refuses earlier."""
    return json.loads(path.read_bytes())


@pytest.mark.parametrize("case", [case for case in _published() if not case.values[0].get("disabled")])
def test_published(case):
    document, patch = parse(json.dumps(case["doc"]).encode()), case["patch"]
    before = json.dumps([document, patch])
    if "error" in case:
        with pytest.raises(OutcomeError) as caught:
            apply_json_patch(document, patch)
        assert caught.value.status in (400, 422)
    else:
        found = apply_json_patch(document, patch)
        assert same(found, case.get("expected", case["doc"]))
    assert json.dumps([document, patch]) == before


def same(left: Any, right: Any) -> bool:
    """Return whether two values are the same JSON, where true is not 1."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def patched(document: str, *operations: dict[str, Any]) -> bytes:
    return dump(json_patched(parse(document.encode()), parse(json.dumps(operations).encode())))


def refused(document: str, *operations: dict[str, Any]) -> OutcomeError:
    with pytest.raises(OutcomeError) as caught:
        patched(document, *operations)
    return caught.value


def test_digits_are_kept_by_every_operation():
    goal = '{"a":[1.10,-0,1e2,100.000],"b":0.30}'
    found = patched(
        goal,
        {"op": "test", "path": "/b", "value": 0.3},
        {"op": "copy", "from": "/a", "path": "/c"},
        {"op": "move", "from": "/a/0", "path": "/d"},
    )
    assert found == b'{"a":[-0,1e2,100.000],"b":0.30,"c":[1.10,-0,1e2,100.000],"d":1.10}'


def test_value_keeps_the_digits_it_was_sent_with():
    patch = parse(b'[{"op":"replace","path":"/a","value":{"value":2.50}}]')
    assert dump(apply_json_patch({"a": 1}, patch)) == b'{"a":{"value":2.50}}'


@pytest.mark.parametrize(("given", "expected"), [("1", True), ("true", 1), ("0", False), ("null", 0), ('"1"', 1)])
def test_values_of_different_types_are_not_the_same(given, expected):
    error = refused(f'{{"a":{given}}}', {"op": "test", "path": "/a", "value": expected})
    assert (error.status, error.issues[0].rule) == (422, "patch-test")


def test_list_and_object_that_lose_their_last_item_are_gone():
    lists = '"note":[{"text":"x"}],"target":[{"due":{"a":1}}],"given":["a","b"],"_given":[null,{"id":"1"}]'
    operations = [
        {"op": "remove", "path": "/note/0"},
        {"op": "remove", "path": "/target/0/due/a"},
        {"op": "remove", "path": "/_given/1/id"},
    ]
    assert patched(f'{{"status":"active",{lists}}}', *operations) == b'{"status":"active","given":["a","b"]}'


def test_what_stands_beside_primitive_values_keeps_its_position():
    plan = '{"x":["a","b"],"_x":[{"id":"1"},{"id":"2"}]}'
    assert patched(plan, {"op": "remove", "path": "/_x/0/id"}) == b'{"x":["a","b"],"_x":[null,{"id":"2"}]}'


def test_empty_list_may_stand_between_two_operations():
    operations = [{"op": "remove", "path": "/note/0"}, {"op": "add", "path": "/note/-", "value": {"text": "new"}}]
    assert patched('{"note":[{"text":"old"}]}', *operations) == b'{"note":[{"text":"new"}]}'


def test_empty_value_that_a_client_writes_stays_for_validation_to_refuse():
    assert patched('{"a":1}', {"op": "add", "path": "/note", "value": []}) == b'{"a":1,"note":[]}'


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "addne", "path": "/a", "value": 1},
        {"op": ["add"], "path": "/a", "value": 1},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": 1, "value": 1},
        {"op": "add", "path": "/a"},
        {"op": "copy", "path": "/a"},
        {"op": "copy", "path": "/a", "from": None},
        {"op": "test", "path": "/~2", "value": 1},
        "remove",
        None,
    ],
)
def test_malformed_operation_is_400_and_its_number_is_told(operation):
    error = refused('{"b":1}', {"op": "test", "path": "/b", "value": 1}, operation)
    assert (error.status, error.issues[0].rule) == (400, "patch-format")
    assert "Operation 2 " in error.issues[0].diagnostics


@pytest.mark.parametrize("body", [{}, "x", None, 1])
def test_patch_that_is_no_array_is_400(body):
    with pytest.raises(OutcomeError) as caught:
        apply_json_patch({}, body)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": ""},
        {"op": "remove", "path": "/a/5"},
        {"op": "remove", "path": "/a/-1"},
        {"op": "remove", "path": "/a/-"},
        {"op": "replace", "path": "/a/٢", "value": 1},
        {"op": "add", "path": "/a/01", "value": 1},
        {"op": "add", "path": "/t/0", "value": "x"},
        {"op": "remove", "path": "/t/0"},
        {"op": "copy", "path": "/c", "from": "/t/0"},
        {"op": "move", "path": "/a/0/b", "from": "/a/0"},
        {"op": "add", "path": "/missing/b", "value": 1},
        {"op": "test", "path": "/t/0", "value": "w"},
        {"op": "test", "path": "/n/0", "value": 1},
    ],
)
def test_operation_that_cannot_be_done_is_422(operation):
    error = refused('{"a":[{"b":1},2,3],"t":"words of a person","n":1}', operation)
    assert error.status == 422
    assert "words" not in error.issues[0].diagnostics


def test_pointer_is_told_only_where_it_is_no_sentence():
    told = refused("{}", {"op": "remove", "path": "/note/0/text"}).issues[0].diagnostics
    untold = refused("{}", {"op": "remove", "path": "/My own words"}).issues[0].diagnostics
    assert "/note/0/text" in told
    assert "own words" not in untold


def test_copies_of_copies_end():
    bomb = [{"op": "copy", "from": "", "path": f"/{number}"} for number in range(60)]
    error = refused('{"a":[1,2,3]}', *bomb)
    assert (error.status, str(MOST_COPIED) in error.issues[0].diagnostics) == (422, True)


def test_nesting_without_end_is_refused():
    error = refused('{"a":1}', *[{"op": "copy", "from": "", "path": "/a"}] * 600)
    assert (error.status, error.issues[0].rule) in ((400, "nesting"), (422, "patch-operation"))
