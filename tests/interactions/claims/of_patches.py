"""The formats of patches (CapabilityStatement.patchFormat): in each, the addition of a tag."""

from typing import Any

from service.fhir import json
from tests.interactions.claims.world import TAGS, World, address_of, current

_ADDED = {"system": TAGS, "code": "patched"}
_OPERATION = {"type": ("Code", "add"), "name": ("String", "tag")}
_XML = 'xmlns="http://hl7.org/fhir"'
_FHIR_XML = f'<valueCoding><system value="{TAGS}"/><code value="patched"/></valueCoding>'


def _json_patch(_name: str) -> bytes:
    return json.dump([{"op": "add", "path": "/meta/tag/-", "value": _ADDED}])


def _fhirpath_patch(name: str) -> bytes:
    part: list[Any] = [{"name": part, f"value{kind}": value} for part, (kind, value) in _OPERATION.items()]
    part += [{"name": "path", "valueString": f"{name}.meta"}, {"name": "value", "valueCoding": _ADDED}]
    return json.dump({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]})


def _xml_patch(name: str) -> bytes:
    tag = f'<f:tag><f:system value="{TAGS}"/><f:code value="patched"/></f:tag>'
    return f'<diff xmlns:f="http://hl7.org/fhir"><add sel="f:{name}/f:meta">{tag}</add></diff>'.encode()


def _fhirpath_patch_in_xml(name: str) -> bytes:
    parts = {**_OPERATION, "path": ("String", f"{name}.meta")}
    listed = [
        f'<part><name value="{part}"/><value{kind} value="{value}"/></part>' for part, (kind, value) in parts.items()
    ]
    value = f'<part><name value="value"/>{_FHIR_XML}</part>'
    operation = f'<parameter><name value="operation"/>{"".join(listed)}{value}</parameter>'
    return f"<Parameters {_XML}>{operation}</Parameters>".encode()


FORMATS = {
    "application/json-patch+json": _json_patch,
    "application/fhir+json": _fhirpath_patch,
    "application/xml-patch+xml": _xml_patch,
    "application/fhir+xml": _fhirpath_patch_in_xml,
}
"""All that R4 has."""


async def patched_in_each_format(world: World, name: str, claimed: bool) -> None:
    """Patch a resource of a type in each format that there is; refused are those that are not claimed."""
    some = await (world.stored(name) if claimed else world.existing(name))
    for media_type, make in FORMATS.items():
        expected = (200,) if claimed and media_type in world.statement["patchFormat"] else (404, 405, 415)
        headers = {"Content-Type": media_type, **(current(some) if claimed else {})}
        answer = await world.ask("PATCH", address_of(some), expected, content=make(name), headers=headers)
        if answer.status_code == 200:
            assert answer.json()["meta"]["tag"] == [*some["meta"]["tag"], _ADDED]
            some = answer.json()
