"""The resources that are held, what parameters find in them, and where their references lead."""

from collections.abc import Sequence
from typing import Any

from tests.support.extraction import extract
from tests.support.oracle.addresses import local
from tests.support.oracle.definitions import Definitions, Parameter, own_definitions

Resource = dict[str, Any]

TYPES = ("CarePlan", "Goal", "RiskAssessment")


class World:
    """Resources of all types on a server whose FHIR address is ``base``."""

    def __init__(self, resources: Sequence[Resource], base: str, definitions: Definitions | None = None) -> None:
        self.base = base
        self.definitions = definitions or own_definitions()
        self.held = {name_of(resource): resource for resource in resources}
        self._values: dict[tuple[int, str], list[Any]] = {}
        self._targets: dict[tuple[int, str], list[Resource]] = {}

    def of_type(self, *types: str) -> list[Resource]:
        """Return the resources of some types."""
        return [item for item in self.held.values() if item["resourceType"] in types]

    def parameter(self, resource: Resource, code: str) -> Parameter | None:
        """Return a parameter of the resource's type, if it has one of that code."""
        return self.definitions.parameters(resource["resourceType"]).get(code)

    def type_of(self, code: str) -> str:
        """Return the type of the parameters of that code, which is one and the same."""
        known = [self.definitions.parameters(name) for name in TYPES]
        (found,) = {parameters[code].type for parameters in known if code in parameters}
        return found

    def values(self, resource: Resource, expression: str) -> list[Any]:
        """Return what an expression finds in ``resource``, which is held here or contained in what is."""
        key = id(resource), expression
        if key not in self._values:
            self._values[key] = extract(expression, resource)
        return self._values[key]

    def targets(self, resource: Resource, code: str, kind: str = "") -> list[Resource]:
        """Return what is held here or contained, and referred to by a parameter; of one type if ``kind`` says so."""
        key = id(resource), code
        if key not in self._targets:
            parameter = self.parameter(resource, code)
            found = self.values(resource, parameter.expression) if parameter else []
            references = [value.get("reference", "") for value in found if isinstance(value, dict)]
            self._targets[key] = [item for reference in references for item in self._named(resource, reference)]
        return [item for item in self._targets[key] if kind in ("", item["resourceType"])]

    def _named(self, resource: Resource, reference: str) -> list[Resource]:
        contained = [item for item in resource.get("contained", ()) if f"#{item['id']}" == reference]
        held = self.held.get(local(reference, self.base))
        return contained + ([held] if held else [])

    def holds(self, resource: Resource) -> bool:
        """Return whether this is a resource of its own, not one that another contains."""
        return self.held.get(name_of(resource)) is resource

    def leads_to(self, resource: Resource, code: str, target: Resource) -> bool:
        """Return whether a parameter of ``resource`` refers to ``target``."""
        return any(item is target for item in self.targets(resource, code))


def name_of(resource: Resource) -> str:
    """Return the reference to a resource of this server."""
    return f"{resource['resourceType']}/{resource['id']}"
