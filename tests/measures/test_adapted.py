"""A service adapts the Measure: what it writes is published and carried out, and what cannot be stops the start."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from service.adapted_measure import definitions_of
from service.reporting.measures.evaluation import evaluate
from service.settings import Settings, WrongSetting
from tests.measures.support import DEFINITIONS, MONTH, URL, audit, states
from tests.measures.traits import Drawn
from tests.measures.written import Json, Writer
from tests.support.app import client_of

OURS = DEFINITIONS.get(URL)


def adapted(change: Callable[[Json], Any]) -> Json:
    measure = deepcopy(OURS)
    change(measure)
    return measure


def without_activities(measure: Json) -> None:
    """Make of the audit one of two indicators, the first of which asks for less."""
    measure["version"] = "0.1.0-harbour"
    measure["group"] = measure["group"][:2]
    measure["group"][0]["population"][2]["criteria"]["expression"] = "plan.withPerson"


def given(path: Path, content: str | bytes) -> Settings:
    file = path / "Measure.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Settings(measure=file)


async def test_an_adapted_measure_is_published_and_carried_out(settings: Settings, tmp_path: Path) -> None:
    measure = adapted(without_activities)
    file = given(tmp_path, json.dumps(measure)).measure
    assert definitions_of(settings.model_copy(update={"measure": file})).get(URL) == measure
    async with client_of(settings.model_copy(update={"measure": file})) as client:
        found = (await client.get("/Measure", params={"url": URL})).json()
        assert [item["resource"]["version"] for item in found["entry"]] == ["0.1.0-harbour"]
    resources = list(Writer(1).resources(Drawn(1, people=30)))
    ours, theirs = [await evaluate(audit(each), MONTH, states(resources)) for each in (OURS, measure)]
    assert theirs.count("M1", "numerator") > ours.count("M1", "numerator") > 0
    assert theirs.count("M2", "numerator") == ours.count("M2", "numerator")
    assert {code for counts in theirs.counts.values() for code in counts} == {"M1", "M2"}


async def test_ours_is_published_as_it_is_written(client: Any) -> None:
    read = await client.get("/Measure/recovery-orientation-audit")
    assert (read.status_code, read.json()) == (200, OURS)
    found = await client.get("/Measure", params={"title": "recovery-orient", "status": "active"})
    assert [item["resource"]["id"] for item in found.json()["entry"]] == ["recovery-orientation-audit"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "unexpected end of data"),
        ("[]", "resourceType is not Measure, so it is no adapted form of our Measure"),
        (json.dumps(adapted(lambda measure: measure.update(url="https://x.example/Measure/1"))), f"url is not {URL}"),
        (
            json.dumps(adapted(lambda measure: measure["extension"][3]["valueExpression"].update(expression="1 +"))),
            "plan.livedExperience: '1 +' ends too early",
        ),
        (b"\xff\xfe", "not valid UTF-8"),
    ],
)
def test_one_that_cannot_be_carried_out_stops_the_start_with_one_line(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        definitions_of(given(tmp_path, content))
    message = str(caught.value)
    assert message.startswith("RECOVERY_MEASURE: ")
    assert said in message
    assert "\n" not in message
