"""The bench of search: what it stores is what the service would have stored, and it runs."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import bson

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.fhir import json
from service.fhir.versions import R4
from service.store.driver import Driver
from tests.bench.search.content import resource
from tests.bench.search.filling import compiled
from tests.bench.search.generator import STYLES, Generator, as_the_service_makes_it
from tests.bench.search.population import plans_in_time
from tests.bench.search.queries import QUERIES
from tests.bench.search.samples import samples
from tests.bench.search.style import Style

STATUSES = {
    "CarePlan": ("active", "completed", "revoked", "on-hold", "draft", "entered-in-error"),
    "Goal": ("active", "completed", "on-hold", "proposed", "cancelled"),
    "RiskAssessment": ("final",),
}


def test_documents_are_byte_for_byte_those_of_the_service() -> None:
    codec = Driver("pymongo", "mongodb://127.0.0.1", "unused").database.codec_options
    indexed = compiled().indexed_types
    generator = Generator(3, indexed, codec)
    found = Counter[str]()
    for number, written in enumerate(plans_in_time(120, 3)):
        for collection, encoded in generator.documents(number, written):
            found[collection] += 1
            if collection in indexed:
                document = bson.decode(encoded, codec_options=codec)
                expected = as_the_service_makes_it(document, indexed[collection])
                assert bson.encode(expected, codec_options=codec) == encoded
    assert found["CarePlan"] == 120
    assert min(found[name] for name in ("Goal", "RiskAssessment", "CarePlan_history", "Goal_history")) > 10


def test_every_resource_is_valid() -> None:
    definitions = Definitions(R4)
    structures = Structures(definitions)
    validator = Validator(definitions, structures, Terminology(definitions))
    for of_type, statuses in STATUSES.items():
        for style in (Style(of_type, status, n, rare) for status in statuses for n in range(STYLES) for rare in (0, 1)):
            assert validator.issues(json.parse(json.dump(resource(style)))) == []


def test_people_are_the_same_for_the_same_seed() -> None:
    plans = plans_in_time(3_000, 5)
    assert plans == plans_in_time(3_000, 5)
    assert plans != plans_in_time(3_000, 6)
    each = Counter(plan.person for plan in plans)
    assert 3 < len(plans) / len(each) < 5
    assert max(each.values()) >= 20


def test_each_query_finds_its_parameters_in_the_samples() -> None:
    found = samples(5, plans_in_time(300, 5))
    assert all(query.addresses(found) for query in QUERIES)
    assert len({query.name for query in QUERIES}) >= 30


def test_a_tiny_bench_runs_and_tells_what_misses_a_goal(tmp_path: Path) -> None:
    options = ("--plans", "60", "--seconds", "0.1", "--runs", "1", "--directory", str(tmp_path))
    command = [sys.executable, "-m", "tests.bench.search", *options, "--only", "patient;tenth page"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "MISSED     every listed query is answered: tenth page" in done.stdout
    assert "search.patient" in done.stdout
    assert "60 documents" in done.stdout
    assert [path.name for path in tmp_path.glob("60-1-*/filled.json")] == ["filled.json"]
