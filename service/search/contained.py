"""Contained resources in searches (https://hl7.org/fhir/R4/search.html#contained)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.conformance.search_parameters import SearchParameter
from service.search import fields
from service.search.index import Index, Indexer
from service.search.predicate import All, Member, OneOf, Predicate, asks_others, parts_of


@dataclass(frozen=True, slots=True)
class Containing:
    """Makes the indexes of the resources that one of a type contains, if they are of the types of ``indexers``."""

    indexers: Mapping[str, Indexer]
    references: Sequence[SearchParameter]
    """The reference parameters of the container."""

    def indexes(self, resource: Any) -> list[Index]:
        """Return the index of each, with the codes of the parameters that lead to it from its container."""
        return [
            {
                "type": item["resourceType"],
                "_id": item.get("id"),
                "by": [parameter.code for parameter in self.references if _leads_to(parameter, item, resource)],
                **self.indexers[item["resourceType"]](item),
            }
            for item in resource.get("contained", ())
            if item.get("resourceType") in self.indexers
        ]


def _leads_to(parameter: SearchParameter, item: Any, resource: Any) -> bool:
    wanted = f"#{item.get('id')}"
    values = (value for branch in parameter.branches for value in branch.values(resource))
    return any((value.get("reference") if isinstance(value, dict) else value) == wanted for value in values)


def of_contained(resource_type: str, predicate: Predicate, by: str | None = None) -> Predicate:
    """Return the predicate of resources that contain one of ``resource_type`` for which ``predicate`` holds.

    With ``by`` they refer to it by the parameter of that code. Raises ValueError where ``predicate`` asks what is not
    known of contained resources.
    """
    if asks_others(predicate):
        raise ValueError("Contained resources cannot be searched by chains and _has")
    if any(getattr(part, "field", None) == fields.TERMS for part in parts_of(predicate)):
        raise ValueError("Texts of contained resources are those of their container: leave out _contained")
    led_to = [OneOf("by", (by,))] if by else []
    return Member(fields.CONTAINED, All((OneOf("type", (resource_type,)), *led_to, predicate)))
