"""One share over time for each group, a row for each: a short line, and the last value."""

from textwrap import wrap

from service.reporting.dashboard.drawing.palette import PALETTE
from service.reporting.dashboard.drawing.paper import PLAIN, SMALL, WIDTH, Paper, percent
from service.reporting.dashboard.drawing.trend import draw_gaps, draw_line, months, scale
from service.reporting.dashboard.pictures import Line, Picture

_LABEL, _RIGHT, _FOOT = 124, 52, 26
_VALUE = WIDTH - _RIGHT + 8
_LETTERS = 17
"""That fit beside a line."""
_MANY = 12
_ROW, _LINES = 46, 3
_ROW_OF_MANY, _LINES_OF_MANY = 32, 2


def groups(picture: Picture) -> Paper:
    """Return rows of lines, the first of which is that of all groups together; where they are many they are lower."""
    is_many = len(picture.lines) > _MANY
    height = _ROW_OF_MANY if is_many else _ROW
    paper = Paper(height * len(picture.lines) + _FOOT)
    for row, line in enumerate(picture.lines):
        _draw_row(paper, picture, line, row * height + 5, height - 14, is_all=row == 0)
        said = wrap(line.label, _LETTERS, max_lines=_LINES_OF_MANY if is_many else _LINES, placeholder="…")
        for number, part in enumerate(said):
            y = _middle(row * height + 5, height - 14) + 13 * (number - (len(said) - 1) / 2)
            paper.write(0, y, part, SMALL, "text", weight="normal" if row else "bold")
    months(paper, picture.months, _LABEL, WIDTH - _LABEL - _RIGHT, paper.height - 6)
    return paper


def _draw_row(paper: Paper, picture: Picture, line: Line, top: float, height: float, *, is_all: bool) -> None:
    axes = paper.area(_LABEL, top, WIDTH - _LABEL - _RIGHT, height)
    scale(axes, len(line.values))
    for mark in (0, 100):
        axes.axhline(mark, color=PALETTE["grid"], lw=1, zorder=0, clip_on=False)
    draw_gaps(axes, line.values)
    draw_line(axes, line.values, "quiet" if is_all else "line", 1.75)
    value = line.values[-1]
    if value is None:
        paper.write(_VALUE, _middle(top, height), picture.words["few"], SMALL)
    else:
        paper.write(_VALUE, _middle(top, height), percent(value), PLAIN, "text", weight="bold")


def _middle(top: float, height: float) -> float:
    """Return the base line of letters in the middle of a row."""
    return top + height / 2 + 4
