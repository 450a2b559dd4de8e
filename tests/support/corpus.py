"""The examples in ``schemas/r4/examples`` that break a rule or only look as if they did, and what is said of each."""

import json
from typing import Any, NamedTuple

from tests.support.samples import EXAMPLES

Finding = tuple[str, str, str | None]
"""Severity, rule and place of an issue."""


class Example(NamedTuple):
    """A file, what it shows, and the issues that it gives."""

    name: str
    about: str
    text: bytes
    issues: list[Finding]
    needs_samples: bool
    """Whether the issues only show where the sample plans are stored."""

    @property
    def is_readable(self) -> bool:
        """Whether it can be read as the JSON of a resource at all."""
        return {rule for _, rule, _ in self.issues}.isdisjoint({"not-json", "duplicate-key", "characters"})

    @property
    def resource(self) -> dict[str, Any]:
        """The resource; raises ValueError where that cannot be read."""
        return json.loads(self.text)


def examples(folder: str) -> list[Example]:
    """Return the examples of a folder, in the order of its ``index.json``."""
    index = json.loads((EXAMPLES / folder / "index.json").read_bytes())
    return [_example(folder, name, row) for name, row in index.items()]


def _example(folder: str, name: str, row: dict[str, Any]) -> Example:
    issues = [(issue["severity"], issue["rule"], issue["expression"]) for issue in row["issues"]]
    text = (EXAMPLES / folder / name).read_bytes()
    return Example(name.removesuffix(".json"), row["about"], text, issues, row.get("needs") == "samples")


INVALID = examples("invalid")
UNUSUAL = examples("valid/unusual")
