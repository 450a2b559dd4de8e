"""All that is indexed of a resource that is stored: its parameters, the words of its texts, what it contains."""

from collections.abc import Callable
from typing import Any

from service.search.contained import Containing
from service.search.index import Index, Indexer

Terms = Callable[[Any], list[str]]


def document_indexer(index: Indexer, terms: Terms, containing: Containing) -> Indexer:
    """Return the function that makes the whole index of a resource."""

    def make(resource: Any) -> Index:
        made = {**index(resource), "terms": terms(resource)}
        if "contained" in resource:
            made["contained"] = containing.indexes(resource)
        return made

    return make
