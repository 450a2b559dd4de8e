"""All that is indexed of a resource that is stored: its parameters, the words of its texts, what it contains."""

from collections.abc import Callable, Mapping
from typing import Any

from service.search.contained import contained_indexes
from service.search.index import Index, Indexer

Terms = Callable[[Any], list[str]]


def document_indexer(index: Indexer, terms: Terms, indexers: Mapping[str, Indexer]) -> Indexer:
    """Return the function that makes the whole index of a resource; ``indexers`` are those of contained ones."""

    def make(resource: Any) -> Index:
        made = {**index(resource), "terms": terms(resource)}
        if "contained" in resource:
            made["contained"] = contained_indexes(resource, indexers)
        return made

    return make
