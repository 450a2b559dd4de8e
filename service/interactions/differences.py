"""What is different between two versions of a resource (https://hl7.org/fhir/R4/fhirpatch.html)."""

from typing import Any

from service.fhir import json
from service.interactions.context import Context
from service.patch.diff import Difference, differences
from service.store.document import Stored

_SET_BY_SERVER = ("versionId", "lastUpdated")

Json = dict[str, Any]


def version_differences(before: Stored, after: Stored, context: Context, with_meta: bool = False) -> list[Difference]:
    """Return the operations that make one version of another; neither is a deletion.

    Left out is what follows from the rest: texts that the service wrote for both, and, unless ``with_meta``, number
    and moment of the version.
    """
    versions = [json.parse(version.body or b"{}") for version in (before, after)]
    if all(map(context.narratives.wrote_text_of, versions)):
        versions = [_without(version, "text") for version in versions]
    if not with_meta:
        versions = [_without_version(version) for version in versions]
    return differences(versions[0], versions[1], context.structures)


def _without_version(resource: Json) -> Json:
    meta = _without(resource.get("meta", {}), *_SET_BY_SERVER)
    return {**resource, "meta": meta} if meta else _without(resource, "meta")


def _without(value: Json, *names: str) -> Json:
    return {key: item for key, item in value.items() if key not in names}
