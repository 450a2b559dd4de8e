"""The dashboard as a PDF for a meeting: PDF/UA-1, that is with tags, so that it can be read aloud (ISO 14289-1)."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.resources import files

from service.reporting.dashboard.contents import Card, Contents, Table
from service.reporting.dashboard.page import period, scope
from service.reporting.dashboard.wording import WORDS

_CARD, _HIGHEST = 82, 150
"""Millimetres: how wide a card is inside, and how high a picture may be."""
_COLUMNS = 6
"""Of a table, besides the names of its rows."""
_TEMPLATE = (files(__package__) / "templates" / "report.typ").read_bytes()


def document(contents: Contents, svgs: Mapping[str, str]) -> bytes:
    """Return the PDF, with the pictures that ``svgs`` holds by their keys."""
    import matplotlib as mpl  # what is heavy is imported by those who need it
    import typst

    given = {
        "title": WORDS["title"],
        "period": period(contents),
        "scope": scope(contents),
        "reading": [WORDS[name] for name in WORDS if name.startswith("reading.")],
        "blank": WORDS["blank"] if contents.is_blank else "",
        "words": WORDS,
        "sections": [
            {"title": section.title, "intro": section.intro, "cards": [_card(card, svgs) for card in section.cards]}
            for section in contents.sections
        ],
    }
    made: bytes = typst.compile(
        _TEMPLATE,
        format="pdf",
        sys_inputs={"contents": json.dumps(given)},
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[f"{mpl.get_data_path()}/fonts/ttf"]),
        pdf_standards="ua-1",
    )
    return made


def _card(card: Card, svgs: Mapping[str, str]) -> dict[str, object]:
    svg = svgs[card.picture.key]
    told = {
        "svg": svg,
        "description": card.picture.description,
        "width": _width(svg),
        "tables": [asdict(table) for table in _narrow(card.table)],
    }
    return {name: value for name, value in asdict(card).items() if name not in ("picture", "table")} | told


def _width(svg: str) -> float:
    """Return how wide a picture is, in per cent of its card, so that it is no higher than a page."""
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    return min(100.0, 100 * _HIGHEST / (_CARD * float(size[2]) / float(size[1])))


def _narrow(table: Table) -> Iterator[Table]:
    """Yield ``table`` in parts whose columns fit on a page, each with the names of its rows."""
    for start in range(1, len(table.head), _COLUMNS):
        columns = slice(start, start + _COLUMNS)
        rows = [[row[0], *row[columns]] for row in table.rows]
        yield Table(table.caption, [table.head[0], *table.head[columns]], rows)
