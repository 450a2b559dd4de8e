"""The document as a whole: what it says about itself, its paths, its components."""

from service.conformance.definitions import Definitions
from service.conformance.offers import offers
from service.conformance.openapi.answers import HEADERS, Answers
from service.conformance.openapi.bodies import Bodies
from service.conformance.openapi.parameters import Parameters
from service.conformance.openapi.samples import Samples
from service.conformance.openapi.schemas import component_schemas
from service.conformance.openapi.tables import Table, base, fill, table

_SYSTEM = "Service"
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token of the authorisation server with SMART scopes. A service without authentication asks for "
    "none, and a service that tries things out gives them by `recovery-plan token`.",
}


def openapi_document(definitions: Definitions) -> Table:
    """Return the OpenAPI 3.1 document that describes what ``definitions`` declare."""
    rows = table("interactions")
    samples = Samples(definitions)
    parameters = Parameters(definitions, samples)
    answers = Answers(definitions, samples, rows["rules"])
    bodies = Bodies(definitions, samples, parameters)
    paths = _Paths(parameters, bodies, answers)
    for row in rows["system"]:
        if _is_served(row, definitions.capability["rest"][0]):
            paths.add(row, base(definitions.version))
    for name, capability in definitions.resource_capabilities.items():
        for row in rows[_group(name, definitions)]:
            if _is_served(row, capability):
                paths.add(fill(row, name), base(definitions.version), name)
    for row in rows["outside"]:
        paths.add(row, "")
    return {
        "openapi": "3.1.0",
        "info": _info(definitions),
        "servers": [{"url": "/"}],
        "security": [{}, {"bearer": []}],
        "tags": _tags(definitions),
        "paths": paths.paths,
        "components": {
            "schemas": component_schemas(definitions) | parameters.schemas(),
            "parameters": parameters.components(),
            "headers": HEADERS,
            "securitySchemes": {"bearer": _BEARER},
            "responses": answers.responses,
            "examples": samples.components() | bodies.examples() | answers.examples,
        },
    }


class _Paths:
    def __init__(self, parameters: Parameters, bodies: Bodies, answers: Answers) -> None:
        self._parameters = parameters
        self._bodies = bodies
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
            operation["requestBody"] = self._bodies.of_kind(row["body"], resource_type)
        if "public" in row or not prefix:
            operation["security"] = []
        operation["responses"] = self._answers.of_operation(row, resource_type)
        self.paths.setdefault(prefix + row["path"], {})[row["method"]] = operation


def _group(resource_type: str, definitions: Definitions) -> str:
    """Return the name of the rows that describe the interactions of a type."""
    if resource_type in definitions.recorded_types:
        return "records"
    if resource_type in definitions.standing_types:
        return "standing"
    return "operations" if resource_type in definitions.stored_types else "definitions"


def _is_served(row: Table, capability: Table) -> bool:
    return "interactions" not in row or any(offers(capability, code) for code in row["interactions"])


def _info(definitions: Definitions) -> Table:
    statement = definitions.capability
    number = definitions.version.number
    return {
        "title": statement["title"],
        "version": statement["version"],
        "summary": f"A FHIR {number} server for co-produced mental-health recovery plans",
        "description": f"{statement['description']}\n\n{statement['rest'][0]['documentation']}\n\n"
        "Resources come and go as JSON or as XML: `application/fhir+json` and `application/fhir+xml`, or by the names "
        "`application/json`, `application/xml` and `text/xml`.\n\n"
        "Every call below is filled in with sample plans of invented people. Open one, press **Try it out**, "
        "then **Execute**.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _tags(definitions: Definitions) -> list[Table]:
    capabilities = definitions.resource_capabilities
    resources = (*definitions.written_types, *definitions.recorded_types)
    tags = [{"name": name, "description": capabilities[name]["documentation"]} for name in resources]
    published = "Profiles, extensions, codes and all else that the service is made of and held to. Nobody writes them."
    return [
        {"name": _SYSTEM, "description": "Several resources at once, and the service itself."},
        *tags,
        {"name": "Definitions", "description": published},
    ]
