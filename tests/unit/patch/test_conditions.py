"""Conditions in the path of a FHIRPath Patch choose and compare, and do nothing that could take the service."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.versions import R4
from service.patch import limits
from service.patch.conditions import MOST_PARTS
from service.patch.fhirpath_patch import fhirpath_patched
from tests.support.patches import operation, parameters

STRUCTURES = Structures(Definitions(R4))
NOTES = [
    {"text": "One", "time": "2026-01-01", "extension": [{"url": "http://example.org/rank", "valueInteger": -1}]},
    {"text": "Two", "authorString": "Robin"},
    {"text": "Three", "time": "2026-03-01", "authorReference": {"reference": "Patient/robin"}},
]
PLAN = {"resourceType": "CarePlan", "status": "draft", "title": "words of a person", "note": NOTES}


def left(path: str, resource: dict[str, Any] = PLAN) -> list[str]:
    """Return the notes that are left when the one that ``path`` leads to is deleted."""
    patch = parameters(operation("delete", path))
    return [note["text"] for note in fhirpath_patched(resource, patch, STRUCTURES).get("note", [])]


class NotToBeLookedAt(list[Any]):
    """A list that nobody may look into."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("this was looked at")

    def __getitem__(self, place: Any) -> Any:
        raise AssertionError("this was looked at")


def refused(path: str) -> Issue:
    """Return why ``path`` is refused, which is before anything is evaluated."""
    with pytest.raises(OutcomeError) as caught:
        left(path, PLAN | {"note": NotToBeLookedAt(NOTES)})
    (issue,) = caught.value.issues
    assert (caught.value.status, issue.rule, issue.expression) == (422, "patch-operation", "Parameters.parameter[0]")
    assert "words of a person" not in issue.diagnostics
    return issue


@pytest.mark.parametrize(
    "condition",
    [
        "text = 'Two'",
        "'Two' = text",
        "text != 'One' and text != 'Three'",
        "$this.text = 'Two'",
        "$index = 1",
        "time.empty()",
        "time.exists().not()",
        "author is string",
        "author.is(string)",
        "author.ofType(string) = 'Robin'",
        "(author as string) = 'Robin'",
        "author.as(string).exists()",
        "text.startsWith('Tw')",
        "text.endsWith('wo')",
        "text.contains('w')",
        "text.length() = 3 and text > 'P'",
        "text.lower() = 'two'",
        "text.upper() = 'TWO'",
        "text >= 'Two' and text <= 'Two'",
        "(time < @2026-02-01 or time > @2026-02-01).empty()",
        "time.exists() xor text.exists()",
        "time.exists() implies text.length() = 0",
        "time.all($this > @2026-12-01)",
        "text.where($this = 'Two').count() = 1",
        "text.exists($this = 'Two')",
        "text.first() = 'Two'",
        "text.last() = 'Two'",
        "text.single() = 'Two'",
        "text[0] = 'Two'",
        "text.tail().empty() and text = 'Two'",
    ],
)
def test_what_is_allowed_chooses_one_of_three(condition):
    assert left(f"CarePlan.note.where({condition})") == ["One", "Three"]


@pytest.mark.parametrize(
    "condition",
    [
        "extension('http://example.org/rank').exists()",
        "extension('http://example.org/rank').value = -1",
        "extension.where(url = 'http://example.org/rank').value < 0",
        "extension.exists(url = 'http://example.org/rank')",
    ],
)
def test_conditions_speak_of_extensions(condition):
    assert left(f"CarePlan.note.where({condition})") == ["Two", "Three"]


MULTIPLIES_TEXT = "CarePlan.note.where(text" + ".replace('', 'xxxxxxxxx')" * 9 + ".length() = 1)"
MULTIPLIES_VALUES = "CarePlan.where(note" + ".select($this.combine($this))" * 40 + ".count() = 1).note"
MULTIPLIES_WORK = "CarePlan.where(descendants().where(descendants().exists()).count() > 99999).note"


@pytest.mark.parametrize("path", [MULTIPLIES_TEXT, MULTIPLIES_VALUES, MULTIPLIES_WORK])
def test_what_would_take_the_memory_or_the_time_of_the_service_is_refused_at_once(path):
    issue = refused(path)
    assert "A condition in the path is made of element names, [number]" in issue.diagnostics
    assert "startsWith()" in issue.diagnostics


@pytest.mark.parametrize(
    "condition",
    [
        *("text.replace('a', 'b') = 'x'", "text.matches('(a+)+$')", "text.replaceMatches('a', 'b') = 'x'"),
        *("text & text = 'x'", "text + text = 'x'", "(text | text).count() = 1", "text ~ 'x'", "text !~ 'x'"),
        *("text.combine(text).exists()", "text.union(text).exists()", "repeat(extension).exists()"),
        *("select(text).exists()", "descendants().exists()", "children().exists()", "text.substring(1) = 'x'"),
        *("iif(true, text, text).exists()", "author.resolve().exists()", "text.toString() = 'x'"),
        *("%resource.note.exists()", "%context.note.exists()", "text[text.count() - 1] = 'x'", "3 * 3 = 9"),
        *("text in ('a')", "- text.length() < 0", "text.wordsOfAPerson('words of a person')"),
        *("text.exists(true, $this.replace('', 'x'))", "extension(text.replace('', 'x')).exists()"),
    ],
)
def test_all_else_is_refused_wherever_it_stands(condition):
    for path in (f"CarePlan.note.where({condition})", f"CarePlan.note.where(text.exists() and ({condition}).not())"):
        assert "A condition in the path is made of" in refused(path).diagnostics


def test_conditions_stand_in_each_other_two_deep():
    assert left("CarePlan.where(note.where(text = 'Two').exists()).note[1]") == ["One", "Three"]
    assert left("CarePlan.where(note.exists()).note.where(text.exists()).where(text = 'Two')") == ["One", "Three"]
    for innermost in ("where($this = 'Two').exists()", "exists($this = 'Two')", "all($this = 'Two')"):
        issue = refused(f"CarePlan.where(note.where(text.{innermost}).exists()).note[1]")
        assert "at most 2 deep" in issue.diagnostics


def test_condition_has_so_many_parts():
    terms = ["text = 'Two'"] * (MOST_PARTS // 4)
    assert left(f"CarePlan.note.where({' and '.join(terms)})") == ["One", "Three"]
    issue = refused(f"CarePlan.note.where({' and '.join([*terms, *terms])})")
    assert f"at most {MOST_PARTS} " in issue.diagnostics


def test_path_of_a_thousand_steps_is_refused():
    refused("CarePlan." + ".".join(["a"] * 950))


def test_work_on_one_operation_ends_when_the_time_is_over(monkeypatch):
    class Clock:
        now = 0.0

        def thread_time(self) -> float:
            self.now += 0.1
            return self.now

    monkeypatch.setattr(limits, "time", Clock())
    with pytest.raises(OutcomeError) as caught:
        left("CarePlan.note.where(text = 'Four')", PLAN | {"note": NOTES * 20})
    assert (caught.value.status, "5 seconds" in caught.value.issues[0].diagnostics) == (422, True)
