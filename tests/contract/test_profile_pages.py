"""The pages about the profiles as the service has them: safe, complete without internet, readable by ear, and true."""

import re
import shlex
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import httpx
import pytest
from lxml import html
from starlette.applications import Starlette

from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.rest.pages import page_routes

ROOT = Path(__file__).parents[2]
TEXTS = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "docs" / "profiles").glob("*.md"))}
ADDRESSES = {name: f"/docs/profiles/{'' if name == 'README' else name}" for name in TEXTS}
PROFILES = [name for name in TEXTS if name[0].isupper() and name != "README"]


@pytest.fixture(scope="module")
async def pages() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=page_routes(Definitions(R4))))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


async def page(client: httpx.AsyncClient, name: str) -> html.HtmlElement:
    answer = await client.get(ADDRESSES[name])
    assert answer.status_code == 200
    return html.document_fromstring(answer.text)


@pytest.mark.parametrize("name", TEXTS)
async def test_a_page_loads_nothing_from_elsewhere(pages: httpx.AsyncClient, name: str) -> None:
    answer = await pages.get(ADDRESSES[name])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[:3] == ["default-src 'none'", "style-src 'self'", "img-src 'self'"]
    tree = html.document_fromstring(answer.text)
    assert tree.xpath("//script | //style | //*[@style] | //img | //iframe | //*[@src]") == []
    links = tree.xpath("//link/@href")
    assert len(links) == 2
    for link in links:
        file = await pages.get(urljoin(ADDRESSES[name], link))
        assert file.status_code == 200, link
        assert "immutable" in file.headers["cache-control"]
    assert [link for link in tree.xpath("//a/@href") if re.match(r"\w+:|//", link)] == []
    again = await pages.get(ADDRESSES[name], headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def words(tree: html.HtmlElement) -> str:
    return " ".join(tree.text_content().split())


def unmarked(markdown: str) -> str:
    """Return a line or a cell of Markdown as it is read."""
    text = re.sub(r"^#+ |^- |^-+$|</?\w+>|`", "", markdown)
    text = re.sub(r"(?<!\\)\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(?<!\\)(\*{1,2})(\w.*?)(?<!\\)\1", r"\2", text)
    return " ".join(re.sub(r"\\([\\*_\[\]<>|])", r"\1", text).replace("&lt;", "<").split())


@pytest.mark.parametrize("name", TEXTS)
async def test_a_page_says_all_that_the_file_says(pages: httpx.AsyncClient, name: str) -> None:
    tree = await page(pages, name)
    blocks = r"```\w+\n(.*?)```"
    assert [block.text_content() for block in tree.xpath("//pre")] == re.findall(blocks, TEXTS[name], re.DOTALL)
    shown = words(tree).replace("`", "")
    for line in re.sub(blocks, "", TEXTS[name], flags=re.DOTALL).splitlines():
        for cell in re.split(r"(?<!\\)\|", line):
            assert unmarked(cell.strip()) in shown


@pytest.mark.parametrize("name", TEXTS)
async def test_a_page_can_be_followed_by_ear(pages: httpx.AsyncClient, name: str) -> None:
    tree = await page(pages, name)
    levels = [int(heading.tag[1]) for heading in tree.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    names = tree.xpath("//@id")
    assert len(names) == len(set(names))
    assert tree.xpath("//html/@lang") == ["en-GB"]
    assert tree.xpath("//body/a[1]/@href") == ["#content"]
    assert len(tree.xpath("//nav/a[@aria-current='page']")) == 1
    tables = tree.xpath("//table")
    assert len(tables) == len(re.findall(r"^\|---", TEXTS[name], re.MULTILINE))
    for table in tables:
        (caption,) = table.xpath("./caption")
        frame = table.getparent()
        assert frame.get("aria-labelledby") == caption.get("id")
        assert (frame.get("role"), frame.get("tabindex")) == ("region", "0")
        assert words(caption)
        assert {cell.tag for cell in table.xpath("./thead//tr/*")} == {"th"}
        assert {*table.xpath("./thead//th/@scope")} == {"col"}
        assert all(row.xpath("./*")[0].get("scope") == "row" for row in table.xpath("./tbody/tr"))
        assert all(words(cell) for cell in table.xpath(".//th"))


@pytest.mark.parametrize("name", TEXTS)
async def test_every_link_of_a_page_leads_somewhere(sample_client: httpx.AsyncClient, name: str) -> None:
    tree = await page(sample_client, name)
    for link in sorted({urljoin(ADDRESSES[name], link) for link in tree.xpath("//a/@href")}):
        address, place = urldefrag(link)
        answer = await sample_client.get(address)
        assert answer.status_code == 200, link
        if place:
            assert place in html.document_fromstring(answer.text).xpath("//@id"), link


@pytest.mark.parametrize("name", PROFILES)
async def test_the_calls_of_a_page_do_as_it_says(sample_client: httpx.AsyncClient, name: str) -> None:
    (script,) = re.findall(r"```sh\n(.*?)```", TEXTS[name], re.DOTALL)
    (example,) = re.findall(r"```json\n(.*?)```", TEXTS[name], re.DOTALL)
    base, *calls = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert base == "BASE=http://127.0.0.1:8000/fhir/R4"
    codes = []
    for call in calls:
        command, flag, header, data, file, address = shlex.split(call)
        assert (command, flag, data) == ("curl", "-H", "--data")
        assert (ROOT / "schemas/r4/examples/valid" / file.removeprefix("@")).read_text("utf-8") == example
        field, value = header.split(": ")
        path = address.replace("$BASE", "/fhir/R4").replace("\\", "")
        answer = await sample_client.post(path, content=example, headers={field: value})
        codes.append(answer.status_code)
        if answer.status_code == 201:
            await sample_client.delete(f"{path}/{answer.json()['id']}")
        else:
            assert "error" not in [issue["severity"] for issue in answer.json()["issue"]], answer.text
    assert codes == [200, 201, 200]


async def test_the_folder_leads_to_its_index(sample_client: httpx.AsyncClient) -> None:
    answer = await sample_client.get("/docs/profiles")
    assert answer.status_code == 308
    assert urljoin("/docs/profiles", answer.headers["location"]) == "/docs/profiles/"


async def test_there_is_no_other_page(sample_client: httpx.AsyncClient) -> None:
    for path in ("/docs/profiles/nothing", "/docs/profiles/README", "/docs/profiles/RecoveryGoal/"):
        answer = await sample_client.get(path)
        assert answer.status_code == 404
        assert answer.json()["resourceType"] == "OperationOutcome"
