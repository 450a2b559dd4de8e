"""What a service reports of how recovery-oriented its practice is (https://hl7.org/fhir/R4/measurereport.html)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.reporting.measures.definition import Audit
from service.reporting.measures.disclosure import Disclosure
from service.reporting.measures.kept import KeptResults
from service.reporting.measures.periods import Month, last_month, read_period
from service.reporting.measures.report import SUMMARY, Counted, Json, measure_report
from service.reporting.measures.results import Period
from service.reporting.measures.strata import Strata


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures that are evaluated here, and what may be published of them."""

    audits: Mapping[str, Audit]
    """By the logical id of the Measure."""
    kept: KeptResults
    disclosure: Disclosure
    strata: Strata
    settled: Callable[[], Awaitable[datetime]]
    """Returns the latest moment whose state nothing can change any more."""
    clock: Callable[[], datetime]

    async def last_month(self) -> Month:
        """Return the last month that can be reported."""
        return last_month(await self.settled())

    async def read_period(self, start: str, end: str) -> Period:
        """Return the period that two FHIR dates give; raises WrongPeriodError where there is no report of it."""
        return read_period(start, end, await self.settled())

    async def published(self, audit: Audit, period: Period) -> Json:
        """Return the MeasureReport over the whole service, fit to be published: the figures of a settled period."""
        results = await self.kept.of(audit, period)
        return self.report(audit, Counted(SUMMARY, period, self.disclosure.figures(results), names=results.names))

    def report(self, audit: Audit, counted: Counted) -> Json:
        """Return the MeasureReport that tells what was ``counted``."""
        return measure_report(audit.measure, counted, self.strata, self.clock())
