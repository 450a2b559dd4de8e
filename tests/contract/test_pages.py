"""The pages for people: complete without internet, and safe."""

import html
import re

import httpx
import pytest
from starlette.applications import Starlette

from service.conformance.definitions import Definitions
from service.conformance.openapi import openapi_file
from service.fhir.versions import R4
from service.rest.pages import page_routes


@pytest.fixture
def pages() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=page_routes(Definitions(R4))))
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_a_page_loads_nothing_from_elsewhere(pages: httpx.AsyncClient, path: str) -> None:
    page = await pages.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "//" not in page.text
    for address in re.findall(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"', page.text):
        file = await pages.get(f"/{address}")
        assert file.status_code == 200, address
        assert "immutable" in file.headers["cache-control"]


async def test_the_document_is_served_as_it_is(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/openapi.json")
    assert answer.content == openapi_file().read_bytes()
    assert answer.headers["content-type"] == "application/json"
    plain = await pages.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    again = await pages.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_landing_page_links_to_everything(pages: httpx.AsyncClient) -> None:
    page = (await pages.get("/")).text
    for link in ("docs", "docs/profiles/", "openapi.json", "fhir/R4/metadata", "health/ready", "health/live"):
        assert f'href="{link}' in page


async def test_every_link_of_a_page_leads_somewhere(sample_client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs"):
        page = (await sample_client.get(path)).text
        for link in re.findall(r'<a href="([^"]+)"', page):
            answer = await sample_client.get(f"/{html.unescape(link).removeprefix('./')}")
            assert answer.status_code == 200, link
            assert answer.json().get("entry", ["."]) if "fhir/" in link else answer.content
