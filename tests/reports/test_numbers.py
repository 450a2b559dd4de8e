"""Whoever reads a picture, its table, the CSV, the PDF or the MeasureReport reads the same numbers, or none."""

import csv
import io
import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

from lxml import html
from pypdf import PdfReader

from service.reporting.dashboard.composition import composed
from service.reporting.dashboard.figures import Cell, Figures, Indicator, Series
from service.reporting.dashboard.page import page
from service.reporting.dashboard.published import figures
from service.reporting.dashboard.spreadsheet import HEAD, spreadsheet
from service.reporting.dashboard.wording import WORDS
from tests.reports.conftest import Made
from tests.reports.invented import INDICATORS, NEWEST, TEAMS, found, reports

_FEW = "too few to show"
_SCALE = {"0%", "50%", "100%"}
_LABELS = {"yes": ("With", "with"), "no": ("Without", "without")}


def _published() -> dict[tuple[str, str, str, str], tuple[int | None, int | None]]:
    """Return what the reports say: by indicator, grouping, group and month, the numerator and the denominator."""
    told = {}
    for report in reports():
        for group in report["group"]:
            code, month = group["code"]["coding"][0]["code"], report["period"]["start"][:7]
            told[code, "", "", month] = _counts(group)
            for stratifier in group["stratifier"]:
                by = stratifier["code"][0]["coding"][0]["code"]
                for number, stratum in enumerate(stratifier["stratum"]):
                    told[code, by, str(number), month] = _counts(stratum)
    return told


def _counts(counted: dict[str, Any]) -> tuple[int | None, int | None]:
    counts = {each["code"]["coding"][0]["code"]: each.get("count") for each in counted["population"]}
    return counts["numerator"], counts["denominator"]


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_every_published_number_and_no_other() -> None:
    order: dict[tuple[str, str], list[str]] = {}
    told = {}
    for row in _rows(spreadsheet(found())):
        groups = order.setdefault((row["indicator"], row["by"]), [])
        if row["group"] not in groups:
            groups.append(row["group"])
        number = str(groups.index(row["group"])) if row["by"] else ""
        counts = tuple(int(row[name]) if row[name] else None for name in ("counted", "of"))
        told[row["indicator"], row["by"], number, row["month"]] = counts
        assert (row["note"] == _FEW) == (None in counts)
        assert (row["percent"] == "") == (None in counts)
    assert told == _published()


def test_csv_is_about_what_was_asked_for() -> None:
    rows = _rows(spreadsheet(found(), ["M1", "M18"], "custodian"))
    assert {(row["indicator"], row["by"]) for row in rows} == {
        (code, by) for code in ("M1", "M18") for by in ("", "custodian")
    }
    assert {row["by"] for row in _rows(spreadsheet(found(), ["M1"], ""))} == {""}
    assert list(csv.reader(io.StringIO(spreadsheet(found(), ["none"])))) == [list(HEAD)]


def test_no_spreadsheet_takes_a_name_for_a_formula() -> None:
    names = {row["group"] for row in _rows(spreadsheet(found(), ["M1"], "custodian"))}
    assert f"'{TEAMS['Organization/2']}" in names
    assert not any(name.startswith("=") for name in names)


def _tables(made: Made) -> dict[str, list[list[str]]]:
    tree = html.document_fromstring(made.page)
    return {
        card.get("aria-labelledby").removesuffix("-name"): [
            [" ".join(cell.itertext()) for cell in row] for row in card.xpath(".//tbody/tr")
        ]
        for card in tree.xpath("//article")
    }


async def test_tables_hold_the_published_numbers(whole: Made) -> None:
    published = _published()
    tables = _tables(whole)
    months = [str(NEWEST.before(ago)) for ago in reversed(range(12))]
    seen = 0
    for indicator in found().indicators:
        if (rows := tables.get(indicator.code.lower())) is None:
            continue
        seen += 1
        expected = [published[indicator.code, "", "", month] for month in months]
        assert [_read(row) for row in rows] == expected
    assert seen == len(found().indicators) - 16  # answers, processes and dimensions stand in pictures of several


def _read(row: list[str]) -> tuple[int | None, int | None]:
    assert (_FEW in row[1:3]) == (row[3] == _FEW)
    numerator, denominator = (None if value == _FEW else int(value) for value in row[1:3])
    return numerator, denominator


async def test_tables_of_groups_hold_the_published_numbers(by_team: Made) -> None:
    published = _published()
    for code, rows in _tables(by_team).items():
        indicator = next(item for item in found().indicators if item.code.lower() == code)
        for row, ago in zip(rows, reversed(range(12)), strict=True):
            month = str(NEWEST.before(ago))
            keys = [("", ""), *(("custodian", str(number)) for number in range(len(row) - 2))]
            for value, (by, number) in zip(row[1:], keys, strict=True):
                counts = published[indicator.code, by, number, month]
                read = re.fullmatch(r"\d+% \((\d+)\sof\s(\d+)\)", value)
                assert (tuple(map(int, read.groups())) if read else value) == (_FEW if None in counts else counts)


async def test_the_pdf_holds_the_same_numbers(whole: Made) -> None:
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(whole.pdf)).pages)
    words = " ".join(text.split())
    for section in whole.contents.sections:
        for card in section.cards:
            assert card.title in words
            for row in card.table.rows:
                assert " ".join(" ".join(row).split()) in words


def _withheld() -> Figures:
    nothing = Series("", tuple(Cell(None, 20) for _ in range(12)))
    return Figures(
        found().months,
        tuple(Indicator(item.code, item.title, "Meaning", item.better, nothing) for item in found().indicators),
    )


async def test_where_everything_is_withheld_nothing_is_told() -> None:
    """A numerator that is withheld is neither drawn nor written, in title, description, sentence or table."""
    contents = composed(_withheld())
    for section in contents.sections:
        for card in section.cards:
            told = f"{card.picture.title} {card.picture.description} {card.now} {card.change} {card.table.rows}"
            assert "%" not in told
            counted = [row[1] for row in card.table.rows]
            assert set(counted) == {_FEW}
    assert {row["percent"] for row in _rows(spreadsheet(_withheld()))} == {""}


async def test_where_nothing_is_shown_the_page_says_so_once(whole: Made) -> None:
    nothing = Series("", tuple(Cell() for _ in found().months))
    indicators = tuple(replace(item, whole=nothing) for item in found().indicators)
    contents = composed(Figures(found().months, indicators))
    svgs = {picture.key: "<svg/>" for picture in contents.pictures}
    assert page(contents, svgs).decode().count(WORDS["blank"]) == 1
    assert WORDS["blank"] not in whole.page


def test_an_indicator_that_a_service_has_made_up_says_what_its_measure_says() -> None:
    group = deepcopy(reports()[-1]["group"][0])
    group["code"] = {"coding": [{"system": "https://example.org", "code": "L1", "display": "Plans with a pet"}]}
    (item,) = figures([{**reports()[-1], "group": [group]}], INDICATORS, {"L1": "Plans that name a pet."}).indicators
    assert (item.code, item.title, item.meaning) == ("L1", "Plans with a pet", "Plans that name a pet.")
    assert item.better == "increase"


def test_a_team_is_itself_whatever_it_is_called() -> None:
    """Its name is new in October, and another team has the name that it had."""

    def report(month: str, teams: dict[str, tuple[str, int]]) -> dict[str, Any]:
        def counted(number: int) -> list[dict[str, Any]]:
            return [{"code": {"coding": [{"code": code}]}, "count": number} for code in ("numerator", "denominator")]

        strata = [
            {"value": {"coding": [{"code": key, "display": name}], "text": name}, "population": counted(number)}
            for key, (name, number) in teams.items()
        ]
        stratifier = {"code": [{"coding": [{"code": "custodian"}]}], "stratum": strata}
        group = {"code": {"coding": [{"code": "M1"}]}, "population": counted(100), "stratifier": [stratifier]}
        return {"period": {"start": f"{month}-01"}, "group": [group]}

    made = figures(
        [
            report("2026-09", {"Organization/1": ("North", 10)}),
            report("2026-10", {"Organization/1": ("Harbour", 20), "Organization/2": ("North", 30)}),
        ],
        INDICATORS,
        {},
    )
    told = {
        series.group: [cell.numerator for cell in series.cells] for series in made.indicators[0].groups["custodian"]
    }
    assert told == {"Harbour": [10, 20], "North": [None, 30]}


def test_a_change_is_told_only_where_rounding_cannot_have_made_it() -> None:
    def change(first: tuple[int, int], last: tuple[int, int]) -> str:
        series = Series("", (Cell(*first), *(Cell() for _ in range(10)), Cell(*last)))
        indicator = Indicator("M1", "Title", "Meaning", "increase", series)
        (section,) = composed(Figures(found().months, (indicator,))).sections
        return section.cards[0].change

    assert change((50, 100), (55, 100)).startswith("about the same")
    assert change((50, 100), (80, 100)) == "30 points higher than in November 2025"
    assert change((500, 1000), (480, 1000)) == "2 points lower than in November 2025"
