"""How a whole is split, a column for each month and the names of the parts beside the last."""

from service.reporting.dashboard.drawing.palette import PALETTE
from service.reporting.dashboard.drawing.paper import SMALL, WIDTH, Paper, percent
from service.reporting.dashboard.drawing.trend import months
from service.reporting.dashboard.pictures import Picture

_LEFT, _RIGHT, _TOP, _HEIGHT = 0, 148, 4, 150
_STEP = 16
"""At least between two names."""


def split(picture: Picture) -> Paper:
    """Return columns of parts that are put on one another; what is not shown stays empty at the top."""
    paper = Paper(190)
    width = WIDTH - _LEFT - _RIGHT
    axes = paper.area(_LEFT, _TOP, width, _HEIGHT)
    number = len(picture.months)
    axes.set_xlim(-0.5, number - 0.5)
    axes.set_ylim(0, 100)
    axes.axvspan(-0.5, number - 0.5, color=PALETTE["few"], lw=0, zorder=0)
    middles: list[float] = []
    below = [0.0] * number
    for at, line in enumerate(picture.lines):
        shown = [value or 0 for value in line.values]
        room = [min(value, 100 - base) for value, base in zip(shown, below, strict=True)]
        axes.bar(range(number), room, 0.86, bottom=below, color=PALETTE[f"part-{at}"], ec=PALETTE["card"], lw=1)
        middles.append(_TOP + _HEIGHT * (1 - (below[-1] + room[-1] / 2) / 100))
        below = [base + value for base, value in zip(below, room, strict=True)]
    for line, y, at in zip(picture.lines, _apart(middles), range(number), strict=False):
        value = line.values[-1]
        said = picture.words["few"] if value is None else percent(value)
        mark = paper.area(_LEFT + width + 8, y - 5, 10, 10)
        mark.bar(0, 1, 1, color=PALETTE[f"part-{at}"])
        paper.write(_LEFT + width + 23, y + 4, f"{line.label}: {said}", SMALL, "text")
    months(paper, picture.months, _LEFT, width, _TOP + _HEIGHT + 18)
    return paper


def _apart(middles: list[float]) -> list[float]:
    """Return the places of the names, from the lowest up: near their parts, and not on one another."""
    placed: list[float] = []
    for y in middles:
        highest = placed[-1] - _STEP if placed else _TOP + _HEIGHT - 6
        placed.append(min(y, highest))
    short = max(0.0, _TOP + 7 - placed[-1])
    if short:
        placed = [_TOP + _HEIGHT - 6 - _STEP * at for at in range(len(placed))]
    return placed
