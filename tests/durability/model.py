"""A simple model of what clients of a FHIR server may see, which judges what they saw.

A write is known by its tag, a text that no other write stores. A write whose answer was lost may have been done or not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """One version of a resource as an answer showed it; the tag of a deletion is None."""

    version: int
    tag: str | None
    moment: str | None = None
    """When it was stored, where the answer said so."""


@dataclass(slots=True)
class _Resource:
    acknowledged: dict[int, Seen] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    lost_deletions: int = 0
    refusals: list[tuple[int, int, int]] = field(default_factory=list)
    """If-Match that was refused: the version that it named, and when the request began and ended."""


class Model:
    """What the clients of one small set of resources were told; every finding is one sentence in ``findings``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.findings: list[str] = []
        self._resources: defaultdict[str, _Resource] = defaultdict(_Resource)
        self._begun: dict[str, int] = {}
        self._lost: dict[str, int] = {}
        """By tag how many resources a write whose answer was lost would have stored."""
        self._refused: set[str] = set()
        self._now = 0

    def tick(self) -> int:
        """Return a moment later than all before."""
        self._now += 1
        return self._now

    def begin(self) -> str:
        """Return the tag of a new write, which begins now."""
        tag = f"{self.name}-{len(self._begun)}"
        self._begun[tag] = self.tick()
        return tag

    def names(self) -> list[str]:
        """Return the resources that a client was told of."""
        return list(self._resources)

    @property
    def has_lost(self) -> bool:
        """Whether the answer to a write was lost."""
        return bool(self._lost) or any(resource.lost_deletions for resource in self._resources.values())

    def newest(self, resource: str) -> int:
        """Return the highest version of ``resource`` that was acknowledged, 0 where none was."""
        return max(self._resources[resource].acknowledged, default=0) if resource in self._resources else 0

    def present(self, resource: str) -> bool:
        """Return whether the highest acknowledged version of ``resource`` is no deletion."""
        newest = self.newest(resource)
        return newest > 0 and self._resources[resource].acknowledged[newest].tag is not None

    def acknowledge(self, resource: str, seen: Seen, floor: int, if_match: int | None = None) -> None:
        """Note that a write was answered as done; ``floor`` is the newest version when it began."""
        known = self._resources[resource].acknowledged.setdefault(seen.version, seen)
        if known.tag != seen.tag:
            self.find(f"{resource} version {seen.version} was given to {known.tag} and to {seen.tag}")
        if seen.version <= floor and seen.tag is not None:
            self.find(f"{resource} version {seen.version} was stored after version {floor} had been")
        if if_match is not None and seen.version != if_match + 1:
            self.find(f"{resource} version {seen.version} was stored with If-Match {if_match}")

    def lose(self, tag: str, resources: int = 1) -> None:
        """Note that the answer to a write was lost."""
        self._lost[tag] = resources

    def lose_deletion(self, resource: str) -> None:
        """Note that the answer to a deletion was lost."""
        self._resources[resource].lost_deletions += 1

    def refuse(self, tag: str) -> None:
        """Note that a write was answered as not done."""
        self._refused.add(tag)

    def refuse_match(self, resource: str, if_match: int, begun: int) -> None:
        """Note a 412 to a write with If-Match that began at ``begun``."""
        self._resources[resource].refusals.append((if_match, begun, self.tick()))

    def read(self, resource: str, seen: Seen | None, floor: int | None) -> None:
        """Note what a read showed, None for 404; with a ``floor`` nothing older than that version may be shown."""
        if floor is not None and (seen.version if seen else 0) < floor:
            self.find(f"{resource}: {seen} was read after version {floor} had been acknowledged")
        if seen is not None:
            self._resources[resource].seen.append(seen)

    def find(self, sentence: str) -> None:
        """Note what should not be."""
        self.findings.append(sentence)

    def judge(self, histories: dict[str, list[Seen]]) -> None:
        """Compare all that was noted with the histories at the end, the newest version first."""
        stored: Counter[str] = Counter()
        for resource, history in histories.items():
            stored.update(self._judge_resource(resource, self._resources[resource], history))
        for tag, count in stored.items():
            wanted = self._lost.get(tag)
            if tag in self._refused:
                self.find(f"{tag} was refused and is stored")
            elif wanted is not None and count != wanted:
                self.find(f"{tag}, whose answer was lost, is stored in {count} resources of {wanted}")

    def _judge_resource(self, name: str, resource: _Resource, history: list[Seen]) -> Iterable[str]:
        versions = {seen.version: seen for seen in history}
        if [seen.version for seen in history] != list(range(len(history), 0, -1)):
            self.find(f"{name} has the versions {[seen.version for seen in history]}")
        moments = [seen.moment or "" for seen in reversed(history)]
        if moments != sorted(set(moments)):
            self.find(f"{name} has the moments {moments}")
        for seen in (*resource.acknowledged.values(), *resource.seen):
            now = versions.get(seen.version)
            if now is None or now.tag != seen.tag or (seen.moment is not None and seen.moment != now.moment):
                self.find(f"{name}: a client was shown {seen}, and the history has {now}")
        new = [seen for seen in history if seen.version not in resource.acknowledged]
        deletions = sum(seen.tag is None for seen in new)
        if deletions > resource.lost_deletions:
            self.find(f"{name} was deleted {deletions} times by {resource.lost_deletions} requests without answer")
        for seen in new:
            if seen.tag is not None and seen.tag not in self._lost:
                self.find(f"{name}: nobody was told of {seen}")
        self._judge_refusals(name, resource, versions)
        return [seen.tag for seen in new if seen.tag is not None]

    def _judge_refusals(self, name: str, resource: _Resource, versions: dict[int, Seen]) -> None:
        """A 412 is wrong where the version that was named, no deletion, was the current one from begin to end."""
        for version, begun, ended in resource.refusals:
            successor = versions.get(version + 1)
            came = self._begun.get(successor.tag or "", 0) if successor else ended
            if version in versions and versions[version].tag is not None and came >= ended:
                self.find(f"{name}: If-Match {version} was refused between {begun} and {ended}, though it was current")
