"""The published figures of the audit over months and groups: rounded counts, and nothing where there are too few."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Better = Literal["increase", "decrease"]
WITHIN = 5
"""A published count is seldom further from the exact one: it has chance added to it, and is a multiple of this."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is published of one indicator for one group at the end of one month."""

    numerator: int | None = None
    denominator: int | None = None

    @property
    def percent(self) -> int | None:
        """The share in whole per cent; None where a count is not shown."""
        if self.numerator is None or not self.denominator:
            return None
        return round(100 * self.numerator / self.denominator)

    @property
    def uncertainty(self) -> float:
        """By how many points rounding has moved the share, which is shown, nearly always at most."""
        assert self.numerator is not None
        assert self.denominator
        return 100 * WITHIN * (1 + self.numerator / self.denominator) / self.denominator


@dataclass(frozen=True, slots=True)
class Series:
    """The cells of one group, one for each month."""

    group: str
    """What people call the group; empty for the whole service."""
    cells: tuple[Cell, ...]

    @property
    def percents(self) -> list[int | None]:
        """The share at the end of each month, None where it is not shown."""
        return [cell.percent for cell in self.cells]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator of the audit; texts are those of its code system."""

    code: str
    title: str
    meaning: str
    better: Better | None
    """Which way is better; None where neither is."""
    whole: Series
    groups: Mapping[str, tuple[Series, ...]] = field(default_factory=dict)
    """The series of each group, by what the groups are made by."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is shown: the indicators over ``months``, given by their first days."""

    months: tuple[date, ...]
    indicators: tuple[Indicator, ...]

    def find(self, code: str) -> Indicator | None:
        """Return the indicator with ``code``, if it is published."""
        return next((item for item in self.indicators if item.code == code), None)
