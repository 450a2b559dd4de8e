"""One share over time for each group, a row for each: a short line, and the last value."""

from service.reporting.dashboard.drawing.palette import PALETTE
from service.reporting.dashboard.drawing.paper import PLAIN, SMALL, WIDTH, Paper, percent
from service.reporting.dashboard.drawing.trend import draw_gaps, draw_line, months, scale
from service.reporting.dashboard.pictures import Picture

_ROW, _LABEL, _RIGHT = 46, 124, 52
_LETTERS = 17
"""That fit beside a line."""
_MOST_LINES = 3


def groups(picture: Picture) -> Paper:
    """Return rows of lines, the first of which is that of all groups together."""
    paper = Paper(_ROW * len(picture.lines) + 26)
    width = WIDTH - _LABEL - _RIGHT
    for row, line in enumerate(picture.lines):
        top = row * _ROW + 5
        axes = paper.area(_LABEL, top, width, _ROW - 14)
        scale(axes, len(line.values))
        for mark in (0, 100):
            axes.axhline(mark, color=PALETTE["grid"], lw=1, zorder=0, clip_on=False)
        draw_gaps(axes, line.values)
        is_all = row == 0
        draw_line(axes, line.values, "quiet" if is_all else "line", 1.75)
        middle = top + (_ROW - 14) / 2 + 4
        said = _in_lines(line.label)
        for number, part in enumerate(said):
            y = middle + 13 * (number - (len(said) - 1) / 2)
            paper.write(0, y, part, SMALL, "text", weight="bold" if is_all else "normal")
        value = line.values[-1]
        if value is None:
            paper.write(LEFT_OF_VALUE, middle, picture.words["few"], SMALL)
        else:
            paper.write(LEFT_OF_VALUE, middle, percent(value), PLAIN, "text", weight="bold")
    months(paper, picture.months, _LABEL, width, paper.height - 6)
    return paper


LEFT_OF_VALUE = WIDTH - _RIGHT + 8


def _in_lines(text: str) -> list[str]:
    """Return ``text`` in at most three lines that fit, an ellipsis where the rest does not."""
    found = [""]
    for word in text.split():
        longer = f"{found[-1]} {word}".strip()
        if len(longer) <= _LETTERS or not found[-1]:
            found[-1] = longer
        else:
            found.append(word)
    found = [each if len(each) <= _LETTERS else f"{each[: _LETTERS - 1]}…" for each in found]
    return (
        found
        if len(found) <= _MOST_LINES
        else [*found[: _MOST_LINES - 1], f"{found[_MOST_LINES - 1][: _LETTERS - 1]}…"]
    )
