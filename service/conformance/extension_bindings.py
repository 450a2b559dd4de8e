"""The codes that an extension may have as its value (https://hl7.org/fhir/R4/defining-extensions.html)."""

from collections.abc import Sequence
from typing import Any

from service.conformance.definitions import Definition, Definitions
from service.conformance.structures import Binding


def value_set_of_extension(urls: Sequence[str], definitions: Definitions) -> str | None:
    """Return the value set whose codes alone the value of an extension may have, None where no definition says so.

    ``urls`` lead to it: those of the extensions that it is a part of, the outermost first, and its own.
    """
    for depth in reversed(range(len(urls))):
        definition = definitions.find(urls[depth])
        if definition is not None and definition["resourceType"] == "StructureDefinition":
            value = _value(definition, urls[depth + 1 :])
            binding = Binding.of(value) if value else None
            return binding.value_set if binding and binding.is_required else None
    return None


def _value(definition: Definition, parts: Sequence[str]) -> dict[str, Any] | None:
    """Return the ElementDefinition of the value of the part of an extension to which the urls ``parts`` lead."""
    by_id = {item["id"]: item for item in definition["snapshot"]["element"]}
    place = "Extension"
    for url in parts:
        named = (path for path, item in by_id.items() if item.get("fixedUri") == url and _whole(path) == place)
        place = next(named, "").removesuffix(".url")
    return by_id.get(f"{place}.value[x]")


def _whole(path: str) -> str:
    """Return the place of what has a part whose url is defined at ``path``."""
    return path.removesuffix(".url").rpartition(".")[0]
