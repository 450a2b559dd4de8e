"""Published reports of an invented service: as REPORTS makes them, of figures that are drawn at random."""

from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

from service.conformance.definitions import CANONICAL, Definitions
from service.fhir.versions import R4
from service.reporting.dashboard.figures import Figures
from service.reporting.dashboard.published import figures
from service.reporting.measures.periods import Month
from service.reporting.measures.report import SUMMARY, Counted, measure_report
from service.reporting.measures.results import ALL, DENOMINATOR, INITIAL_POPULATION, NUMERATOR, Stratum
from service.reporting.measures.strata import Strata

DEFINITIONS = Definitions(R4)
MEASURE = DEFINITIONS.get(f"{CANONICAL}/Measure/recovery-orientation-audit")
INDICATORS = DEFINITIONS.get(f"{CANONICAL}/CodeSystem/audit-indicator")
NEWEST = Month(2026, 10)
TEAMS = {"Organization/1": "Northgate team", "Organization/2": "=Willow <b>ward</b> & co"}
"""One of them has a name that HTML, a spreadsheet and a typesetter could misunderstand."""
_STRATA = {
    "custodian": tuple(TEAMS),
    "care-setting": ("community", "secure"),
    "dual-diagnosis": ("yes", "no"),
    "legal-status": ("yes", "no"),
}


@cache
def reports(months: int = 12, *, hidden: float = 0.2) -> tuple[dict[str, Any], ...]:
    """Return a report for each of the last months; such a share of the counts is withheld."""
    random = Random(20261122)
    strata = [ALL, *(Stratum(by, value) for by, values in _STRATA.items() for value in values)]
    names = {Stratum("custodian", value): name for value, name in TEAMS.items()}
    made = Strata.of(DEFINITIONS)
    return tuple(
        measure_report(
            MEASURE,
            Counted(
                SUMMARY,
                NEWEST.before(ago).period,
                {
                    stratum: {group["code"]["coding"][0]["code"]: _counts(random, hidden) for group in MEASURE["group"]}
                    for stratum in strata
                },
                names=names,
            ),
            made,
            datetime(2026, 11, 22, tzinfo=UTC),
        )
        for ago in reversed(range(months))
    )


@cache
def found(months: int = 12, *, hidden: float = 0.2) -> Figures:
    """Return the same as the dashboard has it."""
    return figures(reports(months, hidden=hidden), INDICATORS, {})


def _counts(random: Random, hidden: float) -> dict[str, int | None]:
    denominator = 5 * random.randint(2, 40)
    numerator = 5 * random.randint(1, denominator // 5)
    drawn = {INITIAL_POPULATION: denominator, DENOMINATOR: denominator, NUMERATOR: numerator}
    return {name: None if random.random() < hidden else count for name, count in drawn.items()}
