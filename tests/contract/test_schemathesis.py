"""Requests made up from the OpenAPI document: each answer is one that the document declares, and none is a fault.

The same, for longer: ``st run http://127.0.0.1:8000/openapi.json --max-time 600`` against a running service.
"""

import json
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import CoveragePhaseConfig, PhasesConfig, ProjectConfig, ProjectsConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.conformance.openapi import openapi_file
from tests.support.service import running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# The coverage phase makes thousands of requests, minutes long: it belongs to the longer run.
PHASES = PhasesConfig(coverage=CoveragePhaseConfig(enabled=False))
CONFIG = schemathesis.Config(seed=20261122, projects=ProjectsConfig(default=ProjectConfig(phases=PHASES)))


@schemathesis.serializer("application/fhir+ndjson")
def _lines(_context: schemathesis.SerializationContext, value: object) -> bytes:
    """Return what a body of ndjson is made of: texts as they are, all else as one line."""
    return (value if isinstance(value, str) else json.dumps(value)).encode(errors="replace")


schema = schemathesis.openapi.from_path(openapi_file(), config=CONFIG)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The root of a service that holds the sample plans, which the document's examples speak of."""
    with running(tmp_path_factory.mktemp("schemathesis"), "--samples", "yes") as service:
        yield service.await_ready()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all requests."""
    with requests.Session() as opened:
        yield opened


@schema.parametrize()
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_declared(case: schemathesis.Case, address: str, session: requests.Session) -> None:
    case.call_and_validate(base_url=address, session=session, checks=CHECKS)
