"""What is published tells nothing of one person, however cleverly figures are compared; with less protection it would.

Certainty is taken to be nineteen to one. A person's membership is determined where nothing else could be the case.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.reporting.measures.disclosure import FEWEST, ODDS, STEP, Disclosure
from service.reporting.measures.results import ALL, NONE, POPULATIONS, Members, Results, Stratum
from tests.measures.attacks import Figure, Mechanism, exact, nearest, ours, outcomes, stochastic, success

CERTAIN = 0.95
ALWAYS_TOLD = {"dual-diagnosis": ("yes", "no")}
Truths = list[tuple[tuple[int, ...], int]]


def of_secret(number: int) -> Disclosure:
    return Disclosure(number.to_bytes(32), ALWAYS_TOLD)


@pytest.mark.parametrize("count", [5, 7, 9, 12, 23])
def test_the_attacks_know_how_figures_are_made(count: int) -> None:
    draws = 6_000
    found = Counter(of_secret(number).count(count, Members(number * 7919, count)) for number in range(draws))
    for figure, chance in ours(count).items():
        spread = math.sqrt(draws * chance * (1 - chance))
        assert abs(found.pop(figure, 0) - draws * chance) < 5 * spread + 5
    assert not found


def test_figures_are_about_right() -> None:
    for count in range(20, 40):
        found = [(figure, chance) for figure, chance in ours(count).items() if figure is not None]
        assert sum(chance for figure, chance in found if abs(figure - count) <= 5) > 0.95
        assert sum(chance for figure, chance in found if abs(figure - count) <= 10) > 0.998
        assert abs(sum(figure * chance for figure, chance in found) - count) < 0.5


def test_one_more_or_one_fewer_hardly_changes_the_odds() -> None:
    for count in range(60):
        few, many = ours(count), ours(count + 1)
        for figure in few.keys() | many.keys():
            if count == FEWEST - 1 and figure is not None:
                continue  # that a figure is there tells of five, and that happens to five once in six times
            fewer, more = few.get(figure, 0), many.get(figure, 0)
            if max(fewer, more) < 1e-9:
                continue  # which the attacks do not know exactly
            is_small = count < 30  # so that it might have been left out
            bound = (ODDS * ODDS if is_small else ODDS) * 1.001
            assert fewer <= more * bound
            assert more <= fewer * bound
    assert ours(FEWEST)[None] > 0.8
    assert ours(0) == ours(FEWEST - 1) == {None: 1.0}


def total_and_one_part() -> Truths:
    """Two strata and the whole of them; the secret is the smaller one, which is left out."""
    return [((large + small, large, small), small) for large in range(5, 31) for small in range(10)]


def before_and_after_one_person_came() -> Truths:
    """A numerator of two months between which, as all know, one person came; the secret is whether they count."""
    return [((count, count + one), one) for count in range(40) for one in (0, 1)]


def all_but_a_few() -> Truths:
    """A denominator and its numerator; the secret is how many are in the one and not in the other."""
    return [((whole, part), whole - part) for whole in range(5, 40) for part in range(max(0, whole - 9), whole + 1)]


def months_and_their_quarter() -> Truths:
    """Three months and the quarter that they make; the secret is the third month, which is left out."""
    few = range(5, 16)
    return [((a, b, c, a + b + c), c) for a in few for b in few for c in range(8)]


def all_known_but_one(others: int) -> Truths:
    """One figure, of which somebody knows all but one person; the secret is whether that one counts."""
    return [((others + one,), one) for one in (0, 1)]


CASES: list[tuple[Callable[[], Truths], list[tuple[int, ...]]]] = [
    (total_and_one_part, [(15, 12, 3), (20, 20, 0), (21, 17, 4), (14, 13, 1)]),
    (before_and_after_one_person_came, [(7, 8), (12, 13), (17, 18), (22, 22)]),
    (all_but_a_few, [(20, 19), (23, 21), (10, 10)]),
    (months_and_their_quarter, [(7, 8, 2, 17), (12, 6, 4, 22)]),
]
EVERY = [pytest.param(truths(), counts, id=f"{truths.__name__}-{counts}") for truths, many in CASES for counts in many]


def secret_of(counts: tuple[int, ...], truths: Truths) -> int:
    return next(secret for known, secret in truths if known == counts)


@pytest.mark.parametrize(("truths", "counts"), EVERY)
def test_nobody_becomes_certain(truths: Truths, counts: tuple[int, ...]) -> None:
    truth = counts, secret_of(counts, truths)
    assert success(ours, truth, truths, CERTAIN) == 0


@pytest.mark.parametrize(("truths", "counts"), EVERY)
def test_who_only_leaves_out_small_counts_tells_everything(truths: Truths, counts: tuple[int, ...]) -> None:
    truth = counts, secret_of(counts, truths)
    assert success(exact, truth, truths, CERTAIN) == 1


@pytest.mark.parametrize(("truths", "counts"), EVERY)
def test_another_truth_is_always_possible(truths: Truths, counts: tuple[int, ...]) -> None:
    """Whatever is published, every other value of the secret may be the case, as far as small counts may be it."""
    for figures in outcomes(ours, counts):
        possible = {
            secret
            for known, secret in truths
            if all(ours(count).get(figure, 0) > 0 for count, figure in zip(known, figures, strict=True))
        }
        assert len(possible) > 1


def test_rounding_to_the_nearest_tells_who_came() -> None:
    truths = before_and_after_one_person_came()
    for count in (7, 12, 17, 22):
        assert success(nearest, ((count, count + 1), 1), truths, CERTAIN) == 1


def test_rounding_by_chance_tells_those_who_know_all_others() -> None:
    assert success(stochastic, ((11,), 1), all_known_but_one(10), CERTAIN) == pytest.approx(0.2)
    assert success(stochastic, ((14,), 0), all_known_but_one(14), CERTAIN) == pytest.approx(0.2)


@pytest.mark.parametrize("others", range(5, 40))
def test_even_who_knows_all_others_does_not_become_certain(others: int) -> None:
    for one in (0, 1):
        assert success(ours, ((others + one,), one), all_known_but_one(others), 1 - 1 / (1 + ODDS * ODDS) + 1e-9) == 0


@pytest.mark.parametrize("others", [(40, 12, 21, 30), (25, 14, 18, 11), (60, 22, 31, 17)])
def test_the_whole_and_three_strata_together_tell_hardly_anything_of_one_person(others: tuple[int, ...]) -> None:
    """Somebody who knows everybody else, in the whole service and in each stratum, looks at all figures at once."""
    truths: Truths = [(tuple(each + one for each in others), one) for one in (0, 1)]
    for truth in truths:
        assert success(ours, truth, truths, CERTAIN) < 0.01
        assert success(exact, truth, truths, CERTAIN) == 1
    assert success(nearest, truths[1], truths, CERTAIN) == any(each % STEP == 2 for each in others)


def watched(mechanism: Mechanism, count: int, months: int, chance: Random) -> tuple[float, int]:
    """Add one known record each month, and return how likely the true count seems then, and how many are possible."""
    drawn = [chance.choices(*zip(*mechanism(count + month).items(), strict=True))[0] for month in range(months)]
    likely = {}
    for candidate in range(60):
        chances = [mechanism(candidate + month).get(figure, 0.0) for month, figure in enumerate(drawn)]
        likely[candidate] = math.prod(chances)
    return likely[count] / sum(likely.values()), sum(each > 0 for each in likely.values())


def test_a_year_of_adding_records_until_a_figure_changes_does_not_tell_the_count() -> None:
    chance = Random(7)
    for count in (10, 11, 12, 13, 14, 17, 21, 26) * 5:
        certainty, possible = watched(ours, count, 12, chance)
        assert possible > 20
        assert certainty < CERTAIN
        assert watched(nearest, count, 12, chance) == (1, 1)


# What follows plays the attacks on the service's own figures, made of populations of invented people.


def population(chance: Random, people: int) -> Results:
    """Count people drawn at random: three indicators over all of them, by team and by dual diagnosis."""
    results = Results()
    for number in range(people):
        mark, slot = chance.getrandbits(64), number % 251
        strata = [ALL, Stratum("custodian", f"Organization/{chance.randrange(4)}")]
        strata.append(Stratum("dual-diagnosis", chance.choice(["yes", "no", NONE])))
        for indicator in ("M1", "M2", "M3"):
            counts = POPULATIONS[: 2 + chance.randrange(2)]
            for stratum in strata:
                _add(results, stratum, indicator, counts, mark, slot)
    return results


def _add(results: Results, stratum: Stratum, indicator: str, counts: tuple[str, ...], mark: int, slot: int) -> None:
    of_stratum = results.counts.setdefault(stratum, {}).setdefault(indicator, dict.fromkeys(POPULATIONS, 0))
    members = results.members.setdefault(stratum, {}).setdefault(indicator, dict.fromkeys(POPULATIONS, Members()))
    for each in counts:
        of_stratum[each] += 1
        before = members[each]
        members[each] = Members(before.fingerprint + mark & (1 << 64) - 1, before.persons + 1)


@given(st.integers(0, 2**32), st.integers(0, 60))
def test_small_counts_never_show(seed: int, people: int) -> None:
    results = population(Random(seed), people)
    figures = of_secret(seed).figures(results)
    for stratum, indicators in figures.items():
        for indicator, shown in indicators.items():
            whole: Figure = None
            for number, each in enumerate(POPULATIONS):
                figure, count = shown[each], results.count(indicator, each, stratum)
                assert figure is None or (figure % STEP == 0 and figure > 0)
                assert figure is None or count >= FEWEST
                if number:
                    assert figure is None or (whole is not None and figure <= whole)
                whole = figure


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_every_person_might_as_well_be_somebody_else_or_not_be_there(seed: int, people: int) -> None:
    """For each figure and each person in it there is a possible population without them."""
    results = population(Random(seed), people)
    disclosure = of_secret(seed)
    for stratum, indicators in results.counts.items():
        for indicator, counts in indicators.items():
            for each, count in counts.items():
                figure = disclosure.count(count, results.who(indicator, each, stratum))
                without = ours(max(count - 1, 0)).get(figure, 0)
                with_another = ours(count).get(figure, 0)
                assert with_another > 0
                assert without > 0 or (count == FEWEST and figure is not None)


@given(st.integers(0, 2**32))
def test_a_team_with_nothing_to_show_is_not_named(seed: int) -> None:
    results = population(Random(seed), 12)
    figures = of_secret(seed).figures(results)
    for stratum, indicators in figures.items():
        is_shown = any(figure is not None for counts in indicators.values() for figure in counts.values())
        assert is_shown or stratum == ALL or stratum.stratifier == "dual-diagnosis"
    assert {stratum for stratum in results.counts if stratum.stratifier != "custodian"} <= figures.keys()


def test_the_same_people_give_the_same_figure_wherever_they_are_counted() -> None:
    """Their denominators, of many indicators and of strata that are all there is, would else be averaged."""
    chance = Random(3)
    for people in range(20, 30):
        results = Results()
        for _ in range(people):
            mark = chance.getrandbits(64)
            for number in range(15):
                for stratum in (ALL, Stratum("custodian", "Organization/1"), Stratum("care-setting", "secure")):
                    _add(results, stratum, f"M{number}", POPULATIONS[:2], mark, 0)
        figures = of_secret(people).figures(results)
        told = [counts["denominator"] for indicators in figures.values() for counts in indicators.values()]
        assert (len(told), len(set(told))) == (45, 1)
        drawn = chance.choices(*zip(*ours(people).items(), strict=True), k=45)
        apart = [figure for figure in drawn if figure is not None]
        assert abs(sum(apart) / len(apart) - people) < 1.5  # so much would the mean of independent figures tell


def test_the_figure_of_others_is_another_draw() -> None:
    disclosure = of_secret(1)
    found = Counter(disclosure.count(22, Members(mark, 22)) for mark in range(1_000))
    assert found[20] > 400
    assert found[25] > 200
    assert found != Counter(of_secret(2).count(22, Members(mark, 22)) for mark in range(1_000))


@pytest.mark.parametrize("goals", [5, 12, 60])
def test_many_goals_of_few_people_do_not_show(goals: int) -> None:
    for number in range(200):
        disclosure = of_secret(number)
        assert disclosure.count(goals, Members(number, FEWEST - 1)) is None
    assert any(of_secret(number).count(60, Members(number, 12)) is not None for number in range(20))


def test_what_is_published_depends_on_the_secret_alone_that_is_kept() -> None:
    results = population(Random(5), 40)
    first = of_secret(1)
    assert first.figures(results) == replace(first).figures(Results.from_json(results.to_json()))
    assert first.figures(results) != of_secret(2).figures(results)
