"""What the database really did for a request, as its profiler writes it down.

https://www.mongodb.com/docs/v6.0/reference/database-profiler/
"""

from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

from tests.bench.search.filling import DATABASE
from tests.bench.search.site import Site

_PROFILE = "system.profile"


@dataclass(frozen=True)
class Done:
    """What was examined for one request, by all its commands, and how much was in the answer."""

    documents: int
    keys: int
    answer: int
    """Entries of the page; where there is none, the total."""


def profile(site: Site, address: str) -> Done:
    """Return what the database does for a request to this address; raises BenchError where it is refused."""
    with MongoClient[dict[str, Any]](site.filled.uri) as client:
        database = client[DATABASE]
        database.command({"profile": 0})
        database.drop_collection(_PROFILE)
        database.command({"profile": 2})
        try:
            answer = site.get(address)
        finally:
            database.command({"profile": 0})
        done = list(database[_PROFILE].find({"docsExamined": {"$exists": True}}))
        database.drop_collection(_PROFILE)
    return Done(
        sum(each["docsExamined"] for each in done),
        sum(each["keysExamined"] for each in done),
        len(answer.get("entry", ())) or answer.get("total", 0),
    )
