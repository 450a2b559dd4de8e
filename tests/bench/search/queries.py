"""The listed queries: what is asked of the service at every size, as data."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.search.codes import CANONICAL, NUMBERS, PEOPLE, RARE_DECISION, RARE_FOCUS, RARE_KIND
from tests.bench.search.population import TODAY
from tests.bench.search.samples import Sample
from tests.bench.search.stamp import day_text
from tests.bench.search.wording import SEARCHED

_TODAY = day_text(TODAY)
_CHIME = f"{CANONICAL}/CodeSystem/chime"
_FOCUS = f"{CANONICAL}/CodeSystem/clinical-focus"
_KIND = f"{CANONICAL}/CodeSystem/plan-kind"


@dataclass(frozen=True)
class Query:
    """A search; names in braces are facts of samples of one kind."""

    name: str
    path: str
    of: str = "any"
    """The kind of samples that its parameters come from."""
    page: int = 1
    """Which page is measured; a later one is reached by ``next`` links before."""
    grows: str = ""
    """Why the answer itself grows with the number of plans; empty where it does not."""
    looks: str = ""
    """Why it may examine more than three documents for each that it returns; empty where it may not."""

    def addresses(self, samples: dict[str, Sequence[Sample]]) -> list[str]:
        """Return the different addresses that the samples make of it."""
        return list(dict.fromkeys(self.path.format(**sample) for sample in samples[self.of]))


_COUNTS = "all matches are counted"
_OF_ONE = "what belongs to one person is looked through, and nobody has more than a few dozen"
_LOOKED_UP = "goals are looked up one after the other until the page is full, as one in so many has what is asked for"
_FAR_END = "the far end of the chain has a hundred times as many goals"
_STANDING = (
    "the newest plans have no limit that is overdue, and members of a list have no order that an index could have"
)
_OPEN = "a period is found by one of its ends, and plans without an end are all as late as can be"
_WORD = "a word is found by its index, or by going through the newest, whichever the database tries out as shorter"

QUERIES = (
    Query("patient", "/CarePlan?patient=Patient/{person}"),
    Query("patient and status", "/CarePlan?patient=Patient/{person}&status=active", of="active"),
    Query("subject and category", "/CarePlan?subject=Patient/{person}&category={kind}", looks=_OF_ONE),
    Query("status, overdue review", f"/CarePlan?status=active&next-review=lt{_TODAY}"),
    Query("CHIME category", f"/Goal?category={_CHIME}|connectedness"),
    Query("rare category", f"/CarePlan?category={_KIND}|{RARE_KIND}"),
    Query("_id", "/CarePlan?_id={plan}"),
    Query("identifier", f"/CarePlan?identifier={NUMBERS}|{{number}}"),
    Query("_lastUpdated", "/CarePlan?_lastUpdated=gt{updated}"),
    Query("date of assessment", "/RiskAssessment?date=ge{day}&date=lt{fortnight}", of="assessed"),
    Query("period of plan", "/CarePlan?date=ge{day}&date=le{fortnight}", looks=_OPEN),
    Query("decision", "/RiskAssessment?decision=go-ahead"),
    Query("rare decision", f"/RiskAssessment?decision={RARE_DECISION}"),
    Query("prediction-kind", "/RiskAssessment?prediction-kind=cost-of-avoiding"),
    Query("probability", "/RiskAssessment?probability=gt85"),
    Query("person-agreement", "/CarePlan?person-agreement=disagree"),
    Query("agreement composite", "/CarePlan?agreement=Patient/{person}${agreed}"),
    Query("stipulation-review", f"/CarePlan?stipulation-review=imposed$lt{_TODAY}", looks=_STANDING),
    Query("chain to common goals", f"/CarePlan?goal.category={_CHIME}|connectedness", looks=_LOOKED_UP),
    Query("chain to rare goals", f"/CarePlan?goal.category={_FOCUS}|{RARE_FOCUS}", grows=_FAR_END),
    Query(
        "patient and chain",
        f"/CarePlan?patient=Patient/{{person}}&goal.category={_CHIME}|connectedness",
        "regular",
        looks=_OF_ONE,
    ),
    Query("chain from assessment", f"/RiskAssessment?pertains-to-goal.category={_CHIME}|hope", looks=_LOOKED_UP),
    Query("_has", "/Goal?_has:CarePlan:goal:status=active", looks=_LOOKED_UP),
    Query(
        "patient and _has",
        "/Goal?patient=Patient/{person}&_has:CarePlan:goal:status=active",
        of="active",
        looks=_OF_ONE,
    ),
    Query("_include", "/CarePlan?patient=Patient/{person}&_include=CarePlan:goal"),
    Query("_revinclude", "/Goal?patient=Patient/{person}&_revinclude=CarePlan:goal"),
    Query("patient by date", "/CarePlan?patient=Patient/{person}&_sort=-date"),
    Query("status by date", "/CarePlan?status=active&_sort=-date"),
    Query("status by next review", "/CarePlan?status=active&_sort=next-review"),
    Query("patient, _total", "/CarePlan?patient=Patient/{person}&_total=accurate"),
    Query("status, _total", "/CarePlan?status=active&_total=accurate", grows=_COUNTS, looks=_COUNTS),
    Query("patient:identifier", f"/CarePlan?patient:identifier={PEOPLE}|{{person_number}}"),
    Query("category:in", f"/Goal?category:in={CANONICAL}/ValueSet/chime"),
    Query("_content", f"/CarePlan?_content={SEARCHED}", looks=_WORD),
    Query("_summary=count", "/CarePlan?patient=Patient/{person}&_summary=count"),
    Query("compartment", "/Patient/{person}/*"),
    Query("second page", "/CarePlan?status=active", page=2),
    Query("tenth page", "/CarePlan?status=active", page=10),
)
"""In the order of the report."""
PAGE = "/CarePlan?patient=Patient/{person}&_count=20"
"""The page of 20, of a regular person, that is compared with the floor's."""
