"""What was found, as tables, and of each goal whether it is met."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from tests.bench.search.beside_floor import Ratio
from tests.bench.search.explained import MOST_EXAMINED, Examined
from tests.bench.search.measurement import Latency
from tests.bench.search.queries import Query
from tests.bench.search.sizes import Size

MOST_GROWTH = 2.0
"""Of p99 from the fewest plans to the most."""
LEAST_PAGE = 0.6
LEAST_CREATE = 0.45
"""Of the floor's speed."""

_WIDTH = 24


@dataclass(frozen=True)
class Row:
    """One query at every size, the fewest plans first."""

    query: Query
    latencies: Sequence[Latency]
    examined: Sequence[Examined]

    @property
    def growth(self) -> float:
        """How many times the p99 of the fewest plans that of the most is; NaN where there is one size or no answer."""
        if len(self.latencies) < 2 or self.failure:
            return float("nan")
        return self.latencies[-1].p99 / self.latencies[0].p99

    @property
    def failure(self) -> str:
        """Why there are no figures; empty where there are."""
        return next((each.failure for each in self.latencies if each.failure), "")

    @property
    def grows_too_much(self) -> bool:
        """Whether it gets slower with more plans although its answer does not grow."""
        return self.growth > MOST_GROWTH and not self.query.grows

    @property
    def documents(self) -> float:
        """The most documents that it examines for each one in the answer, at any size."""
        return max((each.documents for each in self.examined if not isnan(each.documents)), default=float("nan"))

    @property
    def examines_too_much(self) -> bool:
        """Whether it examines more documents than it may, without a reason in the list."""
        return self.documents > MOST_EXAMINED and not self.query.looks

    @property
    def scans(self) -> bool:
        """Whether it reads a whole collection."""
        return any(each.scans for each in self.examined)

    @property
    def unexplained(self) -> bool:
        """Whether it is not known what the database does for it."""
        return any(each.failure for each in self.examined)


@dataclass(frozen=True)
class Surroundings:
    """What was measured at one size beside the queries."""

    plans: int
    page: Ratio
    create: Ratio
    sizes: Sequence[Size]


def head(sizes: Sequence[int]) -> str:
    """Return the two lines above the rows."""
    above = "".join(f"{f'{size:,} plans':^18}  " for size in sizes)
    below = "".join(f"{'p50':>8} {'p99':>8}   " for _ in sizes)
    lines = [f"{'':<{_WIDTH}} {above}", f"{'query':<{_WIDTH}} {below}{'ratio':>5} {'docs':>6} {'keys':>8}  index"]
    return "\n".join([*lines, "-" * (len(lines[1]) + 20)])


def line(row: Row) -> str:
    """Return one row as fixed-width text, with its faults in capitals at the end."""
    figures = "".join(f"{each.p50:>8.2f} {each.p99:>8.2f}   " for each in row.latencies)
    worst = row.examined[-1]
    faults = [
        name
        for name, wrong in (
            ("FAILED", bool(row.failure)),
            ("SLOWER", row.grows_too_much),
            ("EXAMINES", row.examines_too_much),
            ("SCANS", row.scans),
        )
        if wrong
    ]
    text = (
        f"{row.query.name:<{_WIDTH}} {figures}{_number(row.growth, 5, 2)} {_number(row.documents, 6, 1)} "
        f"{_number(worst.keys, 8, 1)}  {', '.join(worst.indexes) or '-'}"
    )
    lines = [" ".join([text, *faults])]
    if why := worst.failure or row.failure.partition("\n")[0]:
        lines.append(f"    {why[:300]}")
    lines += [f"    listed: {why}" for why in dict.fromkeys((row.query.grows, row.query.looks)) if why]
    return "\n".join(lines)


def surroundings(found: Surroundings) -> str:
    """Return the figures beside the floor and the sizes at one number of plans."""
    lines = [f"{found.plans:,} plans"]
    for name, ratio in (("page of 20 by patient", found.page), ("create", found.create)):
        lines.append(
            f"  {name}: floor {ratio.floor:,.0f} a second, service {ratio.service:,.0f}, ratio {ratio.share:.2f}"
        )
    for size in found.sizes:
        largest = ", ".join(f"{name} {_megabytes(each)}" for name, each in size.largest)
        lines.append(
            f"  {size.name:<22} {size.documents:>10,} documents, logical {_megabytes(size.logical)}, stored "
            f"{_megabytes(size.stored)}, indexes {_megabytes(size.indexes)}{f' ({largest})' if largest else ''}"
        )
    return "\n".join(lines)


def goals(rows: Sequence[Row], found: Sequence[Surroundings]) -> str:
    """Return of each goal whether it is met, and what misses it."""
    slower = [f"{row.query.name} ({row.growth:.1f})" for row in rows if row.grows_too_much]
    listed = [row.query.name for row in rows if row.query.grows]
    silent = sum(row.unexplained for row in rows)
    unexplained = [f"{silent} of {len(rows)} not explained"] if silent else []
    examining = [f"{row.query.name} ({row.documents:,.1f})" for row in rows if row.examines_too_much]
    pages = [f"{each.page.share:.2f} at {each.plans:,}" for each in found]
    creates = [f"{each.create.share:.2f} at {each.plans:,}" for each in found]
    totals = [each.sizes[-1] for each in found]
    told = [
        f"indexes {_megabytes(size.indexes)}, stored {_megabytes(size.stored)}, logical {_megabytes(size.logical)}"
        for size in totals
    ]
    growth = f"p99 with the most plans within {MOST_GROWTH:g} times that with the fewest"
    verdicts = [
        _verdict("every listed query is answered", [row.query.name for row in rows if row.failure]),
        _verdict(f"{growth} ({len(listed)} listed as growing)", slower)
        if len(found) > 1
        else f"  not known  {growth}: one size only",
        _verdict(f"at most {MOST_EXAMINED:g} documents examined for each in the answer", [*examining, *unexplained]),
        _verdict("no collection scan", [*[row.query.name for row in rows if row.scans], *unexplained]),
        _verdict(
            f"a page of 20 by patient at {LEAST_PAGE} of the floor or better ({', '.join(pages)})",
            [""] if any(each.page.share < LEAST_PAGE for each in found) else [],
        ),
        _verdict(
            f"a create at {LEAST_CREATE} of the floor or better ({', '.join(creates)})",
            [""] if any(each.create.share < LEAST_CREATE for each in found) else [],
        ),
        _verdict(
            f"indexes smaller than the data ({'; '.join(told)})",
            [""] if any(size.indexes >= size.stored for size in totals) else [],
        ),
    ]
    return "\n".join(["Goals", *verdicts])


def _verdict(goal: str, missing: Sequence[str]) -> str:
    names = "; ".join(filter(None, missing))
    return f"  {'MISSED' if missing else 'met   '}     {goal}{f': {names}' if names else ''}"


def _number(value: float, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if isnan(value) else f"{value:>{width},.{digits}f}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
