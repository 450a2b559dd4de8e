"""Validation of resources by their types and by the profiles that they claim (https://hl7.org/fhir/R4/validation.html).

Compiled once from definitions; every issue of a resource is reported at once, with its place and the rule's key.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, Literal

from service.conformance.definitions import Definition, Definitions
from service.conformance.fhirpath.conditions import SameReference
from service.conformance.links import LinkRewriter
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.bindings import Bindings
from service.conformance.validation.extensions import Extensions, Known
from service.conformance.validation.invariants import Invariants
from service.conformance.validation.models import model_issues
from service.conformance.validation.place import Place
from service.conformance.validation.primitives import primitive_checks
from service.conformance.validation.profiles import ProfileCompiler
from service.conformance.validation.references import contained_check
from service.conformance.validation.report import FullError, Item, Report
from service.conformance.validation.shape import DEEPEST, Parts, Shape, too_deep
from service.fhir.outcome import Issue, shown

Claims = Literal["claimed", "always", "off"]
"""Which profiles a resource is held to: those that it claims, these and those of its type, or none."""


def is_withdrawn(resource: dict[str, Any]) -> bool:
    """Return whether ``resource`` says of itself that it was recorded by mistake."""
    return "entered-in-error" in (resource.get("status"), resource.get("lifecycleStatus"))


class Validator:
    """Checks resources of the types whose definitions are held; the profiles are compiled at once, types when asked."""

    def __init__(
        self,
        definitions: Definitions,
        structures: Structures,
        terminology: Terminology,
        same_reference: SameReference | None = None,
        claims: Claims = "claimed",
    ) -> None:
        self._definitions = definitions
        self._structures = structures
        self._claims = claims
        self._capabilities = definitions.resource_capabilities
        bindings, invariants, extensions = Bindings(terminology), Invariants(structures, same_reference), Extensions()
        compiler = ProfileCompiler(definitions, structures, bindings, invariants)
        profile = cache(lambda url: compiler.check(definitions.get(url)))
        primitives = primitive_checks(definitions)
        self._shape = Shape(Parts(structures, primitives, bindings, invariants, extensions, profile, self._resource))
        self._check_contained = contained_check(LinkRewriter(structures).local_links)
        self._profiles: dict[str, tuple[str, Item]] = {}
        for item in definitions.of_type("StructureDefinition"):
            if item.get("derivation") == "constraint":
                self._add(item, profile(item["url"]), extensions)

    def _add(self, definition: Definition, check: Item, extensions: Extensions) -> None:
        if definition["type"] == "Extension":
            extensions.add(definition["url"], Known.of(definition, check))
        elif self._structures.is_resource(definition["type"]):
            self._profiles[definition["url"]] = (definition["type"], check)
            extensions.leave_to_rules(definition)

    def prepare(self, resource_type: str) -> None:
        """Compile the rules of a type; raises LookupError where a definition that they need is not held."""
        self._shape.of_type(resource_type)

    def knows(self, profile: str) -> bool:
        """Return whether ``profile``, a canonical URL, is one that resources can be held to."""
        return self._find(profile) in self._profiles

    def _find(self, profile: str) -> str | None:
        """Return the URL without version of a structure that is held, and in that version where one is named."""
        url, _, version = profile.partition("|")
        definition = self._definitions.find(url) or {}
        is_held = definition.get("resourceType") == "StructureDefinition"
        return url if is_held and version in ("", definition["version"]) else None

    def profiles_of(self, resource: dict[str, Any], more: Iterable[str] = ()) -> list[str]:
        """Return the profiles that ``resource`` is held to: as the setting says, and ``more``.

        None for one that was entered in error, so that a wrong record can always be withdrawn.
        """
        if is_withdrawn(resource):
            return []
        claimed = [] if self._claims == "off" else [url for _, url in _claimed(resource)]
        if self._claims == "always":
            capability = self._capabilities.get(str(resource.get("resourceType")), {})
            claimed += capability.get("supportedProfile", [])
        found = dict.fromkeys(map(self._find, (*claimed, *more)))
        return [url for url in found if url in self._profiles]

    def issues(self, resource: Any, root: str | None = None, profiles: Iterable[str] = ()) -> list[Issue]:
        """Return all that is wrong with ``resource`` or might be better (warnings); empty when all is well.

        ``root`` is what places start with, the resource type unless the resource stands in a Bundle; ``profiles`` are
        canonical URLs to which the resource is held beside those that it claims.
        """
        place = Place(None, root or _type_of(resource) or "Resource")
        report = Report(resource, place)
        with suppress(FullError):
            self._resource(resource, place, report, False, profiles)
        return list(dict.fromkeys(report.issues))

    def _resource(
        self, value: Any, place: Place, report: Report, is_contained: bool, profiles: Iterable[str] = ()
    ) -> None:
        name = _type_of(value)
        if name is None:
            report.add(Issue("resource-type", "A resource is an object that names its resourceType", str(place)))
        elif self._structures.is_resource(name):
            with report.inside(value, place, is_contained):
                self._known(name, value, place, report, profiles)
        elif _is_deeper(value, DEEPEST - place.depth):
            report.add(too_deep(place))
        else:
            for issue in model_issues(value, name, str(place)):
                report.add(issue)

    def _known(self, name: str, value: dict[str, Any], place: Place, report: Report, profiles: Iterable[str]) -> None:
        self._shape.of_type(name)(value, place, report)
        if "contained" in value and value is report.root.resource and not report.has_malformed:
            self._check_contained(value, place, report)
        if self._claims != "off":
            self._check_claims(name, value, place, report)
        for url in self.profiles_of(value, profiles):
            of_type, check = self._profiles[url]
            if of_type == name:
                check(value, place, report)

    def _check_claims(self, name: str, value: dict[str, Any], place: Place, report: Report) -> None:
        for number, url in _claimed(value):
            known, where = self._find(url), f"{place}.meta.profile[{number}]"
            if known is None:
                sentence = f"The profile {shown(url)} is not held here, so the resource was not checked by it"
                report.add(Issue("profile-unknown", sentence, where, "warning"))
            elif (of_type := self._definitions.get(known)["type"]) not in list(self._structures.ancestors(name)):
                report.add(Issue("profile-type", f"{shown(url)} is a profile of {of_type}, not of {name}", where))


def _claimed(resource: dict[str, Any]) -> Iterator[tuple[int, str]]:
    meta = resource.get("meta")
    profiles = meta.get("profile") if type(meta) is dict else None
    for number, url in enumerate(profiles if type(profiles) is list else ()):
        if type(url) is str:
            yield number, url


def _type_of(value: Any) -> str | None:
    name = value.get("resourceType") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else None


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether objects and lists in ``value`` stand in each other more than ``levels`` elements deep."""
    layer = [value]
    for _ in range(2 * levels):  # an element that repeats is a list of objects
        layer = [
            item
            for outer in layer
            for item in (outer.values() if type(outer) is dict else outer)
            if type(item) is dict or type(item) is list
        ]
        if not layer:
            return False
    return True
