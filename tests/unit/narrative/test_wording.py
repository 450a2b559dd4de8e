"""The fixed words: one table, all of it in use, in sentences that are quickly read."""

import json
import re
from pathlib import Path
from string import Formatter

import pytest

import service.narrative
from service.conformance.definitions import Definitions
from service.conformance.terminology import Terminology
from service.narrative.values import SYSTEMS
from service.narrative.wording import WORDS

PACKAGE = Path(service.narrative.__file__ or "").parent
SOURCES = [file.read_text(encoding="utf-8") for file in (*PACKAGE.glob("*.py"), *PACKAGE.glob("templates/*.*html"))]
SOURCE = "\n".join([*SOURCES, (PACKAGE.parent / "interactions" / "page.py").read_text(encoding="utf-8")])
BY_CODE = {"month", "unit", "units", "day", "event", "comparator", "kind", "title", *SYSTEMS}
BY_CODE |= {"audit-did", "audit-how", "audit-role"}
"""Groups of words whose keys end in a code or a type."""


@pytest.mark.parametrize("key", WORDS)
def test_every_word_is_used(key: str) -> None:
    group, _, name = key.partition(".")
    if group in BY_CODE and name:
        assert group in SYSTEMS or f'"{group}.{{' in SOURCE
    else:
        word = name if group == "section" else key.removesuffix(".title")
        assert f'"{word}"' in SOURCE or f"'{word}'" in SOURCE


def test_no_word_stands_twice_in_the_table() -> None:
    pairs = json.loads((PACKAGE / "words.json").read_text(encoding="utf-8"), object_pairs_hook=list)
    assert len(pairs) == len(dict(pairs))


@pytest.mark.parametrize("text", WORDS.values())
def test_sentences_are_short(text: str) -> None:
    for sentence in re.split(r"[.:!?] ", text):
        assert len(sentence.split()) <= 20


@pytest.mark.parametrize("text", WORDS.values())
def test_places_for_values_are_numbered_by_their_order_alone(text: str) -> None:
    assert all(field in (None, "") for _, field, _, _ in Formatter().parse(text))


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_words_for_codes_are_of_codes_that_there_are(
    name: str, terminology: Terminology, definitions: Definitions
) -> None:
    codes = [key.removeprefix(f"{name}.") for key in WORDS if key.startswith(f"{name}.")]
    systems = [SYSTEMS[name], "http://terminology.hl7.org/CodeSystem/goal-acceptance-status"]
    assert definitions.find(SYSTEMS[name])
    for code in codes:
        assert any(terminology.display(system, code) for system in systems) or name == "care-plan-activity-status", code
