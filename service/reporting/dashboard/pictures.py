"""What is to be drawn, as plain data: it goes to another process, and is what a drawing is kept by."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["trend", "groups", "columns", "split", "change"]


@dataclass(frozen=True, slots=True)
class Line:
    """The values of one thing over time; None where a value is not shown."""

    label: str
    values: list[int | None]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture; ``months`` name the places of the values."""

    key: str
    """The id of the picture on its page."""
    kind: Kind
    title: str
    description: str
    """What is to be seen, in words, for who does not see it."""
    months: list[str]
    lines: list[Line]
    words: dict[str, str]
    """What is written into the picture besides."""

    def plain(self) -> dict[str, Any]:
        """Return the picture as JSON has it."""
        return asdict(self)
