"""Disclosure control: from exact counts to what may be published (https://hl7.org/fhir/R4/measurereport.html).

Counts come as multiples of five; a secret random number is added before they are rounded, as often up as down. It
follows from who is counted and from nothing else: the same people give the same figure wherever and whenever they are
counted, so that nothing is learned by asking again, and one more or one fewer gives a figure that has nothing to do
with the one before. Counts of fewer than five, or of fewer than five people, are never shown, and somewhat more than
five only by chance, so that what appears tells no more than what is missing.

Because the random number has no bound, all that certainly follows from a figure is that five or more are counted. By
how much it moves the odds for or against one more is bounded by `ODDS`; whether a figure is shown at all moves them by
as much again, but for the fifth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from service.reporting.measures.results import NONE, POPULATIONS, Members, Results, Stratum

STEP = 5
"""What is published are multiples of this."""
FEWEST = 5
"""Fewer, of what is counted or of people, are never shown."""
ODDS = 2
"""By how much one figure can change the odds that one more is counted: to so many to one, or to one in so many."""
_SURE = 7
"""A count that is smaller than this with its random number is not shown."""

Figures = Mapping[Stratum, Mapping[str, Mapping[str, int | None]]]
"""What is published: by stratum, indicator and population a count, or None where it is withheld."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Makes exact counts fit to be published, by a ``secret`` that nobody else knows and that never changes."""

    secret: bytes
    always_told: Mapping[str, tuple[str, ...]]
    """The values of a stratifier that are told of whether or not anything is counted there; others only where shown."""

    def figures(self, results: Results) -> Figures:
        """Return what may be published of ``results``."""
        figures = {stratum: self._of_stratum(results, stratum) for stratum in results.counts}
        return {stratum: counts for stratum, counts in figures.items() if self._is_told(stratum, counts)}

    def count(self, count: int, members: Members) -> int | None:
        """Return what may be published of ``count``, the number of ``members``; None for nothing."""
        return shown(count, members.persons, *self._noises(count, members))

    def _of_stratum(self, results: Results, stratum: Stratum) -> dict[str, dict[str, int | None]]:
        found: dict[str, dict[str, int | None]] = {}
        for indicator in results.counts[stratum]:
            shown: int | None = None
            of_indicator = found[indicator] = {}
            for number, population in enumerate(POPULATIONS):
                exact = results.count(indicator, population, stratum)
                figure = self.count(exact, results.who(indicator, population, stratum))
                if number:  # a part is never more than the whole, and withheld with it
                    figure = None if shown is None or figure is None else min(shown, figure)
                of_indicator[population] = shown = figure
        return found

    def _is_told(self, stratum: Stratum, counts: Mapping[str, Mapping[str, int | None]]) -> bool:
        is_shown = any(count is not None for populations in counts.values() for count in populations.values())
        listed = stratum.value in (NONE, *self.always_told.get(stratum.stratifier, ()))
        return is_shown or listed or not stratum.stratifier

    def _noises(self, count: int, members: Members) -> tuple[int, int]:
        """Return two random numbers, of which each is as likely as its opposite, and half as likely as one nearer 0."""
        seed = f"{members.fingerprint:x} {count}".encode()
        drawn = blake2b(seed, digest_size=32, key=self.secret).digest()
        up, down, more, fewer = (int.from_bytes(drawn[start : start + 8]) for start in range(0, 32, 8))
        return _zeros(up) - _zeros(down), _zeros(more) - _zeros(fewer)


def shown(count: int, persons: int, whether: int, what: int) -> int | None:
    """Return what is shown of a ``count`` of so many ``persons``, by two random numbers; None for nothing."""
    fewest = min(count, persons)
    if fewest < FEWEST or fewest + whether < _SURE:
        return None
    return max(STEP, (count + what + STEP // 2) // STEP * STEP)


def _zeros(bits: int) -> int:
    """Return how many zeros ``bits`` end with: n in one of 2^(n+1) cases."""
    return (bits & -bits).bit_length() - 1 if bits else 64
