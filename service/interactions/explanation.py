"""``_explain``: how the database does a search, as a Parameters resource (https://hl7.org/fhir/R4/parameters.html)."""

from collections.abc import Sequence
from typing import Any

from service.fhir import json
from service.fhir.entry import Response
from service.interactions.context import Context
from service.interactions.paging import Paging
from service.search.request import SearchRequest
from service.search.source import Source
from service.store.explained import Explained

_TYPES = {str: "valueString", bool: "valueBoolean", int: "valueInteger"}


async def explanation(sources: Sequence[Source], search: SearchRequest, paging: Paging, context: Context) -> Response:
    """Return what is asked of the database for a page, and for each command what it did to answer."""
    store = context.store.explaining()
    if search.count:
        await paging.read(store, sources)
    else:
        await store.count(sources)
    asked = [_part("predicate", f"{source.type}: {source.predicate}") for source in sources]
    told = [{"name": "query", "part": _parts(item)} for item in store.explained or ()]
    return Response(200, json.dump({"resourceType": "Parameters", "parameter": [*asked, *told]}), touched=())


def _parts(item: Explained) -> list[dict[str, Any]]:
    numbers = {
        "keysExamined": item.keys_examined,
        "documentsExamined": item.documents_examined,
        "returned": item.returned,
        "milliseconds": item.milliseconds,
    }
    return [
        _part("collection", item.collection),
        _part("query", item.query),
        *(_part("index", name) for name in item.indexes),
        _part("collectionScan", item.collection_scan),
        *(_part(name, int(number)) for name, number in numbers.items() if number is not None),
    ]


def _part(name: str, value: str | bool | int) -> dict[str, Any]:
    return {"name": name, _TYPES[type(value)]: value}
