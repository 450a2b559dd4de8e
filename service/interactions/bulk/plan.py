"""The files of an export: which there are, and what each is made of."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

MESSAGES = "messages.ndjson"
"""The file of what there is to be said of an export."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """The resources of a type with ids after ``after`` and up to ``until``, or those of them that were deleted."""

    name: str
    type: str
    count: int
    """Lines."""
    after: str = ""
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What files an export has, and while they are counted how far that is."""

    at: datetime
    """The moment whose state is exported."""
    output: tuple[ExportFile, ...] = ()
    deleted: tuple[ExportFile, ...] = ()
    types: int = 0
    """Types that are counted."""
    after: str = ""
    """The last id of the next type up to which it is counted."""
    begin: str = ""
    """The id after which its next file begins."""
    count: int = 0
    """Resources in that file so far."""
    gone: int = 0
    """Deleted ones of that type so far."""
    to: str | None = None
    """The address below which the files were written; None where the service gives them out."""
    written: int = 0
    """Files that were written there."""

    @property
    def total(self) -> int:
        """Resources that are counted."""
        return sum(file.count for file in self.output) + self.count

    def to_json(self) -> dict[str, Any]:
        """Return this as JSON and times."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the plan that ``to_json`` was called on."""
        files = {name: tuple(ExportFile(**file) for file in value[name]) for name in ("output", "deleted")}
        return cls(**{**value, **files})

    def file(self, name: str) -> ExportFile | None:
        """Return the file of this name, None where there is none."""
        return next((file for file in (*self.output, *self.deleted) if file.name == name), None)
