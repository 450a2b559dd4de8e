"""Draws: reads pictures as JSON from standard input, and writes the SVG of each on a line of its own, as JSON."""

import json
import sys
from collections.abc import Callable
from typing import Any

from service.reporting.dashboard.drawing.change import change
from service.reporting.dashboard.drawing.columns import columns
from service.reporting.dashboard.drawing.groups import groups
from service.reporting.dashboard.drawing.paper import Paper
from service.reporting.dashboard.drawing.split import split
from service.reporting.dashboard.drawing.svg import finished
from service.reporting.dashboard.drawing.trend import trend
from service.reporting.dashboard.pictures import Line, Picture

DRAWN: dict[str, Callable[[Picture], Paper]] = {
    "trend": trend,
    "groups": groups,
    "columns": columns,
    "split": split,
    "change": change,
}


def draw(plain: dict[str, Any]) -> str:
    """Return the SVG of a picture that is given as JSON has it."""
    picture = Picture(**{**plain, "lines": [Line(**line) for line in plain["lines"]]})
    paper = DRAWN[picture.kind](picture)
    return finished(paper.svg(), picture.key, picture.title, picture.description)


if __name__ == "__main__":
    for each in json.load(sys.stdin):
        print(json.dumps(draw(each)), flush=True)
