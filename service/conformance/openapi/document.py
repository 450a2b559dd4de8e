"""The document as a whole: what it says about itself, its paths, its components."""

from service.conformance.definitions import Definitions
from service.conformance.openapi.answers import HEADERS, Answers
from service.conformance.openapi.parameters import Parameters
from service.conformance.openapi.samples import Samples
from service.conformance.openapi.schemas import component_schemas
from service.conformance.openapi.tables import MEDIA_TYPES, Table, base, fill, refer, table

_SYSTEM = "Service"
_FORM = "application/x-www-form-urlencoded"


def openapi_document(definitions: Definitions) -> Table:
    """Return the OpenAPI 3.1 document that describes what ``definitions`` declare."""
    rows = table("interactions")
    samples = Samples(definitions)
    parameters = Parameters(definitions, samples)
    answers = Answers(definitions, samples, rows["rules"])
    paths = _Paths(definitions, samples, parameters, answers)
    for row in rows["system"]:
        if _is_served(row, definitions.capability["rest"][0]):
            paths.add(row, base(definitions.version))
    for name, capability in definitions.resource_capabilities.items():
        for row in rows["operations" if name in definitions.stored_types else "definitions"]:
            if _is_served(row, capability):
                paths.add(fill(row, name), base(definitions.version), name)
    for row in rows["outside"]:
        paths.add(row, "")
    return {
        "openapi": "3.1.0",
        "info": _info(definitions),
        "servers": [{"url": "/"}],
        "tags": _tags(definitions),
        "paths": paths.paths,
        "components": {
            "schemas": component_schemas(definitions) | parameters.schemas(),
            "parameters": parameters.components(),
            "headers": HEADERS,
            "responses": answers.responses,
            "examples": samples.components() | answers.examples,
        },
    }


class _Paths:
    def __init__(self, definitions: Definitions, samples: Samples, parameters: Parameters, answers: Answers) -> None:
        self._capabilities = definitions.resource_capabilities
        self._samples = samples
        self._parameters = parameters
        self._answers = answers
        self.paths: dict[str, Table] = {}

    def add(self, row: Table, prefix: str, resource_type: str = "") -> None:
        """Add the operation that ``row`` describes."""
        operation: Table = {
            "tags": [row.get("tag", resource_type or _SYSTEM)],
            "operationId": row["id"] + resource_type,
            "summary": row["summary"],
            "description": row["text"],
        }
        if parameters := self._parameters.of_operation(row.get("parameters", []), resource_type):
            operation["parameters"] = parameters
        if "body" in row:
            operation["requestBody"] = self._body(row["body"], resource_type)
        operation["responses"] = self._answers.of_operation(row, resource_type)
        self.paths.setdefault(prefix + row["path"], {})[row["method"]] = operation

    def _body(self, kind: str, resource_type: str) -> Table:
        if kind == "form":
            form = {"schema": refer("schemas", self._parameters.form_of(resource_type))}
            return {"required": False, "content": {_FORM: form}}
        names = {
            "new": [f"{resource_type}New"],
            "sample": [f"{resource_type}Sample"],
            "validate": [f"{resource_type}New", f"{resource_type}Parameters"],
        }
        examples = {name: refer("examples", name) for name in names.get(kind, self._samples.submissions)}
        schema = refer("schemas", resource_type or "Submission")
        if kind == "validate":
            schema = {"anyOf": [schema, refer("schemas", "ValidateParameters")]}
        content = {"schema": schema, "examples": examples}
        return {"required": True, "content": dict.fromkeys(MEDIA_TYPES, content)}


def _is_served(row: Table, capability: Table) -> bool:
    offered = {item["code"] for item in capability["interaction"]}
    offered |= {f"${item['name']}" for item in capability.get("operation", ())}
    return "interactions" not in row or not offered.isdisjoint(row["interactions"])


def _info(definitions: Definitions) -> Table:
    statement = definitions.capability
    number = definitions.version.number
    return {
        "title": statement["title"],
        "version": statement["version"],
        "summary": f"A FHIR {number} server for co-produced mental-health recovery plans",
        "description": f"{statement['description']}\n\n{statement['rest'][0]['documentation']}\n\n"
        "Every call below is filled in with sample plans of invented people. Open one, press **Try it out**, "
        "then **Execute**.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _tags(definitions: Definitions) -> list[Table]:
    capabilities = definitions.resource_capabilities
    tags = [{"name": name, "description": capabilities[name]["documentation"]} for name in definitions.stored_types]
    published = "Profiles, extensions, codes and all else that the service is made of and held to. Nobody writes them."
    return [
        {"name": _SYSTEM, "description": "Several resources at once, and the service itself."},
        *tags,
        {"name": "Definitions", "description": published},
    ]
