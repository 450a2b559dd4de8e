"""The ways in which the resources of the bench look."""

from dataclasses import dataclass

from tests.bench.search.wording import Inventor


@dataclass(frozen=True)
class Style:
    """One of the ways in which resources of a type look: its number decides all that chance decides otherwise."""

    type: str
    status: str
    number: int
    rare: bool = False
    """Whether it has what only one of a thousand has."""

    @property
    def inventor(self) -> Inventor:
        """What invents the same for the same style."""
        return Inventor(f"{self.type} {self.status} {self.number} {self.rare}")

    @property
    def goals(self) -> int:
        """How many goals a plan of this style has."""
        return (1, 1, 1, 2, 2, 1, 1, 3, 1, 1)[self.number % 10]

    @property
    def is_obligation(self) -> bool:
        """Whether a goal of this style is an obligation; first goals, whose numbers are even, never are."""
        return self.number % 12 == 5 and not self.rare

    @property
    def has_assessment(self) -> bool:
        """Whether a risk assessment belongs to a plan of this style."""
        return self.number % 2 == 0
