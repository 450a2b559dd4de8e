"""One share over time, from none to all, so that every picture can be compared with every other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from service.reporting.dashboard.drawing.palette import PALETTE
from service.reporting.dashboard.drawing.paper import PLAIN, SMALL, WIDTH, Paper, gaps, last, percent
from service.reporting.dashboard.pictures import Picture

_LEFT, _RIGHT, _TOP, _HEIGHT = 42, 42, 12, 104
_MARKS = (0, 50, 100)


def trend(picture: Picture) -> Paper:
    """Return the line of a share over the months, with the last value written at its end."""
    paper = Paper(150)
    values = picture.lines[0].values
    width = WIDTH - _LEFT - _RIGHT
    axes = paper.area(_LEFT, _TOP, width, _HEIGHT)
    scale(axes, len(values))
    for mark in _MARKS:
        axes.axhline(mark, color=PALETTE["grid"], lw=1, zorder=0)
        y = _TOP + _HEIGHT * (1 - mark / 100)
        paper.write(_LEFT - 8, y + 4, percent(mark), ha="right")
    draw_gaps(axes, values)
    draw_line(axes, values, "line", 2.25)
    months(paper, picture.months, _LEFT, width, _TOP + _HEIGHT + 18)
    ending(paper, values, _LEFT, width, _TOP, _HEIGHT)
    return paper


def ending(paper: Paper, values: Sequence[int | None], left: float, width: float, top: float, height: float) -> None:
    """Write the last value that is shown beside its point, if that is the last month."""
    at = last(values)
    if at == len(values) - 1 and at is not None:
        y = top + height * (1 - (values[at] or 0) / 100)
        paper.write(left + width + 8, y + 4.5, percent(values[at] or 0), PLAIN, "text", weight="bold")


def scale(axes: Axes, number: int) -> None:
    """Give ``axes`` room for so many months from none to all."""
    axes.set_xlim(-0.5, number - 0.5)
    axes.set_ylim(0, 100)


def draw_gaps(axes: Axes, values: Sequence[int | None]) -> None:
    """Shade the months for which nothing is shown, over the whole height: it is no value, least of all none."""
    for first, end in gaps(values):
        axes.axvspan(first - 0.5, end + 0.5, color=PALETTE["few"], lw=0, zorder=0)
        for edge in (first - 0.5, end + 0.5):
            axes.axvline(edge, color=PALETTE["quiet"], lw=0.75, ls=(0, (1, 3)), zorder=0)


def draw_line(axes: Axes, values: Sequence[int | None], colour: str, width: float) -> None:
    """Draw a line that is broken where nothing is shown, and a point where it stands alone or ends."""
    known = np.array([np.nan if value is None else value for value in values], dtype=float)
    axes.plot(known, color=PALETTE[colour], lw=width, solid_capstyle="round", solid_joinstyle="round", clip_on=False)
    alone = [
        at
        for at, value in enumerate(values)
        if value is not None and all(near is None for near in (*values[max(at - 1, 0) : at], *values[at + 1 : at + 2]))
    ]
    end = last(values)
    points = sorted({*alone, *([] if end is None else [end])})
    axes.plot(points, known[points], "o", ms=width * 2.6, color=PALETTE[colour], mec=PALETTE["card"], clip_on=False)


def months(paper: Paper, names: Sequence[str], left: float, width: float, y: float) -> None:
    """Write the first and the last month below what is drawn."""
    half = width / len(names) / 2
    if len(names) > 1:
        paper.write(left + min(half, 8), y, names[0], SMALL, ha="left")
    paper.write(left + width - min(half, 8), y, names[-1], SMALL, ha="right")
