"""What leads from resources to others: many small lists of places, held as two arrays of numbers."""

from array import array
from collections.abc import Iterable, Iterator


class Links:
    """The places that each resource leads to, added in the order of the resources' own places."""

    def __init__(self) -> None:
        self._starts = array("i", [0])
        self._places = array("i")

    def add(self, places: Iterable[int]) -> None:
        """Add what the next resource leads to."""
        self._places.extend(places)
        self._starts.append(len(self._places))

    def of(self, place: int) -> "array[int]":
        """Return the places that the resource at ``place`` leads to."""
        return self._places[self._starts[place] : self._starts[place + 1]]

    def turned(self) -> dict[int, list[int]]:
        """Return by place which resources lead there, in the order of their own places."""
        found: dict[int, list[int]] = {}
        for place, others in enumerate(self):
            for other in others:
                found.setdefault(other, []).append(place)
        return found

    def __iter__(self) -> "Iterator[array[int]]":
        """Yield what each resource leads to."""
        return (self.of(place) for place in range(len(self._starts) - 1))
