"""References in resources and in searches, in the one form in which they are compared (https://hl7.org/fhir/R4/references.html)."""

from dataclasses import dataclass
from typing import Any

from service.conformance.search_parameters import SearchParameter
from service.fhir.reference import Addresses, is_id
from service.search.text import unescape


@dataclass(frozen=True, slots=True)
class References:
    """Reads references as the server at ``addresses`` understands them."""

    addresses: Addresses

    def asked_at(self, base: str) -> "References":
        """Return these references as a client means them who calls this server ``base``."""
        return References(Addresses(self.addresses.bases | {base}))

    def scalar(self, value: Any) -> str | None:
        """Return the one form in which a Reference or canonical is stored, or None where it names nothing."""
        text = _text(value)
        return None if text is None or text.startswith("#") else self.addresses.normal(text)

    def versioned(self, value: Any) -> str | None:
        """Return the form of a Reference or canonical, or of what is asked for, that names a version, or None."""
        text = _text(value)
        return None if text is None else self.addresses.versioned(text)

    def asked(self, parameter: SearchParameter, text: str) -> tuple[str, ...]:
        """Return the forms that ``text`` asks for; an id alone may be of each type that the parameter can lead to."""
        wanted = unescape(text)
        if is_id(wanted):
            return tuple(f"{target}/{wanted}" for target in parameter.targets)
        return (self.addresses.normal(wanted),)


def _text(value: Any) -> str | None:
    return value.get("reference") if isinstance(value, dict) else value
