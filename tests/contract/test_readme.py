"""The README says what is so: its searches find samples, its settings are complete, its limits are those in force."""

import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.conformance.xml.syntax import MOST_TAGS
from service.fhir.entry import MOST_PARAMETERS
from service.interactions.belonging import MOST_GATHERED
from service.interactions.bulk.deleted import IN_A_BUNDLE
from service.interactions.included import MOST_INCLUDED, MOST_ROUNDS
from service.interactions.meta import MOST_IN_USE
from service.interactions.provenance import LONGEST
from service.interactions.traces import MOST_LISTED
from service.patch.json_patch import MOST_COPIED
from service.patch.limits import MOST_OPERATIONS, MOST_SECONDS
from service.reporting.views.compilation import MOST_ROWS
from service.reporting.views.definition import DEEPEST as DEEPEST_VIEW
from service.reporting.views.definition import MOST_COLUMNS
from service.rest.connection import LONGEST_ADDRESS, LONGEST_HEADERS, MOST_HEADERS
from service.search.criteria import LONGEST_QUERY, MOST_LINKS, MOST_LINKS_IN_ALL
from service.search.expression import DEEPEST, MOST_TESTS
from service.search.include import MOST_INCLUDES
from service.search.request import MOST_CHARACTERS, MOST_SORT_KEYS
from service.search.types.token import LONGEST_TEXT
from service.search.values import MOST_VALUES
from service.security.jwks import MOST_KEYS
from service.security.tokens import LONGEST_TOKEN
from service.settings import PREFIX, Settings
from service.store.faults import LONGEST_WRITE
from service.store.jobs import MOST_OF_ONE
from tests.support.app import client_of
from tests.support.samples import load_samples

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", README, re.MULTILINE))


def script_of(section: str) -> list[str]:
    """Return the lines of the script that a section shows."""
    (script,) = re.findall(r"```sh\n(.*?)```", SECTIONS[section], re.DOTALL)
    return str(script).replace("\\\n", "").splitlines()


def calls_in(section: str) -> list[str]:
    """Return the calls of curl that a section shows."""
    return [line for line in script_of(section) if line.startswith("curl ")]


LIMITS = {
    "parameters of a request; values of one parameter": [MOST_PARAMETERS],
    "all values of one search together": [MOST_CHARACTERS],
    "parameters of `_sort`": [MOST_SORT_KEYS],
    "steps from one resource to another by chains and `_has`": [MOST_LINKS, MOST_LINKS_IN_ALL],
    "`_filter`, `_text`, `_content`": [LONGEST_QUERY, MOST_TESTS, DEEPEST],
    "characters of a value for `:text`": [LONGEST_TEXT],
    "any other write, in the database": [LONGEST_WRITE],
    "operations of a patch; values that they copy; processor time": [MOST_OPERATIONS, MOST_COPIED, MOST_SECONDS],
    "bytes of an address; headers of a request, and their bytes": [LONGEST_ADDRESS, MOST_HEADERS, LONGEST_HEADERS],
    "bytes of `X-Provenance`": [LONGEST],
    "characters of a token; keys that an issuer publishes": [LONGEST_TOKEN, MOST_KEYS],
    "plans and goals that belong to one plan, for its `$everything`": [MOST_GATHERED],
    "different words of labels in use of one type, for `$meta`": [MOST_IN_USE],
    "tags of a body in XML": [MOST_TAGS],
    "exports and imports of one client that are not done": [MOST_OF_ONE],
    "deletions in one Bundle of an export": [IN_A_BUNDLE],
    "columns and levels of a ViewDefinition; rows of one resource": [MOST_COLUMNS, DEEPEST_VIEW, MOST_ROWS],
    "references of a `subject-list`": [MOST_LISTED],
    "includes of a search": [MOST_INCLUDES, MOST_INCLUDED, MOST_ROUNDS],
}


@pytest.mark.parametrize("call", [*calls_in("Searching"), *calls_in("Histories")])
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
    assert answer.json().get("entry") or "_at=" in call  # the samples are of today


async def test_the_calls_that_write_do_what_they_say(settings: Settings) -> None:
    async with client_of(settings, path="") as client:
        await load_samples(client)
        answers = [await client.request(**request_of(call)) for call in calls_in("Writing")]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200, 200], answers
    versions = [answer.json()["meta"]["versionId"] for answer in answers[:3]]
    assert versions == ["1", "2", "2"]
    assert {item["resource"]["resourceType"] for item in answers[3].json()["entry"]} == {"Goal", "Provenance"}
    assert "Look after my own money again" in answers[4].text
    assert answers[5].text.startswith("<?xml")


async def test_the_calls_that_report_are_answered(sample_client: httpx.AsyncClient) -> None:
    begun, *calls = [line for line in script_of("Reporting") if "$BASE" in line]
    begin = request_of(begun[begun.index("curl ") :].rstrip(")").replace("'%{header", "'{header"))
    assert (await sample_client.request(**begin)).status_code == 202
    answers = [await sample_client.request(**request_of(call)) for call in calls]
    assert [answer.status_code for answer in answers] == [200] * len(calls), [each.text for each in answers]
    assert answers[0].text.startswith("resource_key,")  # the samples are of a moment that is not settled yet
    assert answers[2].content.startswith(b"PAR1")
    assert {answer.json()["resourceType"] for answer in answers[3:]} == {"MeasureReport"}


def request_of(call: str) -> dict[str, Any]:
    """Return a call of curl as httpx takes it."""
    _, *words = shlex.split(call.replace("$BASE", "/fhir/R4").replace("\\$", "$"))
    method, content, headers = "GET", None, {}
    address = next(word for word in words if word.startswith("/fhir"))
    for option, value in itertools.pairwise(words):
        if option == "-X":
            method = value
        elif option == "-H":
            name, _, text = value.partition(": ")
            headers[name] = text
        elif option == "--data":
            content = value
    return {"method": method, "url": address, "content": content, "headers": headers}


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
