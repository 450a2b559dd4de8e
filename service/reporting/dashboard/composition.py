"""From figures to what is told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.reporting.dashboard import sentences, tables
from service.reporting.dashboard.contents import Card, Contents, Section
from service.reporting.dashboard.figures import Figures, Indicator, Series
from service.reporting.dashboard.pictures import Kind, Line, Picture
from service.reporting.dashboard.wording import LAYOUT, WORDS, month_in_short, month_in_words

_NOTES = {"columns": "few-note-columns", "split": "few-note-split"}
"""What is said where nothing is shown, in pictures that show it otherwise than by a shaded month."""


def composed(figures: Figures, by: str = "") -> Contents:
    """Return all that is told of ``figures``: of the whole service, or with the groups that ``by`` names."""
    composition = _Composition(figures, by)
    sections = map(composition.section, LAYOUT["themes"])
    return Contents(figures.months, by, [section for section in sections if section.cards])


@dataclass(frozen=True, slots=True)
class _Composition:
    figures: Figures
    by: str

    def section(self, theme: Mapping[str, Any]) -> Section:
        """Return the pictures of a theme, those of several indicators first."""
        several = [] if self.by else [card for layout in theme["pictures"] if (card := self._several(layout))]
        found = [self.figures.find(code) for code in theme["codes"] or self._rest(theme)]
        single = [self._one(item) for item in found if item and self._has_own_card(item)]
        return Section(theme["key"], theme["title"], theme["intro"], [*several, *single])

    def _rest(self, theme: Mapping[str, Any]) -> list[str]:
        """Return the indicators that no theme names, for a theme that has nothing else."""
        if theme["pictures"]:
            return []
        placed = {code for each in LAYOUT["themes"] for code in each["codes"]}
        return [item.code for item in self.figures.indicators if item.code not in placed]

    def _has_own_card(self, indicator: Indicator) -> bool:
        """Return whether an indicator is to be seen by itself: by its groups, or where it is no part of a picture."""
        if self.by:
            return self.by in indicator.groups
        pictures = [picture for theme in LAYOUT["themes"] for picture in theme["pictures"]]
        return not any(len(each["codes"]) > 1 and indicator.code in each["codes"] for each in pictures)

    def _one(self, indicator: Indicator) -> Card:
        months = self.figures.months
        whole = indicator.whole
        if self.by:
            whole = replace(whole, group=WORDS["by-none"])
            shown = [whole, *indicator.groups[self.by]]
            table = tables.side_by_side(indicator.title, shown, months)
        else:
            shown = [whole]
            table = tables.over_months(indicator.title, whole, months)
        kind: Kind = "groups" if self.by else "trend"
        return Card(
            indicator.code.lower(),
            indicator.title,
            indicator.better or "none",
            sentences.of_all(sentences.now(whole, months)) if self.by else sentences.now(whole, months),
            sentences.change(whole, months),
            indicator.meaning,
            LAYOUT["ask"].get(indicator.code, ""),
            self._picture(indicator.code.lower(), kind, indicator.title, _shares(shown)),
            _note(shown, kind),
            table,
            [indicator.code],
        )

    def _several(self, layout: Mapping[str, Any]) -> Card | None:
        """Return the card of a picture of several things, if they are published."""
        found = [(self.figures.find(code), label) for code, label in layout["codes"].items()]
        series = [replace(item.whole, group=label) for item, label in found if item]
        if len(series) < len(found):
            return None
        months, title, kind = self.figures.months, layout["title"], layout["kind"]
        is_one = len(series) == 1
        return Card(
            layout["key"],
            title,
            layout["better"],
            sentences.now(series[0], months) if is_one else "",
            sentences.change(series[0], months) if is_one else "",
            layout["meaning"],
            layout["ask"],
            self._picture(layout["key"], kind, title, _counts(series[0]) if kind == "columns" else _shares(series)),
            _note(series, kind),
            (tables.over_months(title, series[0], months) if is_one else tables.side_by_side(title, series, months)),
            list(layout["codes"]),
        )

    def _picture(self, key: str, kind: Kind, title: str, lines: list[Line]) -> Picture:
        names = [month_in_short(month) for month in self.figures.months]
        words = {"few": WORDS["few"]}
        return Picture(f"picture-{key}", kind, title, self._description(kind, lines), names, lines, words)

    def _description(self, kind: Kind, lines: list[Line]) -> str:
        months = self.figures.months
        if kind == "trend":
            values = sentences.over_time([sentences.share(value) for value in lines[0].values], months)
        elif kind == "columns":
            pairs = zip(lines[1].values, lines[0].values, strict=True)
            pair = WORDS["describe-pair"].format
            told = [pair(part=sentences.count(part), whole=sentences.count(whole)) for part, whole in pairs]
            values = sentences.over_time(told, months)
        elif kind == "change":
            values = ", ".join(
                WORDS["describe-was"].format(
                    label=line.label, then=sentences.share(line.values[0]), now=sentences.share(line.values[-1])
                )
                for line in lines
            )
        else:
            values = ", ".join(f"{line.label} {sentences.share(line.values[-1])}" for line in lines)
        return WORDS[f"describe-{kind}"].format(
            number=len(months), first=month_in_words(months[0]), month=month_in_words(months[-1]), values=values
        )


def _shares(series: Sequence[Series]) -> list[Line]:
    return [Line(each.group, each.percents) for each in series]


def _counts(series: Series) -> list[Line]:
    return [
        Line(WORDS["columns-all"], [cell.denominator for cell in series.cells]),
        Line(WORDS["columns-part"], [cell.numerator for cell in series.cells]),
    ]


def _note(series: Sequence[Series], kind: Kind) -> str:
    """Return what is to be said of months for which nothing is shown, where there are any."""
    if kind == "change" or (
        kind != "split" and all(cell.percent is not None for each in series for cell in each.cells)
    ):
        return ""
    return WORDS[_NOTES.get(kind, "few-note")]
