"""Dates in words, as exact as they were given (https://hl7.org/fhir/R4/datatypes.html#date)."""

import re
from collections.abc import Mapping
from functools import lru_cache

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:T(?P<time>\d{2}:\d{2})[\d:.]*(?P<zone>Z|[+-]\d{2}:\d{2})?)?)?)?",
    re.ASCII,
)


class Dates:
    """Says dates with the names of the months in ``words``."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words
        self.say = lru_cache(maxsize=4096)(self._say)

    def _say(self, text: str) -> str:
        """Return a date or time in words, such as 22 November 2026 or November 2026; the text itself if it is none."""
        found = _DATE.fullmatch(text)
        if found is None:
            return text
        year, month, day, time, zone = found.groups()
        said = " ".join(filter(None, [day and day.lstrip("0"), month and self._words[f"month.{month}"], year]))
        if not time or time == "00:00":
            return said
        return f"{said}, {time} UTC" if zone == "Z" else f"{said}, {time}"
