"""The indexes of a collection, derived from the search parameters of its type."""

from collections.abc import Iterable
from typing import Any

from pymongo import ASCENDING, IndexModel

from service.conformance.search_parameters import SearchParameter
from service.search import fields

BUDGET = 40
"""Most indexes of a collection; MongoDB itself allows 64."""


def index_models(parameters: Iterable[SearchParameter]) -> list[IndexModel]:
    """Return the indexes that serve ``parameters``; raises ValueError where they are more than the budget."""
    models = [_model([fields.WORDS], required=fields.WORDS)]
    for parameter in parameters:
        field = fields.own_field(parameter)
        if parameter.code == "_id":
            continue
        if fields.has_own_field(parameter):
            models.append(_model([field, "_id"], required=field))
        elif fields.is_bounded(parameter):
            # A prefix looks at one end or at both. MongoDB takes a search for a member of a list to need the list only.
            for one, other in (("lo", "hi"), ("hi", "lo")):
                required = f"{field}.{one}" if parameter.single else field
                models.append(_model([f"{field}.{one}", f"{field}.{other}"], required))
    if len(models) > BUDGET:
        raise ValueError(f"{len(models)} indexes are needed, and the budget is {BUDGET}")
    return models


def _model(keys: list[str], required: str) -> IndexModel:
    """Return an index over ``keys`` that leaves out documents without the field ``required``."""
    partial: dict[str, Any] = {required: {"$exists": True}}
    return IndexModel([(key, ASCENDING) for key in keys], partialFilterExpression=partial)
