"""What the dashboard tells, in order, whatever it is written on: sections of cards, each a picture with its meaning."""

from dataclasses import dataclass, field
from datetime import date

from service.reporting.dashboard.pictures import Picture


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers behind a picture."""

    caption: str
    head: list[str]
    rows: list[list[str]]
    """Of each row its name first."""


@dataclass(frozen=True, slots=True)
class Card:
    """One picture, and what it means."""

    key: str
    title: str
    better: str
    """``increase``, ``decrease`` or ``none``."""
    now: str
    change: str
    """Empty where there is nothing to compare with."""
    meaning: str
    ask: str
    """A question that a team may talk about; empty where there is none."""
    picture: Picture
    note: str
    """What more is to be known in order to read the picture; may be empty."""
    table: Table
    codes: list[str]
    """The indicators that are shown."""


@dataclass(frozen=True, slots=True)
class Section:
    """Cards that belong together."""

    key: str
    title: str
    intro: str
    cards: list[Card]


@dataclass(frozen=True, slots=True)
class Contents:
    """The whole of it."""

    months: tuple[date, ...]
    by: str
    """By what the groups are made that are shown; empty for the whole service."""
    sections: list[Section] = field(default_factory=list)

    @property
    def is_blank(self) -> bool:
        """Whether there are pictures, and nothing to be seen in any of them."""
        values = [value for picture in self.pictures for line in picture.lines for value in line.values]
        return bool(values) and not any(value is not None for value in values)

    @property
    def pictures(self) -> list[Picture]:
        """All pictures, in order."""
        return [card.picture for section in self.sections for card in section.cards]
