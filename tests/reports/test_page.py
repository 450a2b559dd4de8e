"""The page: whole without script or network, and accessible as far as that can be read from its source."""

import re
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise

import pytest
from lxml import html
from pypdf import PdfReader

from service.reporting.dashboard.composition import composed
from service.reporting.dashboard.drawing.palette import PALETTE
from service.reporting.dashboard.page import _STYLE, POLICY, page
from service.reporting.dashboard.wording import LAYOUT
from tests.reports.conftest import Made
from tests.reports.invented import INDICATORS, TEAMS, found

_VOID = {"meta", "br", "link", "img"}


class _Balance(HTMLParser):
    """Finds tags that are not closed, or closed twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_is_well_formed(whole: Made, by_team: Made) -> None:
    for made in (whole, by_team):
        check = _Balance()
        check.feed(made.page)
        check.close()
        assert check.open == []
        names = re.findall(r'\sid="([^"]+)"', made.page)
        assert len(names) == len(set(names))
        for name in re.findall(r'(?:aria-labelledby|href)="#?([^"?]+)"', made.page):
            assert set(name.split()) <= set(names)


async def test_needs_nothing_from_elsewhere(whole: Made, by_team: Made) -> None:
    for made in (whole, by_team):
        text = made.page.replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text
        assert "url(" not in text
        assert not re.search(r"<script|<link|<img|<iframe|<form|\sstyle=|\son\w+=|@import|javascript:", text)
    assert "script" not in POLICY
    assert POLICY.startswith("default-src 'none'")


async def test_names_are_text(by_team: Made) -> None:
    assert TEAMS["Organization/2"] not in by_team.page
    assert TEAMS["Organization/2"] in html.document_fromstring(by_team.page).xpath("string(//thead)")
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(by_team.pdf)).pages)
    assert "=Willow <b>ward</b> & co" in " ".join(text.split())


async def test_headings_and_tables_can_be_followed(whole: Made, by_team: Made) -> None:
    for made in (whole, by_team):
        tree = html.document_fromstring(made.page)
        levels = [int(heading.tag[1]) for heading in tree.xpath("//h1|//h2|//h3|//h4")]
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert tree.get("lang") == "en-GB"
        for table in tree.xpath("//table"):
            assert table.xpath("./caption")
            assert all(cell.get("scope") == "col" for cell in table.xpath("./thead//th"))
            assert all(row.xpath("./th[@scope='row']") for row in table.xpath("./tbody/tr"))
        for region in tree.xpath("//*[@role='region']"):
            assert region.get("aria-label")
            assert region.get("tabindex") == "0"


async def test_every_picture_says_what_it_means_and_which_way_is_better(whole: Made) -> None:
    better = {"increase": "Higher is better", "decrease": "Lower is better", "none": "neither is better"}
    tree = html.document_fromstring(whole.page)
    cards = [card for section in whole.contents.sections for card in section.cards]
    assert len(cards) == len(tree.xpath("//article"))
    for card, shown in zip(cards, tree.xpath("//article"), strict=True):
        text = " ".join(shown.text_content().split())
        assert better[card.better] in text
        assert " ".join(card.meaning.split()) in text


def test_every_indicator_has_its_place_and_a_question() -> None:
    codes = {concept["code"] for concept in INDICATORS["concept"]}
    placed = [code for theme in LAYOUT["themes"] for code in theme["codes"]]
    assert set(placed) == codes
    assert len(placed) == len(set(placed))
    several = {code for theme in LAYOUT["themes"] for each in theme["pictures"] for code in each["codes"]}
    assert several <= codes
    assert codes - several <= LAYOUT["ask"].keys()


def test_disagreement_is_neither_good_nor_bad() -> None:
    answers = [item for item in found().indicators if item.code.startswith("M2-")]
    assert len(answers) == 5
    assert {item.better for item in answers} == {None}
    (agreement,) = [card for card in composed(found()).sections[0].cards if card.key == "agreement"]
    assert agreement.better == "none"


async def test_links_lead_to_the_same_page_about_something_else(by_team: Made) -> None:
    links = html.document_fromstring(by_team.page).xpath("//nav[@class='choices']//a")
    assert [link.get("href") for link in links if link.get("aria-current")] == [
        "?by=custodian",
        "?by=custodian&months=12",
    ]
    assert "?" in [link.get("href") for link in links]


def test_a_page_in_a_file_offers_no_links_that_lead_nowhere(whole: Made) -> None:
    links = re.findall(r'href="([^"]*)"', page(whole.contents, whole.svgs).decode())
    assert all(link.startswith("#") for link in links)


def _colours(start: str) -> dict[str, str]:
    block = _STYLE[_STYLE.index(start) :]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block[: block.index("}")]))


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((light(one), light(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("start", [":root", "@media screen and (prefers-color-scheme: dark)"])
def test_colours_can_be_told_apart(start: str) -> None:
    colours = _colours(start)
    assert PALETTE.keys() <= colours.keys()
    for ground in ("card", "ground", "calm", "few"):
        for text in ("text", "quiet", "link"):
            assert _contrast(colours[text], colours[ground]) >= 4.5
    assert _contrast(colours["line"], colours["card"]) >= 3
    assert _contrast(colours["line"], colours["area"]) >= 3
    for part in ("part-0", "part-1", "part-2", "part-3"):
        assert _contrast(colours[part], colours["card"]) >= 3


def test_colours_of_the_light_page_are_those_of_the_pictures() -> None:
    assert {name: _colours(":root")[name] for name in PALETTE} == PALETTE


async def test_the_pdf_can_be_read_aloud(whole: Made) -> None:
    reader = PdfReader(BytesIO(whole.pdf))
    catalogue = reader.trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] == "en-GB"
    assert "/StructTreeRoot" in catalogue
    assert reader.metadata.title.startswith("How recovery-oriented is our practice?")
    assert b"pdfuaid" in reader.xmp_metadata.stream.get_data() if reader.xmp_metadata else False
