"""Where the pages lead to: on a Git host, and in a service that serves them under ``/docs/profiles/``."""

import re

from service.conformance.definitions import CANONICAL, Definition
from service.conformance.openapi.tables import base
from service.fhir.versions import FhirVersion

INDEX = "README"
"""The page that Git hosts show for a folder."""
SERVICE = "http://127.0.0.1:8000"
"""Where the service is, unless somebody says otherwise."""
_ROOT = "../.."
"""Of a checkout and of the service alike, seen from a page."""
_DEFINITION = re.compile(rf"{_ROOT}/schemas/(\w+)/(?:core/)?(\w+?)-(.+)\.json")
_PAGE = re.compile(r"(\w+)\.md(#.*)?")


def is_own(definition: Definition) -> bool:
    """Return whether a definition is ours and not HL7's."""
    return str(definition["url"]).startswith(CANONICAL)


def fhir_base(version: FhirVersion) -> str:
    """Return the FHIR base address of a service."""
    return SERVICE + base(version)


def file_of(definition: Definition, version: FhirVersion) -> str:
    """Return where the file of a definition is, seen from a page."""
    folder = f"{_ROOT}/schemas/{version.name.lower()}{'' if is_own(definition) else '/core'}"
    return f"{folder}/{definition['resourceType']}-{definition['id']}.json"


def served(address: str) -> str:
    """Return where the service has what ``address`` leads to from a page on a Git host."""
    if page := _PAGE.fullmatch(address):
        return ("./" if page[1] == INDEX else page[1]) + (page[2] or "")
    if definition := _DEFINITION.fullmatch(address):
        return f"{_ROOT}/fhir/{definition[1].upper()}/{definition[2]}/{definition[3]}?_format=json&_pretty=true"
    return address.replace(SERVICE, _ROOT, 1)
