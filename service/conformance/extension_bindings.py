"""What the definition of an extension says of all that have its url (https://hl7.org/fhir/R4/defining-extensions.html).

Extensions are named by the urls that lead to them: those of the extensions that they are a part of, the outermost
first, and their own.
"""

from collections.abc import Sequence

from service.conformance.definitions import Definition, Definitions
from service.conformance.structures import Binding


def value_set_of_extension(urls: Sequence[str], definitions: Definitions) -> str | None:
    """Return the value set whose codes alone the value of an extension may have, None where no definition says so."""
    value = _element(urls, definitions, ".value[x]")
    binding = Binding.of(value) if value else None
    return binding.value_set if binding and binding.is_required else None


def is_there_once(urls: Sequence[str], definitions: Definitions) -> bool:
    """Return whether an extension stands once at most where it stands."""
    whole = _element(urls, definitions, "")
    return whole is not None and whole["max"] == "1"


def _element(urls: Sequence[str], definitions: Definitions, below: str) -> Definition | None:
    """Return the ElementDefinition of an extension, or of what stands ``below`` it."""
    for depth in reversed(range(len(urls))):
        definition = definitions.find(urls[depth])
        if definition is not None and definition["resourceType"] == "StructureDefinition":
            by_id = {item["id"]: item for item in definition["snapshot"]["element"]}
            return by_id.get(f"{_place(by_id, urls[depth + 1 :])}{below}")
    return None


def _place(by_id: dict[str, Definition], parts: Sequence[str]) -> str:
    """Return where the part of an extension is defined to which the urls ``parts`` lead."""
    place = "Extension"
    for url in parts:
        named = (path for path, item in by_id.items() if item.get("fixedUri") == url and _whole(path) == place)
        place = next(named, "").removesuffix(".url")
    return place


def _whole(path: str) -> str:
    """Return the place of what has a part whose url is defined at ``path``."""
    return path.removesuffix(".url").rpartition(".")[0]
