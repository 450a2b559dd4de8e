"""Pictures: what is withheld is not drawn, least of all as zero; and everybody can get at what they say."""

import re
import sys
from pathlib import Path

import pytest
from lxml import etree

from service.reporting.dashboard import drawn
from service.reporting.dashboard.drawing.palette import PALETTE
from service.reporting.dashboard.drawn import Drawings, NotDrawnError
from service.reporting.dashboard.pictures import Kind, Line, Picture
from tests.reports.conftest import Made

_MONTHS = ["Jan 2026", "Feb 2026", "Mar 2026", "Apr 2026"]
_SVG = "{http://www.w3.org/2000/svg}"


def _picture(kind: Kind, *lines: list[int | None], key: str = "picture-x") -> Picture:
    named = [Line(f"Line {number}", list(values)) for number, values in enumerate(lines)]
    return Picture(key, kind, "A <title> & more", "What is seen", _MONTHS, named, {"few": "too few"})


def _paths(svg: str, colour: str) -> list[str]:
    tree = etree.fromstring(svg.encode())
    return [
        path.get("d") for path in tree.iter(f"{_SVG}path") if path.get("stroke") == PALETTE[colour] and path.get("d")
    ]


_KINDS: tuple[Kind, ...] = ("trend", "groups", "columns", "split", "change")
_NOTHING = [None] * 4
_PICTURES = (
    _picture("trend", [40, 40, 40, 40], key="line"),
    _picture("trend", [40, None, 40, 40], key="broken-line"),
    _picture("trend", [40, 0, 40, 40], key="line-to-zero"),
    _picture("columns", [20, 20, 20, 20], [10, None, 10, 10], key="columns"),
    _picture("columns", [20, 20, 20, 20], [10, 0, 10, 10], key="columns-to-zero"),
    *(_picture(kind, _NOTHING, _NOTHING, _NOTHING, key=f"empty-{kind}") for kind in _KINDS),
)


@pytest.fixture(scope="module")
async def svgs() -> dict[str, str]:
    """Some pictures, drawn by one process."""
    return await Drawings().svgs(_PICTURES)


async def test_a_line_is_broken_where_nothing_is_shown(svgs: dict[str, str]) -> None:
    whole, broken, zero = svgs["line"], svgs["broken-line"], svgs["line-to-zero"]
    heights = [set(re.findall(r"[ML] [\d.]+ ([\d.]+)", _paths(svg, "line")[0])) for svg in (whole, broken, zero)]
    assert heights[0] == heights[1]
    assert len(heights[2]) == 2
    assert PALETTE["few"] in broken
    assert PALETTE["few"] not in whole + zero


@pytest.mark.parametrize("kind", _KINDS)
async def test_all_of_it_may_be_withheld(kind: Kind, svgs: dict[str, str]) -> None:
    svg = svgs[f"empty-{kind}"]
    texts = {"".join(text.itertext()) for text in etree.fromstring(svg.encode()).iter(f"{_SVG}text")}
    assert not [text for text in texts if re.search(r"\d%", text) and text not in ("0%", "50%", "100%")]
    assert not _paths(svg, "line")
    assert f'fill="{PALETTE["line"]}"' not in svg.replace(_legend(svg), "")


def _legend(svg: str) -> str:
    """Return the last use of a mark: that of the legend, where there is one."""
    return (re.findall(r"<use[^>]*>", svg) or [""])[-1]


async def test_a_column_whose_part_is_withheld_is_not_one_without_a_part(svgs: dict[str, str]) -> None:
    assert PALETTE["few"] in svgs["columns"]
    assert PALETTE["few"] not in svgs["columns-to-zero"]


async def test_pictures_say_what_they_are(whole: Made, by_team: Made) -> None:
    for made in (whole, by_team):
        for picture in made.contents.pictures:
            tree = etree.fromstring(made.svgs[picture.key].encode())
            assert tree.get("role") == "img"
            named = {part.get("id"): part.text for part in tree.iter(f"{_SVG}title", f"{_SVG}desc")}
            assert [named[key] for key in tree.get("aria-labelledby").split()] == [picture.title, picture.description]


async def test_pictures_bring_no_style_no_script_and_no_address(whole: Made, by_team: Made) -> None:
    for svg in (*whole.svgs.values(), *by_team.svgs.values()):
        tree = etree.fromstring(svg.encode())
        for part in tree.iter():
            assert etree.QName(part).localname not in ("script", "style", "metadata", "image", "foreignObject")
            assert not [name for name in part.attrib if name == "style" or name.startswith("on")]
            assert part.get("href", "#").startswith("#")


async def test_the_same_picture_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import json, sys; [print(json.dumps(each['title'])) for each in json.load(sys.stdin)]"
    monkeypatch.setattr(drawn, "_COMMAND", (sys.executable, "-c", program))
    drawings, told = Drawings(most=1), []
    one, other = _picture("trend", [10, 20, 30, 40]), _picture("trend", [10, 20, 30, None])
    first = await drawings.svgs([one], told.append)
    monkeypatch.setattr(drawn, "_COMMAND", ("false",))
    assert await drawings.svgs([one], told.append) == first
    assert told == [0, 1, 1]
    with pytest.raises(NotDrawnError):
        await drawings.svgs([other])


async def _drawn(*pictures: Picture) -> None:
    await Drawings().svgs(pictures)


async def test_what_draws_gets_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = tmp_path / "environment"
    program = f"import json, os, sys; open({str(seen)!r}, 'w').write(' '.join(os.environ)); print(json.dumps('<svg/>'))"
    monkeypatch.setattr(drawn, "_COMMAND", (sys.executable, "-c", program))
    monkeypatch.setenv("RECOVERY_PAGE_SECRET", "a secret")
    await _drawn(_picture("trend", [1, 2, 3, 4]))
    assert "RECOVERY" not in seen.read_text()


async def test_what_cannot_be_drawn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "_COMMAND", (sys.executable, "-c", "raise SystemExit('no such colour')"))
    with pytest.raises(NotDrawnError, match="no such colour"):
        await _drawn(_picture("trend", [1, 2, 3, 4]))
