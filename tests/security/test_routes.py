"""Everything that answers at all is public by name, or passes the one module that decides.

A route, a row of the tables or an operation that is added without a thought of who may use it fails here.
"""

import re

import httpx
import pytest
from starlette.routing import Mount, Route, WebSocketRoute

from service.app import create_app
from service.conformance.definitions import Definitions
from service.conformance.guide import Guide
from service.fhir.versions import R4
from service.interactions.perform import INTERACTIONS, PUBLISHED, RECORDED
from service.security.decisions import NEEDED, NEEDED_OF_INSTANCE, Needs
from service.settings import Settings
from tests.security.answers import agree
from tests.security.asks import asks
from tests.security.clients import POWERLESS
from tests.security.conftest import Asked, World
from tests.security.world import BEN
from tests.support.issuer import token_settings

PAGES = {
    "/",
    "/docs",
    "/openapi.json",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/fhir/R4/.well-known/smart-configuration",
    "/docs/profiles",
}
"""What anybody may fetch: nothing of it is of a person. Beside it the files of pages, and the pages about profiles."""
_FILE = re.compile(r"/docs/[0-9a-f]+/[A-Za-z0-9.\-]+")
_BY_THEMSELVES = {
    *(("{type}/$validate", method) for method in ("GET", "POST")),
    *(("$job/{id}", method) for method in ("GET", "DELETE")),
    ("$job/{id}/{file}", "GET"),
}
"""What is for every valid token, beside the definitions: it tells only of what is sent, or was asked for by it."""
_PLACES = {"compartment": "Patient", "type": "CarePlan", "id": f"{BEN}-plan", "vid": "1", "file": "x"}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The application as it is with tokens, not started."""
    keys = token_settings(tmp_path_factory.mktemp("keys"))
    return create_app(Settings(mongodb_uri="mongodb://localhost", audit="off", **keys))


def test_every_route_is_public_by_name(app):
    titles = {f"/docs/profiles/{name}" for name in Guide(Definitions(R4)).titles} | {"/docs/profiles/"}
    paths = [route.path for route in app.routes]
    assert not [path for path in paths if path not in PAGES | titles and not _FILE.fullmatch(path)]
    assert all(isinstance(route, Route) for route in app.routes), "no mount, no socket: they could hold anything"
    assert not [route.path for route in app.routes if route.methods - {"GET", "HEAD"}]
    assert Mount not in map(type, app.routes)
    assert WebSocketRoute not in map(type, app.routes)


def test_the_service_does_not_answer_where_it_has_no_route(app):
    assert app.openapi_url is None
    assert app.docs_url is None
    assert app.redoc_url is None


def test_every_interaction_is_decided():
    for shape, methods in (*INTERACTIONS.items(), *PUBLISHED.items(), *RECORDED.items()):
        for method, (code, _) in methods.items():
            known = NEEDED_OF_INSTANCE if "{id}" in shape and code in NEEDED_OF_INSTANCE else NEEDED
            assert code in known, f"{method} {shape} is {code}, for which nothing is decided"
    assert {code for code, needed in NEEDED.items() if needed is Needs.PUBLIC} == {"capabilities"}
    by_token = {"batch", "transaction", "$validate", "$evaluate-measure", "job-status", "job-cancel", "job-file"}
    assert {code for code, needed in NEEDED.items() if needed is Needs.TOKEN} == by_token


def test_every_operation_that_is_told_of_has_a_row():
    (rest,) = Definitions(R4).capability["rest"]
    listed = {item["name"] for item in rest.get("operation", ())}
    listed |= {item["name"] for resource in rest["resource"] for item in resource.get("operation", ())}
    rows = {shape.rpartition("$")[2] for shape in (*INTERACTIONS, *PUBLISHED) if "$" in shape}
    rows -= {"job/{id}", "job/{id}/{file}"}  # which are addresses that an operation answers with
    assert listed == rows


async def test_without_a_token_nothing_below_the_address_answers(world: World):
    found = []
    for shape, methods in (*INTERACTIONS.items(), *PUBLISHED.items(), *RECORDED.items()):
        path = f"/{shape.format(**_PLACES)}" if shape else ""
        for method in {*methods, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"}:
            response = await world.whole.request(method, path)
            is_public = shape == "metadata"
            found += (
                [f"{method} {path}: {response.status_code}"] if not is_public and response.status_code != 401 else []
            )
    agree(found)


_TRICKS = (
    "/fhir/R4/CarePlan/metadata",
    "/fhir/R4/metadata/../CarePlan",
    "/fhir/R4/metadata/CarePlan",
    "/fhir/R4/./CarePlan",
    "/fhir/R4//CarePlan",
    "/fhir/R4/%2e%2e/R4/CarePlan",
    "/fhir/R4/metadata%2F..%2FCarePlan",
    "/fhir/R4/metadata;/CarePlan",
    "/fhir/R4/metadata?/CarePlan",
    "/fhir/R4/.well-known/../CarePlan",
    "/fhir/R4/.well-known/smart-configuration/../../CarePlan",
    "/fhir/R4/.well-known/CarePlan",
    "/fhir/R4/.well-known/fhir/R4/CarePlan",
    "/fhir/R4/CarePlan/",
    "/fhir/R4/CarePlan%00",
    "/fhir/r4/CarePlan",
    "/FHIR/R4/CarePlan",
    "//fhir/R4/CarePlan",
    "/docs/../fhir/R4/CarePlan",
    "/docs/profiles/../../fhir/R4/CarePlan",
    "/health/live/../../fhir/R4/CarePlan",
    "/fhir/R4/_history",
    "/fhir/R4/AuditEvent",
    "/fhir/R4/$export",
)


@pytest.mark.parametrize("path", _TRICKS)
async def test_no_trick_of_a_path_gets_round(path: str, world: World):
    """The paths arrive as they are written: nothing between here and the service puts them right."""
    for name in ({}, {"X-Original-URL": "/fhir/R4/metadata", "X-Forwarded-Prefix": "/fhir/R4/metadata"}):
        url = httpx.URL("http://testserver").copy_with(raw_path=path.encode())
        response = await world.whole.send(httpx.Request("GET", url, headers=name))
        assert response.status_code in (400, 401, 404) or path.startswith("/fhir/R4/metadata?"), response.text
        assert BEN not in response.text


async def test_a_token_that_grants_nothing_passes_no_row(world: World, asked: Asked):
    """By the rows of the tables themselves, whatever the other tests ask for."""
    rows = {(shape, method) for shape, methods in INTERACTIONS.items() for method in methods} - _BY_THEMSELVES
    open_rows = set()
    for ask in asks(BEN):
        answer = await asked(world.whole, ask, POWERLESS[0].headers)
        if answer.status != 403:
            open_rows.add(ask.row)
    assert open_rows & rows == {("metadata", "GET")}
