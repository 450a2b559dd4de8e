"""The dashboard as a PDF for a meeting: PDF/UA-1, that is with tags, so that it can be read aloud (ISO 14289-1)."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files

from service.reporting.dashboard.contents import Card, Contents
from service.reporting.dashboard.page import period, scope
from service.reporting.dashboard.wording import WORDS

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
    told = {"svg": svgs[card.picture.key], "description": card.picture.description}
    return {name: value for name, value in asdict(card).items() if name != "picture"} | told
