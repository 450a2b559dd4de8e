"""Modifiers of search parameters (https://hl7.org/fhir/R4/search.html#modifiers)."""

from collections.abc import Callable
from dataclasses import dataclass

from service.conformance.search_parameters import SearchParameter
from service.conformance.terminology import Terminology
from service.search.predicate import Predicate
from service.search.references import References


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the values of a search are read with."""

    references: References
    terminology: Terminology
    now: Callable[[], int]
    """In microseconds since 1970."""


Read = Callable[[SearchParameter, str, Knowledge], Predicate]
"""Reads one value; raises ValueError where that cannot be."""


@dataclass(frozen=True, slots=True)
class Modifier:
    """One way to read the values of a parameter."""

    read: Read
    negates: bool = False
    """Whether it asks for the resources of which no value is as ``read`` says."""


Modifiers = dict[str, Modifier]
"""By name; the empty name stands for no modifier."""
