"""Search type reference: to resources here and elsewhere (https://hl7.org/fhir/R4/search.html#reference).

A reference to this server is written as ``Type/id``, whether it was given relative or absolute; one to another server
stays as it is. A canonical is written with and without its version.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.conformance.search_parameters import SearchParameter
from service.fhir.reference import Addresses, is_id
from service.search.text import unescape


@dataclass(frozen=True, slots=True)
class References:
    """Reads references as the server at ``addresses`` understands them."""

    addresses: Addresses

    def scalar(self, value: Any) -> str | None:
        """Return the one form in which a single Reference is stored, or None where it names nothing."""
        text = value.get("reference") if isinstance(value, dict) else value
        return None if text is None or text.startswith("#") else self.addresses.normal(text)

    def words(self, value: Any) -> Iterator[str]:
        """Yield the forms of a Reference or a canonical."""
        normal = self.scalar(value)
        if normal is None:
            return
        yield normal
        if isinstance(value, str) and "|" in value:
            yield self.addresses.normal(value.partition("|")[0])

    def query_words(self, parameter: SearchParameter, text: str) -> tuple[str, ...]:
        """Return the forms that ``text`` asks for; an id alone may be of each type that the parameter can lead to."""
        wanted = unescape(text)
        if is_id(wanted):
            return tuple(f"{target}/{wanted}" for target in parameter.targets)
        return (self.addresses.normal(wanted),)
