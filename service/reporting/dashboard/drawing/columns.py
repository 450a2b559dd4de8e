"""A count and how much of it something is true of, a column for each month."""

from service.reporting.dashboard.drawing.palette import PALETTE
from service.reporting.dashboard.drawing.paper import PLAIN, WIDTH, Paper
from service.reporting.dashboard.drawing.trend import draw_gaps, months
from service.reporting.dashboard.pictures import Picture

_LEFT, _RIGHT, _TOP, _HEIGHT = 36, 8, 14, 106


def columns(picture: Picture) -> Paper:
    """Return a pale column for all of each month, and a dark one in it for the part."""
    paper = Paper(154)
    whole, part = picture.lines[0].values, picture.lines[1].values
    width = WIDTH - _LEFT - _RIGHT
    axes = paper.area(_LEFT, _TOP, width, _HEIGHT)
    top = _round_above(max((value for value in whole if value is not None), default=0))
    axes.set_xlim(-0.5, len(whole) - 0.5)
    axes.set_ylim(0, top)
    for mark in (0, top // 2, top):
        axes.axhline(mark, color=PALETTE["grid"], lw=1, zorder=0)
        paper.write(_LEFT - 8, _TOP + _HEIGHT * (1 - mark / top) + 4, str(mark), ha="right")
    draw_gaps(axes, [None if value is None else 0 for value in whole])
    for at, (all_of_it, some) in enumerate(zip(whole, part, strict=True)):
        if all_of_it is not None:
            axes.bar(at, all_of_it, 0.72, color=PALETTE["area"], zorder=1)
        if some is not None:
            axes.bar(at, some, 0.72, color=PALETTE["line"], zorder=2)
        elif all_of_it is not None:
            axes.bar(at, all_of_it, 0.72, fc=PALETTE["few"], ec=PALETTE["then"], ls=(0, (3, 3)), zorder=2)
    if part[-1]:
        y = _TOP + _HEIGHT * (1 - part[-1] / top)
        paper.write(
            WIDTH - _RIGHT - width / len(part) / 2, y - 5, str(part[-1]), PLAIN, "text", weight="bold", ha="center"
        )
    months(paper, picture.months, _LEFT, width, _TOP + _HEIGHT + 18)
    return paper


def _round_above(most: int) -> int:
    """Return the round number that is the top of a scale for ``most``."""
    size = next(size for size in (10, 20, 40, 50, 100, 200, 400, 500, 1000, 10**4, 10**5, 10**6, 10**9) if most <= size)
    steps = size // 5
    return max(10, -(-most // steps) * steps)
