"""The sheet that a picture is drawn on: 320 units wide, so that its letters can be read on a telephone."""

import io
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from service.reporting.dashboard.drawing.palette import PALETTE

WIDTH = 320
SMALL, PLAIN, LARGE = 11, 12, 15
"""Sizes of letters."""
_UNITS = 72
"""Of matplotlib's SVG in an inch."""


class Paper:
    """A sheet of some height, on which areas with axes are put."""

    def __init__(self, height: int) -> None:
        self.height = height
        mpl.rcParams["svg.fonttype"] = "none"  # letters stay letters
        mpl.rcParams["svg.hashsalt"] = "picture"  # the same picture is the same text
        mpl.rcParams["font.family"] = "DejaVu Sans"
        self._figure = Figure(figsize=(WIDTH / _UNITS, height / _UNITS))
        self._figure.patch.set_visible(False)

    def area(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return bare axes at a place that is given from the left and from above."""
        bottom = self.height - top - height
        place = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        axes = self._figure.add_axes(place)
        axes.set_axis_off()
        return axes

    def write(self, x: float, y: float, text: str, size: float = SMALL, colour: str = "quiet", **how: str) -> None:
        """Write ``text`` at a place that is given from the left and from above, to its base line."""
        how = {"ha": "left", "va": "baseline", **how}
        place = (x / WIDTH, 1 - y / self.height)
        self._figure.text(*place, text, size=size, color=PALETTE[colour], parse_math=False, **how)  # type: ignore[arg-type]

    def svg(self) -> bytes:
        """Return the picture as matplotlib writes it."""
        target = io.BytesIO()
        self._figure.savefig(
            target, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None}
        )
        return target.getvalue()


def percent(value: int) -> str:
    """Return how a share is written."""
    return f"{value}%"


def last(values: Sequence[int | None]) -> int | None:
    """Return where the last value stands that is shown, if one is."""
    return next((at for at in reversed(range(len(values))) if values[at] is not None), None)


def gaps(values: Sequence[int | None]) -> list[tuple[int, int]]:
    """Return from where to where no value is shown, each end included."""
    found: list[tuple[int, int]] = []
    for at, value in enumerate(values):
        if value is None:
            begun = found and found[-1][1] == at - 1
            found[-1:] = [(found[-1][0], at)] if begun else [*found[-1:], (at, at)]
    return found
