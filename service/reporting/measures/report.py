"""A MeasureReport of what was counted (https://hl7.org/fhir/R4/measurereport.html)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.fhir.datetimes import instant
from service.reporting.measures.definition import IMPROVEMENT
from service.reporting.measures.disclosure import Figures
from service.reporting.measures.report_text import Row, text_of
from service.reporting.measures.results import ALL, DENOMINATOR, NUMERATOR, Period, Stratum
from service.reporting.measures.strata import Strata

Json = dict[str, Any]
INDIVIDUAL, SUBJECT_LIST, SUMMARY = "individual", "subject-list", "summary"
"""The codes of MeasureReport.type that there are reports of."""

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_WITHHELD = {"extension": [{"url": _ABSENT, "valueCode": "masked"}]}
_PERCENT = {"unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
IMPROVEMENT_TOLD = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MeasureReport.group.improvementNotation"
"""The extension that says of a group of a report which way is better."""
_OF_GROUP = {IMPROVEMENT: IMPROVEMENT_TOLD}
"""Elements that R5 gives to the group of a Measure, and by which to that of a report: R4 has them as extensions."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a report tells."""

    type: str
    period: Period
    figures: Figures
    """None stands for what is withheld."""
    otherwise: int | None = None
    """What is told of strata that are not among these figures."""
    names: Mapping[Stratum, str] = field(default_factory=dict)
    subject: str | None = None
    """Whom it is about, such as ``Patient/1``, where it is about one person."""
    evaluated: tuple[str, ...] = ()
    """References to what was counted, for a report about one person."""
    lists: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """By indicator and population the id of the List of what was counted, for a report that says so."""
    contained: tuple[Json, ...] = ()
    """These Lists."""


def measure_report(measure: Json, counted: Counted, strata: Strata, written: datetime) -> Json:
    """Return the report on ``measure`` that tells what was ``counted``, as it is ``written``."""
    canonical = canonical_of(measure)
    groups = [_group(group, counted, strata) for group in measure["group"]]
    period = {"start": counted.period.start.isoformat(), "end": counted.period.end.isoformat()}
    rows = [_row(defined, group) for defined, group in zip(measure["group"], groups, strict=True)]
    report = {
        "resourceType": "MeasureReport",
        "text": text_of(measure.get("title", canonical), counted.type, counted.period, rows),
        "contained": list(counted.contained),
        "status": "complete",
        "type": counted.type,
        "measure": canonical,
        "subject": {"reference": counted.subject} if counted.subject else None,
        "date": instant(written),
        "period": period,
        "group": groups,
        "evaluatedResource": [{"reference": each} for each in counted.evaluated],
    }
    return {name: value for name, value in report.items() if value}


def canonical_of(measure: Json) -> str:
    """Return the canonical URL of a Measure, with its version if it has one."""
    return f"{measure['url']}|{measure['version']}" if "version" in measure else str(measure["url"])


def _group(defined: Json, counted: Counted, strata: Strata) -> Json:
    indicator = defined["code"]["coding"][0]["code"]
    extensions = [
        {**each, "url": _OF_GROUP[each["url"]]} for each in defined.get("extension", ()) if each["url"] in _OF_GROUP
    ]
    stratifiers = defined.get("stratifier", ())
    group = {
        "extension": extensions,
        "code": defined["code"],
        **_numbers(defined, ALL, counted),
        "stratifier": [] if counted.subject else [_stratifier(each, defined, counted, strata) for each in stratifiers],
    }
    for population in group["population"]:
        if name := counted.lists.get((indicator, population["code"]["coding"][0]["code"])):
            population["subjectResults"] = {"reference": f"#{name}"}
    return {name: value for name, value in group.items() if value}


def _stratifier(stratifier: Json, defined: Json, counted: Counted, strata: Strata) -> Json:
    told = strata.told(stratifier["code"]["coding"][0]["code"], counted.figures, counted.names)
    return {
        "code": [stratifier["code"]],
        "stratum": [{"value": value, **_numbers(defined, stratum, counted)} for stratum, value in told],
    }


def _numbers(defined: Json, stratum: Stratum, counted: Counted) -> Json:
    """Return the counts of a group or one of its strata, and their share where it can be told."""
    found = counted.figures.get(stratum, {}).get(defined["code"]["coding"][0]["code"], {})
    codes = [each["code"] for each in defined["population"]]
    figures = {code: found.get(code, counted.otherwise) for code in (each["coding"][0]["code"] for each in codes)}
    populations = [_population(code, figures) for code in codes]
    score = share(figures.get(NUMERATOR), figures.get(DENOMINATOR))
    told = {} if score is None else {"measureScore": {"value": score, **_PERCENT}}
    return {"population": populations, **told}


def _population(code: Json, figures: Mapping[str, int | None]) -> Json:
    count = figures.get(code["coding"][0]["code"])
    return {"code": code, "_count": _WITHHELD} if count is None else {"code": code, "count": count}


def share(numerator: int | None, denominator: int | None) -> float | None:
    """Return the share in per cent, with one decimal place; None where it cannot be told."""
    return None if numerator is None or not denominator else round(100 * numerator / denominator, 1)


def _row(defined: Json, group: Json) -> Row:
    counts = {each["code"]["coding"][0]["code"]: each.get("count") for each in group["population"]}
    notation = next(_directions(defined), None)
    coding = defined["code"]["coding"][0]
    return Row(
        coding["code"],
        coding.get("display", coding["code"]),
        defined.get("description", ""),
        notation,
        counts.get(NUMERATOR),
        counts.get(DENOMINATOR),
        group.get("measureScore", {}).get("value"),
    )


def _directions(defined: Json) -> Iterator[str]:
    for extension in defined.get("extension", ()):
        if extension["url"] in _OF_GROUP:
            yield extension["valueCodeableConcept"]["coding"][0]["code"]
