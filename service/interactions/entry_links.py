"""Links between the entries of a transaction become links between the resources that they become.

https://hl7.org/fhir/R4/http.html#trules
"""

import re
from collections.abc import Mapping
from typing import Any

from service.conformance.links import Targets
from service.conformance.references import places_of, references_in
from service.fhir.outcome import Issue
from service.fhir.reference import parse_reference
from service.interactions.context import Context
from service.interactions.entries import BundleEntry

_BY_SEARCH = re.compile(r"[A-Z][A-Za-z]+\?")


class EntryLinks:
    """Rewrites links; ``targets`` has by fullUrl the ``Type/id`` of each resource that the transaction writes."""

    def __init__(self, targets: Mapping[str | None, str]) -> None:
        self._targets = {full_url: target for full_url, target in targets.items() if full_url is not None}

    def rewrite(self, resource: Any, entry: BundleEntry, context: Context) -> list[Issue]:
        """Rewrite the links in the resource of ``entry``, and return an issue for each that leads nowhere."""
        if not isinstance(resource, dict):
            return []
        base = _base_of(entry.full_url)
        unresolved: dict[str, str] = {}

        def of_reference(link: str) -> str:
            found = self._targets.get(link) or (self._targets.get(f"{base}/{link}") if base else None)
            if found is None and (reason := _why_unresolved(link)):
                unresolved[link] = reason
            return found or link

        root = f"{entry.place}.resource"
        try:
            context.links.rewrite(resource, Targets(self._targets, of_reference))
        except RecursionError:
            return [Issue("nesting", "The resource is nested too deeply to be read", root)]
        if not unresolved:
            return []
        lost = [item for item in references_in(resource) if item["reference"] in unresolved]
        places = places_of(lost, resource, root, context.structures)
        return [
            Issue("reference-unresolved", unresolved[item["reference"]], f"{place}.reference")
            for item, place in zip(lost, places, strict=True)
        ]


def _why_unresolved(link: str) -> str | None:
    """Return why a reference that no entry's fullUrl matches cannot stay as it is, or None where it can."""
    if link.startswith(("urn:uuid:", "urn:oid:")):
        return "No entry of this transaction that is written has this fullUrl"
    if _BY_SEARCH.match(link):
        return "References by search are not supported; refer to an id or to the fullUrl of an entry"
    return None


def _base_of(full_url: str | None) -> str | None:
    """Return the server that a fullUrl belongs to, by which relative references in its entry are read."""
    literal = parse_reference(full_url) if full_url else None
    return literal.base if literal else None
