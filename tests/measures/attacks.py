"""Attacks on published figures by comparing them, each as clever as its attacker can be.

An attacker knows how figures are made and everything but the secret; what follows from figures is computed exactly, by
adding up how likely each is for each possible truth. A `Mechanism` may be ours or one that protects less, so that it
shows that an attack would succeed.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import product

from service.reporting.measures.disclosure import FEWEST, STEP, shown

Figure = int | None
Mechanism = Callable[[int], Mapping[Figure, float]]
"""For an exact count of as many people: how likely each figure is."""

_FURTHEST = 40
"""The largest random number that is looked at; a larger one comes once in a trillion times."""


@cache
def ours(count: int) -> Mapping[Figure, float]:
    """What the service does, for a secret that nobody knows."""
    chances = {number: 2.0 ** -abs(number) / 3 for number in range(-_FURTHEST, _FURTHEST + 1)}
    found: dict[Figure, float] = {}
    is_shown = sum(chance for number, chance in chances.items() if shown(count, count, number, 0) is not None)
    for number, chance in chances.items():
        figure = shown(max(count, FEWEST), 10**9, 10**9, number) if count >= FEWEST else None
        if figure is not None:
            found[figure] = found.get(figure, 0.0) + chance * is_shown
    found[None] = 1 - is_shown
    return {figure: chance for figure, chance in found.items() if chance > 0}


def nearest(count: int) -> Mapping[Figure, float]:
    """Rounding to the nearest, which is what is usually done, with small counts left out."""
    return {None if count < FEWEST else (count + STEP // 2) // STEP * STEP: 1.0}


def stochastic(count: int) -> Mapping[Figure, float]:
    """Rounding up or down by chance, without bias, which statistical offices do; small counts are left out."""
    if count < FEWEST:
        return {None: 1.0}
    below, rest = count // STEP * STEP, count % STEP
    return {below: 1 - rest / STEP, **({below + STEP: rest / STEP} if rest else {})}


def exact(count: int) -> Mapping[Figure, float]:
    """Nothing but leaving out small counts."""
    return {None if count < FEWEST else count: 1.0}


def posterior(
    mechanism: Mechanism, truths: Iterable[tuple[tuple[int, ...], int]], figures: tuple[Figure, ...]
) -> dict[int, float]:
    """Return how likely each value of a secret is after seeing ``figures``.

    ``truths`` are what may be the case, all as likely: the exact counts that would be published, and the secret.
    """
    weights: dict[int, float] = {}
    for counts, secret in truths:
        chance = 1.0
        for count, figure in zip(counts, figures, strict=True):
            chance *= mechanism(count).get(figure, 0.0)
        weights[secret] = weights.get(secret, 0.0) + chance
    whole = sum(weights.values())
    return {secret: weight / whole for secret, weight in weights.items()}


def outcomes(mechanism: Mechanism, counts: tuple[int, ...], least: float = 1e-6) -> dict[tuple[Figure, ...], float]:
    """Return every set of figures that may be published of ``counts``, but for the least likely, with its chance."""
    found = {}
    for combination in product(*(mechanism(count).items() for count in counts)):
        chance = 1.0
        for _, each in combination:
            chance *= each
        if chance >= least:
            found[tuple(figure for figure, _ in combination)] = chance
    return found


def success(
    mechanism: Mechanism,
    truth: tuple[tuple[int, ...], int],
    truths: list[tuple[tuple[int, ...], int]],
    certainty: float,
) -> float:
    """Return how likely it is that an attacker becomes so certain of the secret in ``truth``, and is right."""
    counts, secret = truth
    return sum(
        chance
        for figures, chance in outcomes(mechanism, counts).items()
        if posterior(mechanism, truths, figures).get(secret, 0.0) >= certainty
    )
