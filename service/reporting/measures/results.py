"""Exact counts of a measure, by indicator, population and stratum (https://hl7.org/fhir/R4/measurereport.html).

They are never published as they are: what is published is made of them by ``disclosure``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

INITIAL_POPULATION = "initial-population"
DENOMINATOR = "denominator"
NUMERATOR = "numerator"
POPULATIONS = (INITIAL_POPULATION, DENOMINATOR, NUMERATOR)
"""The codes of http://terminology.hl7.org/CodeSystem/measure-population that are counted, the widest first."""

NONE = "none"
"""The stratum of what has no value: a plan without a custodian, a goal that stands in no active plan."""

Counts = dict[str, dict[str, int]]
"""The code of an indicator, and of a population, and how many belong to it."""


class Stratum(NamedTuple):
    """A part of what is counted: the code of a stratifier of the Measure, and one of its values."""

    stratifier: str
    """``custodian``, ``care-setting``, ``dual-diagnosis`` or ``legal-status``; empty where all are meant."""
    value: str
    """``Organization/1``, ``secure``, ``yes``, ``no``; NONE where there is none; empty where all are meant."""


ALL = Stratum("", "")


class Members(NamedTuple):
    """Who is in a population, as far as disclosure control has to know."""

    fingerprint: int = 0
    """Below 2^64; equal for populations of the same members, whatever the indicator, stratum or period."""
    persons: int = 0
    """How many different people they are about, or fewer: so many at least."""


NOBODY = Members()


class Period(NamedTuple):
    """The days that are counted, the first and the last of them."""

    start: date
    end: date

    @property
    def moment(self) -> datetime:
        """The last moment of the period, in UTC; what is counted is the state of things then."""
        return datetime.combine(self.end + timedelta(days=1), time(), UTC) - timedelta(milliseconds=1)


@dataclass(slots=True)
class Results:
    """What was counted."""

    counts: dict[Stratum, Counts] = field(default_factory=dict)
    """Of every stratum that something fell into, and of ALL, each indicator and population; 0 stands there too."""
    members: dict[Stratum, dict[str, dict[str, Members]]] = field(default_factory=dict)
    """Who was counted, by the same keys as ``counts``."""
    names: dict[Stratum, str] = field(default_factory=dict)
    """The name that plans give a custodian."""
    counted: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Of an indicator and a population the resources that were counted, ``Goal/1``, if that was asked for."""

    def count(self, indicator: str, population: str, stratum: Stratum = ALL) -> int:
        """Return how many belong to a population of an indicator; 0 where the stratum is empty."""
        return self.counts.get(stratum, {}).get(indicator, {}).get(population, 0)

    def who(self, indicator: str, population: str, stratum: Stratum = ALL) -> Members:
        """Return who belongs to a population of an indicator."""
        return self.members.get(stratum, {}).get(indicator, {}).get(population, NOBODY)

    def strata(self, stratifier: str) -> list[Stratum]:
        """Return the strata of one stratifier, in order of their values, NONE last."""
        found = [stratum for stratum in self.counts if stratum.stratifier == stratifier]
        return sorted(found, key=lambda stratum: (stratum.value == NONE, stratum.value))

    def to_json(self) -> dict[str, Any]:
        """Return the counts and names as JSON, without the resources that were counted."""
        return {"strata": list(self._strata())}

    def _strata(self) -> Iterator[dict[str, Any]]:
        for stratum, counts in self.counts.items():
            name = {"name": self.names[stratum]} if stratum in self.names else {}
            members = {
                indicator: {population: list(each) for population, each in populations.items()}
                for indicator, populations in self.members.get(stratum, {}).items()
            }
            yield {
                "stratifier": stratum.stratifier,
                "value": stratum.value,
                **name,
                "counts": counts,
                "members": members,
            }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Results":
        """Return what ``to_json`` was made of."""
        read = cls()
        for item in content["strata"]:
            stratum = Stratum(item["stratifier"], item["value"])
            read.counts[stratum] = item["counts"]
            read.members[stratum] = {
                indicator: {population: Members(*each) for population, each in populations.items()}
                for indicator, populations in item["members"].items()
            }
            if "name" in item:
                read.names[stratum] = item["name"]
        return read
