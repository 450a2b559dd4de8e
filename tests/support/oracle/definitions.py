"""What the files of ``schemas/r4`` say: search parameters, what codes are bound to, the compartment of a patient."""

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.extraction import R4
from tests.support.oracle.terminology import Code, Terminology

_URLS = re.compile(r"url='([^']+)'")


@dataclass(frozen=True)
class Parameter:
    """A search parameter as its definition has it; ``components`` are those of a composite."""

    code: str
    type: str
    expression: str
    components: tuple["Parameter", ...] = ()
    codes: frozenset[Code] = frozenset()


class Definitions:
    """The definitions in a folder like ``schemas/r4``, and in its subfolder ``core``."""

    def __init__(self, folder: Path = R4) -> None:
        kinds = ("SearchParameter", "StructureDefinition", "ValueSet", "CodeSystem", "CompartmentDefinition")
        files = [file for kind in kinds for place in ("", "core/") for file in folder.glob(f"{place}{kind}-*.json")]
        self._by_url: dict[str, Any] = {item["url"]: item for item in (json.loads(file.read_text()) for file in files)}
        (statement,) = folder.glob("CapabilityStatement-*.json")
        self._listed = json.loads(statement.read_text())["rest"][0]["resource"]
        self.terminology = Terminology(self._by_url)
        self._parameters: dict[str, dict[str, Parameter]] = {}

    def parameters(self, resource_type: str) -> dict[str, Parameter]:
        """Return the parameters that the CapabilityStatement lists for a type, by their codes."""
        if resource_type not in self._parameters:
            (listed,) = (item for item in self._listed if item["type"] == resource_type)
            found = [self._parameter(item["definition"], resource_type) for item in listed["searchParam"]]
            self._parameters[resource_type] = {parameter.code: parameter for parameter in found}
        return self._parameters[resource_type]

    def _parameter(self, url: str, resource_type: str, expression: str | None = None) -> Parameter:
        item = self._by_url[url]
        path = item["expression"]
        components = [
            self._parameter(x["definition"], resource_type, x["expression"]) for x in item.get("component", ())
        ]
        codes = self._codes(path, resource_type) if item["type"] == "token" else frozenset[Code]()
        return Parameter(item["code"], item["type"], expression or path, tuple(components), codes)

    def _codes(self, expression: str, resource_type: str) -> frozenset[Code]:
        """Return what an element of type code can mean: the members of the value set that it has to be of."""
        binding = self._element(expression, resource_type).get("binding", {})
        if binding.get("strength") != "required":
            return frozenset()
        return frozenset(self.terminology.members(binding["valueSet"].split("|")[0]))

    def _element(self, expression: str, resource_type: str) -> Any:
        """Return the definition of the element that ``expression`` leads to: one of a resource, or in an extension."""
        urls = _URLS.findall(expression)
        if not urls:
            structure = self._by_url.get(f"http://hl7.org/fhir/StructureDefinition/{resource_type}", {})
            wanted = expression
        else:
            structure = self._by_url[[url for url in urls if "/" in url][-1]]
            part = "" if "/" in urls[-1] else f".extension:{urls[-1]}"
            wanted = f"Extension{part}.value[x]"
        elements = structure.get("snapshot", structure.get("differential", {})).get("element", ())
        return next((item for item in elements if item["id"] == wanted), {})

    def compartment(self, owner: str, resource_type: str) -> list[str]:
        """Return the parameters that put a resource into the compartment of a Patient, Practitioner or another."""
        (definition,) = (item for item in self._by_url.values() if item.get("code") == owner and "resource" in item)
        (params,) = (item.get("param", []) for item in definition["resource"] if item["code"] == resource_type)
        return list(params)


@functools.cache
def own_definitions() -> Definitions:
    """Return the definitions of this repository."""
    return Definitions()


def listed_parameters(resource_type: str) -> dict[str, Parameter]:
    """Return the parameters of a type in this repository, by their codes."""
    return own_definitions().parameters(resource_type)
