"""Every REST case of the tables, and that no two have one name."""

import httpx
import pytest

from tests.rest.asking import run
from tests.rest.cases import CASES, Case, shown


@pytest.mark.parametrize("case", CASES, ids=shown)
async def test_the_service_answers_as_the_specification_says(
    services: dict[str, httpx.AsyncClient], case: Case
) -> None:
    await run(services[case.service], case)


def test_each_case_has_a_name_of_its_own() -> None:
    assert len({shown(case) for case in CASES}) == len(CASES)
