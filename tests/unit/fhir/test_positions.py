"""Every value of a JSON text is found where it begins, whatever the text looks like."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.positions import Position, SourceText, steps_of

PLAN = """{
  "resourceType": "CarePlan",
  "_status": {"extension": [{"url": "x", "valueCode": "y"}]},
  "status": "bogus", "title": "Zoë's plan", "language": "en",
  "note": [{"text": "a"},
    {"text": "b", "_text": {"id": "q"}}],
  "instantiatesUri": ["urn:a", null], "_instantiatesUri": [null, {"id": "3"}]
}"""


def positions(text: str, expressions: Iterable[str]) -> dict[str, Position]:
    return SourceText(text.encode()).positions(expressions)


def text_at(text: str, place: Position) -> str:
    return text.split("\n")[place.line - 1][place.column - 1 :]


@pytest.mark.parametrize(
    ("expression", "begins"),
    [
        ("CarePlan", "{"),
        ("CarePlan.status", '"bogus"'),
        ("CarePlan.status.extension[0].url", '"x"'),
        ("CarePlan.status.extension[0].value.ofType(code)", '"y"'),
        ("CarePlan.language", '"en"'),  # after a letter of two bytes
        ("CarePlan.note", '[{"text"'),
        ("CarePlan.note[1]", '{"text": "b"'),
        ("CarePlan.note[1].text", '"b"'),
        ("CarePlan.note[1].text.id", '"q"'),
        ("CarePlan.instantiatesUri[1]", "null]"),
        ("CarePlan.instantiatesUri[1].id", '"3"'),
        ("CarePlan._status", '{"extension"'),
        # what is missing: the nearest around it
        ("CarePlan.subject", "{"),
        ("CarePlan.subject.reference", "{"),
        ("CarePlan.note[0].time", '{"text": "a"}'),
        ("CarePlan.note[7]", '[{"text"'),
        ("CarePlan.note.text", '[{"text"'),
        ("CarePlan.status[0]", '"bogus"'),
        ("CarePlan.note[99999999999].text", '[{"text"'),
        ("", "{"),
        ("..[[]", "{"),
    ],
)
def test_an_expression_leads_to_the_beginning_of_its_value(expression: str, begins: str) -> None:
    (found,) = positions(PLAN, [expression]).values()
    assert text_at(PLAN, found).startswith(begins)


def test_a_line_and_a_column_count_from_one() -> None:
    assert positions("  {}", ["Goal"]) == {"Goal": Position(1, 3)}
    assert positions('\n{\r\n\t"a": 1}', ["Goal.a"]) == {"Goal.a": Position(3, 7)}
    assert SourceText(b"a\nbc").position(4) == Position(2, 3)


def test_the_last_of_two_equal_keys_counts() -> None:
    assert positions('{"a": 1,\n"a": 2}', ["Goal.a"]) == {"Goal.a": Position(2, 6)}


def test_steps_are_named_as_in_json() -> None:
    assert steps_of("Goal.target[10].due.ofType(date)") == ["Goal", "target", 10, "dueDate"]


@dataclass
class Written:
    """A JSON text in the making, and where each value in it begins."""

    chance: Random
    text: str = ""
    begins: dict[str, int] = field(default_factory=dict)

    def write(self, value: Any, path: str) -> None:
        self.begins[path] = len(self.text)
        if isinstance(value, dict):
            self._write_members(((f"{path}.{key}", key, item) for key, item in value.items()), "{}")
        elif isinstance(value, list):
            self._write_members(((f"{path}[{number}]", None, item) for number, item in enumerate(value)), "[]")
        else:
            self.text += json.dumps(value, ensure_ascii=self.chance.random() < 0.5)

    def space(self) -> None:
        self.text += self.chance.choice(["", "", " ", "\n", "\r\n\t"])

    def _write_members(self, members: Iterable[tuple[str, str | None, Any]], brackets: str) -> None:
        self.text += brackets[0]
        for number, (path, key, item) in enumerate(members):
            self.text += "," if number else ""
            self.space()
            if key is not None:
                self.text += json.dumps(key)
                self.space()
                self.text += ":"
                self.space()
            self.write(item, path)
            self.space()
        self.space()
        self.text += brackets[1]


KEYS = st.just("entry") | st.text("abcXY", min_size=1, max_size=3)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.integers(0, 2**32))
def test_every_value_of_any_text_is_found_where_it_was_written(value: dict[str, Any], seed: int) -> None:
    written = Written(Random(seed))
    written.text = written.chance.choice(["", "\n ", "\n" * 65_535, " " * 65_536, "\n" + " " * 131_072])
    written.write(value, "Root")
    assert json.loads(written.text) == value
    chosen = written.chance.sample(sorted(written.begins), 1 + len(written.begins) // 2)
    found = positions(written.text, chosen)
    for path in chosen:
        before = written.text[: written.begins[path]]
        assert found[path] == Position(before.count("\n") + 1, len(before) - before.rfind("\n")), path


@given(VALUES, st.text("ab._[]()0ofType", max_size=20))
def test_no_expression_leads_out_of_the_text(value: Any, expression: str) -> None:
    text = json.dumps(value, indent=1)
    (found,) = positions(text, [expression]).values()
    assert text_at(text, found)


def test_many_questions_about_the_entries_of_a_bundle_read_it_once() -> None:
    entries = ",\n".join(f'{{"resource": {{"n": [{number}, "{"x" * 3_000}"]}}}}' for number in range(1_000))
    source = SourceText(f'{{"resourceType": "Bundle", "entry": [\n{entries}\n]}}'.encode())
    started = time.perf_counter()
    for number in range(1_000):
        place = f"Bundle.entry[{number}].resource"
        found = source.positions([f"{place}.n[0]", f"{place}.missing"])
        assert found == {f"{place}.n[0]": Position(number + 2, 21), f"{place}.missing": Position(number + 2, 14)}
    assert time.perf_counter() - started < 20, "and is not read once for each, which takes minutes"
    assert source.positions(["Bundle.entry[1000].resource"]) == {"Bundle.entry[1000].resource": Position(1, 37)}


@pytest.mark.parametrize("depth", [900, 990, 1_000, 10_000])
def test_a_text_nested_deeper_than_can_be_read_keeps_the_nearest_position(depth: int) -> None:
    text = '{"entry":' + "[" * depth + "]" * depth + "}"
    found = positions(text, ["Bundle.entry[0]", "Bundle.entry[0][0]", "Bundle.x"])
    assert found["Bundle.x"] == Position(1, 1)
    assert {place.line for place in found.values()} == {1}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"note": [' + "1," * 2_000_000 + '1], "x": 1}', [f"P.note[{number}]" for number in range(100)]),
        ('{"e": [' + '{"n": [1, 2, 3]},' * 200_000 + '{}], "x": 1}', [f"P.e[{number}].n[0]" for number in range(100)]),
        ('{"a":' * 800 + "1" + "}" * 800, ["P" + ".a" * 700]),
        ("[" * 100_000, []),
    ],
    ids=["one long list", "many lists", "deep", "deeper than anything is read"],
)
def test_large_and_deep_texts_take_no_longer_than_reading_them(text: str, wanted: list[str]) -> None:
    started = time.perf_counter()
    found = positions(text, [*wanted, "P.x"])
    assert time.perf_counter() - started < 20, "this is for a text read again and again, which takes minutes"
    assert len(found) == len(wanted) + 1
