"""The words of the dashboard, and in which order it tells what: tables for whoever translates or rearranges them."""

import json
from datetime import date
from importlib.resources import files
from typing import Any


def _read(name: str) -> Any:
    return json.loads((files(__package__) / name).read_text(encoding="utf-8"))


LANGUAGE = "en-GB"
WORDS: dict[str, str] = _read("words.json")
LAYOUT: dict[str, Any] = _read("layout.json")


def month_in_words(month: date) -> str:
    """Return a month such as October 2026."""
    return f"{WORDS[f'month.{month:%m}']} {month.year}"


def month_in_short(month: date) -> str:
    """Return a month such as Oct 2026."""
    return f"{WORDS[f'short.{month:%m}']} {month.year}"
