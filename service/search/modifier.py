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
    of: frozenset[str] | None = None
    """The FHIR types of which one must be among those of the parameter's values; None stands for any."""
    negates: bool = False
    """Whether it asks for the resources of which no value is as ``read`` says."""

    def applies(self, parameter: SearchParameter) -> bool:
        """Return whether the values of ``parameter`` can be read in this way."""
        return self.of is None or not self.of.isdisjoint(parameter.value_types)


Modifiers = dict[str, Modifier]
"""By name; the empty name stands for no modifier."""
