"""Patches as a client sends them."""

import json
from typing import Any

import httpx

JSON_PATCH = "application/json-patch+json"
XML_PATCH = "application/xml-patch+xml"
FHIR_JSON = "application/fhir+json"
Json = dict[str, Any]

_PLAIN = {"name": "valueString", "index": "valueInteger", "source": "valueInteger", "destination": "valueInteger"}


def operation(kind: str, path: str, **parts: Any) -> Json:
    """Return one operation of a FHIRPath Patch; a value is given as the members of its part, all else as it is."""
    given = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        given.append({"name": name, **(value if name == "value" else {_PLAIN[name]: value})})
    return {"name": "operation", "part": given}


def parameters(*operations: Json) -> Json:
    """Return a FHIRPath Patch."""
    return {"resourceType": "Parameters", "parameter": list(operations)}


async def json_patch(client: httpx.AsyncClient, path: str, *operations: Json, **headers: str) -> httpx.Response:
    """PATCH with the operations of a JSON Patch."""
    return await _sent(client, path, json.dumps(operations), JSON_PATCH, headers)


async def fhirpath_patch(client: httpx.AsyncClient, path: str, *operations: Json, **headers: str) -> httpx.Response:
    """PATCH with the operations of a FHIRPath Patch."""
    return await _sent(client, path, json.dumps(parameters(*operations)), FHIR_JSON, headers)


async def xml_patch(client: httpx.AsyncClient, path: str, operations: str, **headers: str) -> httpx.Response:
    """PATCH with the operations of an XML Patch, written in the namespace of FHIR."""
    body = f'<diff xmlns="http://hl7.org/fhir">{operations}</diff>'
    return await _sent(client, path, body, XML_PATCH, headers)


async def _sent(client: httpx.AsyncClient, path: str, body: str, form: str, headers: dict[str, str]) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.patch(path, content=body, headers={"Content-Type": form, **named})
