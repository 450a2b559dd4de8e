"""What is searched, and in which order: the resources of one type that fulfil a predicate."""

from dataclasses import dataclass

from service.search.predicate import Predicate


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by; resources without it come last."""

    field: str
    descending: bool = False
    is_demanded: bool = False
    """Whether the predicate leaves only resources that have the field."""

    @property
    def always_there(self) -> bool:
        """Whether every resource has the field."""
        return self.is_demanded or self.field in ("_id", "search._lastUpdated.lo")


@dataclass(frozen=True, slots=True)
class Source:
    """The resources of ``type`` for which ``predicate`` holds, in the order of ``sort``, which has ``_id`` at its end.

    Without keys they come in any order, and no page after the first can be had. Several sources of one search have as
    many keys that go the same ways, so that their resources can be merged.
    """

    type: str
    predicate: Predicate
    sort: tuple[SortKey, ...]
    group: int = 0
    """What is of a lower group comes first, whatever the keys say."""
