"""The dashboard of an invented service, drawn once."""

from dataclasses import dataclass, replace

import pytest

from service.reporting.dashboard.composition import composed
from service.reporting.dashboard.contents import Contents
from service.reporting.dashboard.document import document
from service.reporting.dashboard.drawn import Drawings
from service.reporting.dashboard.figures import Figures
from service.reporting.dashboard.page import page
from tests.reports.invented import found


@dataclass
class Made:
    """One dashboard, in all its forms."""

    contents: Contents
    svgs: dict[str, str]
    page: str
    pdf: bytes


async def _made(figures: Figures, by: str, asked: dict[str, str]) -> Made:
    contents = composed(figures, by)
    svgs = await Drawings().svgs(contents.pictures)
    return Made(contents, svgs, page(contents, svgs, asked).decode(), document(contents, svgs))


@pytest.fixture(scope="session")
async def whole() -> Made:
    """That of the whole service."""
    return await _made(found(), "", {})


@pytest.fixture(scope="session")
async def by_team() -> Made:
    """That of the teams, with some of the indicators."""
    figures = found()
    return await _made(replace(figures, indicators=figures.indicators[::8]), "custodian", {"by": "custodian"})
