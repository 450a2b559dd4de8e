"""The conformance resources of one FHIR version, found by canonical URL (https://hl7.org/fhir/R4/conformance-module.html)."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from service.fhir.versions import FhirVersion

Definition = dict[str, Any]

CANONICAL = "https://w3id.org/recovery-plan"
"""What the canonical URL of each definition of ours starts with."""
_STANDING = ("Subscription",)


class Definitions:
    """Every definition in a version's folder and in its ``core``, the official ones.

    ``adapted`` stand for those that have the same url.
    """

    def __init__(self, version: FhirVersion, folder: Path | None = None, adapted: Iterable[Definition] = ()) -> None:
        self.version = version
        self.folder = folder or version.definitions
        self._adapted = {item["url"]: item for item in adapted}

    @cached_property
    def _by_url(self) -> dict[str, Definition]:
        files = [*sorted((self.folder / "core").glob("*-*.json")), *sorted(self.folder.glob("*-*.json"))]
        found = {item["url"]: item for item in (orjson.loads(file.read_bytes()) for file in files)}
        return found | self._adapted

    def find(self, canonical: str) -> Definition | None:
        """Return the definition that a canonical URL names, with or without ``|version``, or None."""
        return self._by_url.get(canonical.partition("|")[0])

    def get(self, canonical: str) -> Definition:
        """Return the definition that a canonical URL names; raises LookupError where none is held."""
        definition = self.find(canonical)
        if definition is None:
            raise LookupError(f"No definition {canonical} in {self.folder}")
        return definition

    def of_type(self, resource_type: str) -> list[Definition]:
        """Return all definitions that are resources of ``resource_type``."""
        return [item for item in self._by_url.values() if item["resourceType"] == resource_type]

    @cached_property
    def capability(self) -> Definition:
        """The CapabilityStatement from which routes, documentation and indexes derive."""
        (statement,) = self.of_type("CapabilityStatement")
        return statement

    @cached_property
    def resource_capabilities(self) -> dict[str, Definition]:
        """``CapabilityStatement.rest.resource`` by the type that is served."""
        return {item["type"]: item for item in self.capability["rest"][0]["resource"]}

    @property
    def stored_types(self) -> list[str]:
        """The types of the records that clients write, in the order of the CapabilityStatement."""
        return [name for name in self.resource_capabilities if self._is_written(name) and name not in _STANDING]

    @property
    def standing_types(self) -> list[str]:
        """The types by which clients ask for what goes on: they are stored too, and are no part of any record."""
        return [name for name in self.resource_capabilities if name in _STANDING]

    @property
    def written_types(self) -> list[str]:
        """All types that clients write."""
        return [*self.stored_types, *self.standing_types]

    @cached_property
    def published_types(self) -> list[str]:
        """The types of definitions, which can only be read: the service has them from its own files."""
        return [name for name in self.resource_capabilities if not self._is_written(name) and self.of_type(name)]

    @cached_property
    def recorded_types(self) -> list[str]:
        """The types of which nobody writes a resource but the service itself, about what it does."""
        others = {*self.written_types, *self.published_types}
        return [name for name in self.resource_capabilities if name not in others]

    def _is_written(self, resource_type: str) -> bool:
        offered = {item["code"] for item in self.resource_capabilities[resource_type]["interaction"]}
        return not offered.isdisjoint(("create", "update"))
