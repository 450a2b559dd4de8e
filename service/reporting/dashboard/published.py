"""From MeasureReports, one for each month, to figures over time (https://hl7.org/fhir/R4/measurereport.html)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, cast

from service.reporting.dashboard.figures import Better, Cell, Figures, Indicator, Series
from service.reporting.dashboard.wording import WORDS
from service.reporting.measures.report import IMPROVEMENT_TOLD

Json = Mapping[str, Any]
Found = dict[tuple[str, str, str], dict[date, Cell]]


def figures(reports: Sequence[Json], code_system: Json, descriptions: Mapping[str, str]) -> Figures:
    """Return what ``reports`` publish, one for each month; ``code_system`` says what each indicator is and means.

    An indicator that a service has made up means what ``descriptions`` say, by its code. Groups are told apart by their
    codes, for teams may share a name, and change it; the newest name is given.
    """
    found: Found = defaultdict(dict)
    groups: dict[str, Json] = {}
    labels: dict[tuple[str, str], str] = {}
    for report in sorted(reports, key=lambda each: str(each["period"]["start"]), reverse=True):  # the newest names most
        month = date.fromisoformat(report["period"]["start"][:10])
        for place, cell in _cells(report):
            found[place][month] = cell
        labels |= {stratum: label for stratum, label in _labels(report) if stratum not in labels}
        groups = {_code(group["code"]): group for group in report.get("group", ())} | groups
    months = tuple(sorted({date.fromisoformat(report["period"]["start"][:10]) for report in reports}))
    concepts = {concept["code"]: concept for concept in code_system["concept"]}
    return Figures(
        months,
        tuple(
            _indicator(concepts.get(code) or _made_up(code, group, descriptions), _better(group), found, labels, months)
            for code, group in groups.items()
        ),
    )


def _made_up(code: str, group: Json, descriptions: Mapping[str, str]) -> Json:
    """Return what there is to say of an indicator that a service has made up."""
    return {"code": code, "display": _title(group["code"]), "definition": descriptions.get(code, "")}


def _cells(report: Json) -> Iterator[tuple[tuple[str, str, str], Cell]]:
    for group in report.get("group", ()):
        code = _code(group["code"])
        yield (code, "", ""), _cell(group)
        for stratifier in group.get("stratifier", ()):
            by = _code(stratifier["code"][0])
            for stratum in stratifier.get("stratum", ()):
                yield (code, by, _code(stratum["value"])), _cell(stratum)


def _labels(report: Json) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield what each value of a stratifier is called in ``report``."""
    for group in report.get("group", ()):
        for stratifier in group.get("stratifier", ()):
            by = _code(stratifier["code"][0])
            for stratum in stratifier.get("stratum", ()):
                yield (by, _code(stratum["value"])), _label(by, stratum["value"])


def _cell(counted: Json) -> Cell:
    counts = {_code(population["code"]): population.get("count") for population in counted.get("population", ())}
    return Cell(counts.get("numerator"), counts.get("denominator"))


def _indicator(
    concept: Json,
    better: Better | None,
    found: Found,
    labels: Mapping[tuple[str, str], str],
    months: Sequence[date],
) -> Indicator:
    code = concept["code"]
    groups: dict[str, list[Series]] = defaultdict(list)
    for at, by, value in found:
        if at == code and by:
            groups[by].append(_series(labels[by, value], found[at, by, value], months))
    return Indicator(
        code,
        concept["display"],
        concept["definition"],
        better,
        _series("", found[code, "", ""], months),
        {by: tuple(series) for by, series in groups.items()},
    )


def _series(label: str, cells: Mapping[date, Cell], months: Sequence[date]) -> Series:
    return Series(label, tuple(cells.get(month, Cell()) for month in months))


def _better(group: Json) -> Better | None:
    """Return which way is better, as the Measure that is carried out says, and its report after it."""
    found = [each for each in group.get("extension", ()) if each["url"] == IMPROVEMENT_TOLD]
    return cast(Better, _code(found[0]["valueCodeableConcept"])) if found else None


def _code(concept: Json) -> str:
    return str(concept["coding"][0]["code"] if "coding" in concept else concept["text"])


def _title(concept: Json) -> str:
    return str(concept.get("coding", [{}])[0].get("display") or _code(concept))


def _label(by: str, value: Json) -> str:
    """Return what people call a group, which of a yes or no is more than that."""
    coding = value.get("coding", [{}])[0]
    name = str(value.get("text") or coding.get("display") or coding.get("code", ""))
    return WORDS.get(f"group.{by}.{name}", name)
