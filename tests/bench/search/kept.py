"""Filled databases that are kept between runs, one for each number of plans, seed and form of the documents."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import bson
import click
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from service.embedded import EmbeddedMongo
from service.embedded.directory import claim
from service.store.driver import Driver
from service.store.open import FORMAT
from tests.bench.driver import BenchError
from tests.bench.search import filling, population
from tests.bench.search.filling import DATABASE
from tests.bench.search.generator import Generator, as_the_service_makes_it
from tests.bench.search.samples import Sample, samples

_MARK = "filled.json"
_TELLING = 200
"""Plans whose documents and samples tell whether all would be made as they were."""
_COMPARED = 100
"""Documents of each type that are compared with what the service makes of their JSON text."""


@dataclass(frozen=True)
class Filled:
    """A running MongoDB with plans, and what is known of them."""

    plans: int
    uri: str
    samples: dict[str, list[Sample]]


@contextmanager
def filled(root: Path, plans: int, seed: int) -> Iterator[Filled]:
    """Yield a MongoDB with so many plans, filled now unless a former run has left it below ``root``.

    Raises BenchError where a document of a sample is not what the service would have stored.
    """
    home = root / f"{plans}-{seed}-{_form(seed)}"
    if not (home / _MARK).exists():
        for stale in root.glob(f"{plans}-{seed}-*"):
            _remove(stale)
        _fill(home, plans, seed)
    facts = json.loads((home / _MARK).read_text(encoding="utf-8"))
    with EmbeddedMongo(home) as mongo:
        begun = time.monotonic()
        asyncio.run(filling.make_indexes(mongo.uri))
        took = f"documents in {facts['seconds']:,.0f} s, indexes now in {time.monotonic() - begun:,.0f} s"
        click.echo(f"{plans:,} plans, seed {seed}: {home}, {_bytes_below(home) / 1e9:.2f} GB, {took}")
        compare(mongo.uri)
        yield Filled(plans, mongo.uri, facts["samples"])


def _remove(stale: Path) -> None:
    """Remove what another form of the documents, or a run that was ended, has left; EmbeddedMongoError if in use."""
    click.echo(f"Removing {stale}: its documents have another form, or are not all there")
    with claim(stale):
        shutil.rmtree(stale)


def _fill(home: Path, plans: int, seed: int) -> None:
    begun = time.monotonic()
    people = population.plans_in_time(plans, seed)
    chosen = samples(seed, people)
    filling.load(home / "mongodb", seed, people)
    facts = {"seconds": time.monotonic() - begun, "samples": chosen}
    (home / _MARK).write_text(json.dumps(facts), encoding="utf-8")


def _form(seed: int) -> str:
    """Return what changes when documents or samples would be made in another way."""
    people = population.plans_in_time(_TELLING, seed)
    codec = Driver("pymongo", "mongodb://127.0.0.1", DATABASE).database.codec_options
    generator = Generator(seed, filling.compiled().indexed_types, codec)
    digest = sha256(json.dumps([FORMAT, samples(seed, people)]).encode())
    for number, written in enumerate(people):
        for _, encoded in generator.documents(number, written):
            digest.update(encoded)
    return digest.hexdigest()[:12]


def compare(uri: str) -> int:
    """Return how many documents were compared, byte for byte, with what the service makes of their JSON text.

    Raises BenchError where one differs.
    """
    codec = Driver("pymongo", uri, DATABASE).database.codec_options
    compared = 0
    with MongoClient[RawBSONDocument](uri, document_class=RawBSONDocument) as client:
        for name, indexed in filling.compiled().indexed_types.items():
            for found in client[DATABASE][name].aggregate([{"$sample": {"size": _COMPARED}}]):
                document = bson.decode(found.raw, codec_options=codec)
                expected = as_the_service_makes_it(document, indexed)
                if bson.encode(expected, codec_options=codec) != found.raw:
                    wrong = [key for key in expected if expected[key] != document.get(key)]
                    raise BenchError(f"{name}/{document['_id']} differs from what the service stores in {wrong}")
                compared += 1
    return compared


def _bytes_below(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
