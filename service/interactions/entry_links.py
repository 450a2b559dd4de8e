"""Links between the entries of a transaction become links between the resources that they become.

https://hl7.org/fhir/R4/http.html#trules
"""

from collections.abc import Collection, Mapping
from typing import Any

from service.conformance.links import Targets
from service.conformance.references import places_of, references_in
from service.fhir.outcome import Issue
from service.fhir.reference import is_by_search, parse_reference
from service.interactions.context import Context
from service.interactions.entries import BundleEntry
from service.interactions.outlook import Outlook, criteria_of

_URNS = ("urn:uuid:", "urn:oid:")
_NOT_STORED = (
    "Resources of this type are not stored here, so none can be found by search; refer to it by its address, or by "
    "identifier alone"
)


class EntryLinks:
    """Rewrites links; ``targets`` has by fullUrl the ``Type/id`` of the resource that each entry stands for.

    ``new`` are those that are created: a link to a version of one becomes a link to its first version.
    """

    def __init__(self, targets: Mapping[str | None, str], new: Collection[str]) -> None:
        self._targets = {full_url: target for full_url, target in targets.items() if full_url is not None}
        self._new = new

    async def resolve(
        self, resource: Any, entry: BundleEntry, outlook: Outlook | None, context: Context
    ) -> list[Issue]:
        """Rewrite the links in the resource of ``entry``, and return an issue for each that leads nowhere.

        A reference by search leads to the one match when all else has been done: what ``outlook`` tells, None where
        there is no such reference.
        """
        if isinstance(resource, list):  # a JSON Patch, whose values may be or hold links
            resource[:] = self._with_addresses(resource)
        if not isinstance(resource, dict):
            return []
        found, issues = await self._found_by_search(resource, entry, outlook, context) if outlook else ({}, [])
        return issues + self._rewrite(resource, entry, found, context)

    async def _found_by_search(
        self, resource: dict[str, Any], entry: BundleEntry, outlook: Outlook, context: Context
    ) -> tuple[dict[str, str], list[Issue]]:
        references = [item for item in references_in(resource) if is_by_search(item["reference"])]
        found: dict[str, str] = {}
        issues: list[Issue] = []
        base = entry.request.base if entry.request else ""
        for item in references:
            text = item["reference"]
            resource_type, _, query = text.partition("?")
            (place,) = places_of([item], resource, f"{entry.place}.resource", context.structures)
            if resource_type not in context.indexers:
                issues.append(_unresolved(_NOT_STORED, place))
            elif text not in found:
                matches = await outlook.found(
                    resource_type, criteria_of(query, f"{place}.reference"), base, f"{place}.reference"
                )
                if matches:
                    found[text] = f"{resource_type}/{matches[0]}"
                else:
                    issues.append(_unresolved(f"No {resource_type} matches this reference by search", place))
        return found, issues

    def _with_addresses(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._with_addresses(item) for name, item in value.items()}
        if isinstance(value, list):
            return list(map(self._with_addresses, value))
        return self._targets.get(value, value) if isinstance(value, str) else value

    def _target(self, link: str, base: str | None) -> str | None:
        """Return what a link to an entry becomes, or None for any other link."""
        whole, version, _ = link.partition("/_history/")
        target = self._targets.get(whole) or self._targets.get(f"{base}/{whole}")
        return f"{target}/_history/1" if version and target in self._new else target

    def _rewrite(
        self, resource: dict[str, Any], entry: BundleEntry, found: Mapping[str, str], context: Context
    ) -> list[Issue]:
        base = _base_of(entry.full_url)
        unresolved: set[str] = set()

        def of_reference(link: str) -> str:
            target = found.get(link) or self._target(link, base)
            if target is None and link.startswith(_URNS):
                unresolved.add(link)
            return target or link

        root = f"{entry.place}.resource"
        try:
            context.links.rewrite(resource, Targets(self._targets, of_reference))
        except RecursionError:
            return [Issue("nesting", "The resource is nested too deeply to be read", root)]
        if not unresolved:
            return []
        lost = [item for item in references_in(resource) if item["reference"] in unresolved]
        sentence = "No entry of this transaction that is written has this fullUrl"
        return [_unresolved(sentence, place) for place in places_of(lost, resource, root, context.structures)]


def links_between(entry: BundleEntry, full_urls: Collection[str], context: Context) -> list[Issue]:
    """Return an issue for each reference of a batch entry to one of the other entries, which stand for themselves."""
    resource = entry.request.resource if entry.request else None
    if not isinstance(resource, dict):
        return []
    others = [item for item in references_in(resource) if item["reference"].startswith(_URNS)]
    lost = [item for item in others if item["reference"] in full_urls]
    sentence = "The entries of a batch do not refer to each other; in a transaction they may"
    places = places_of(lost, resource, resource.get("resourceType", ""), context.structures)
    return [_unresolved(sentence, place) for place in places]


def _unresolved(sentence: str, place: str) -> Issue:
    return Issue("reference-unresolved", sentence, f"{place}.reference")


def _base_of(full_url: str | None) -> str | None:
    """Return the server that a fullUrl belongs to, by which relative references in its entry are read."""
    literal = parse_reference(full_url) if full_url else None
    return literal.base if literal else None
