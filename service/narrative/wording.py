"""The fixed words of narratives and pages, in one table for whoever translates them."""

import json
from importlib.resources import files

LANGUAGE = "en-GB"
WORDS: dict[str, str] = json.loads((files(__package__) / "words.json").read_text(encoding="utf-8"))
