"""The README says what is so: its searches find samples, its settings are complete, its limits are those in force."""

import re
import shlex
from pathlib import Path

import httpx
import pytest

from service.fhir.entry import MOST_PARAMETERS
from service.interactions.included import MOST_INCLUDED, MOST_ROUNDS
from service.search.criteria import LONGEST_QUERY, MOST_LINKS, MOST_LINKS_IN_ALL
from service.search.expression import DEEPEST, MOST_TESTS
from service.search.include import MOST_INCLUDES
from service.search.request import MOST_CHARACTERS, MOST_SORT_KEYS
from service.search.types.token import LONGEST_TEXT
from service.search.values import MOST_VALUES
from service.settings import PREFIX, Settings

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", README, re.MULTILINE))
(SCRIPT,) = re.findall(r"```sh\n(.*?)```", SECTIONS["Searching"], re.DOTALL)
CALLS = [line for line in SCRIPT.replace("\\\n", "").splitlines() if line.startswith("curl ")]
LIMITS = {
    "parameters of a request; values of one parameter": [MOST_PARAMETERS],
    "all values of one search together": [MOST_CHARACTERS],
    "parameters of `_sort`": [MOST_SORT_KEYS],
    "steps from one resource to another by chains and `_has`": [MOST_LINKS, MOST_LINKS_IN_ALL],
    "`_filter`, `_text`, `_content`": [LONGEST_QUERY, MOST_TESTS, DEEPEST],
    "characters of a value for `:text`": [LONGEST_TEXT],
    "includes of a search": [MOST_INCLUDES, MOST_INCLUDED, MOST_ROUNDS],
}


@pytest.mark.parametrize("call", CALLS)
async def test_a_search_of_the_readme_finds_samples(sample_client: httpx.AsyncClient, call: str) -> None:
    _, *words = shlex.split(call.replace("$BASE", "/fhir/R4"))
    options = {"--data": "data", "--data-urlencode": "params"}
    (address,) = [word for word in words if word.startswith("/")]
    sent = {options[word]: words[place + 1].split("=", 1) for place, word in enumerate(words) if word in options}
    arguments = {kind: {name: value} for kind, (name, value) in sent.items()}
    as_curl_does = {"Content-Type": "application/x-www-form-urlencoded"} if "data" in sent else {}
    method = "POST" if "data" in sent else "GET"
    answer = await sample_client.request(method, address, headers=as_curl_does, **arguments)
    assert answer.status_code == 200, answer.text
    assert answer.json()["entry"]


def test_all_settings_are_listed() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", SECTIONS["Settings"], re.MULTILINE)
    assert sorted(listed) == sorted(f"{PREFIX}{name}".upper() for name in Settings.model_fields)


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_the_one_in_force(what: str) -> None:
    (row,) = [line for line in SECTIONS["Limits"].splitlines() if line.startswith(f"| {what} |")]
    numbers = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", row.rpartition(" | ")[2])]
    assert numbers[: len(LIMITS[what])] == LIMITS[what]


def test_as_many_values_as_parameters_are_taken() -> None:
    assert MOST_VALUES == MOST_PARAMETERS
