"""Several shares, each as it was and as it is."""

from service.reporting.dashboard.drawing.palette import PALETTE
from service.reporting.dashboard.drawing.paper import PLAIN, SMALL, WIDTH, Paper, percent
from service.reporting.dashboard.pictures import Picture

_ROW, _LEFT, _RIGHT, _TOP = 30, 112, 52, 4


def change(picture: Picture) -> Paper:
    """Return a row for each share: a ring where it was, a point where it is, and a line between them."""
    rows = len(picture.lines)
    paper = Paper(_TOP + _ROW * rows + 40)
    width, height = WIDTH - _LEFT - _RIGHT, _ROW * rows
    axes = paper.area(_LEFT, _TOP, width, height)
    axes.set_xlim(0, 100)
    axes.set_ylim(rows - 0.5, -0.5)
    for mark in (0, 50, 100):
        axes.axvline(mark, color=PALETTE["grid"], lw=1, zorder=0)
        paper.write(_LEFT + width * mark / 100, _TOP + height + 13, percent(mark), ha="center")
    for row, line in enumerate(picture.lines):
        then, now = line.values[0], line.values[-1]
        y = _TOP + _ROW * (row + 0.5) + 4
        paper.write(0, y, line.label, PLAIN, "text")
        if then is not None and now is not None:
            axes.plot([then, now], [row, row], color=PALETTE["then"], lw=3, solid_capstyle="round", zorder=1)
        if then is not None:
            axes.plot([then], [row], "o", ms=8, mfc=PALETTE["card"], mec=PALETTE["quiet"], mew=1.75, clip_on=False)
        if now is not None:
            axes.plot([now], [row], "o", ms=9.5, color=PALETTE["line"], mec=PALETTE["card"], clip_on=False)
        said = picture.words["few"] if now is None else percent(now)
        how = {"weight": "normal" if now is None else "bold"}
        paper.write(WIDTH - _RIGHT + 8, y, said, SMALL if now is None else PLAIN, "text", **how)
    _key(paper, picture)
    return paper


def _key(paper: Paper, picture: Picture) -> None:
    y = paper.height - 6
    middle = _LEFT + 8
    mark = paper.area(0, y - 9, WIDTH, 10)
    mark.set_xlim(0, WIDTH)
    mark.set_ylim(0, 1)
    second = middle + 98
    mark.plot([middle], [0.5], "o", ms=8, mfc=PALETTE["card"], mec=PALETTE["quiet"], mew=1.75)
    mark.plot([second], [0.5], "o", ms=9.5, color=PALETTE["line"], mec=PALETTE["card"])
    paper.write(middle + 9, y, picture.months[0], SMALL)
    paper.write(second + 9, y, picture.months[-1], SMALL)
