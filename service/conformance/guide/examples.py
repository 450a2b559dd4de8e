"""Examples: a whole resource of each profile, samples of a store, and how an extension is written."""

from collections.abc import Iterator
from typing import Any

from service.conformance.definitions import Definition, Definitions
from service.fhir import json


class Examples:
    """The resources in ``examples/valid``, all of invented people."""

    def __init__(self, definitions: Definitions) -> None:
        self._folder = definitions.folder / "examples" / "valid"
        (self._guide,) = definitions.of_type("ImplementationGuide")
        self._extensions: dict[str, Any] = {}
        for path in sorted(self._folder.glob("*.json")):
            for extension in _extensions(json.parse(path.read_bytes())):
                self._extensions[extension["url"]] = max(
                    self._extensions.get(extension["url"], {}), extension, key=lambda item: len(json.dump(item))
                )

    def new(self, resource_type: str) -> tuple[str, str]:
        """Return the name and the text of the file with a new resource of ``resource_type``, to be sent as it is."""
        path = self._folder / f"{resource_type.lower()}.json"
        return path.name, path.read_text(encoding="utf-8").strip()

    def samples(self, profile: Definition) -> list[tuple[str, str]]:
        """Return what each sample of ``profile`` is called, and its address below the FHIR base."""
        listed = self._guide["definition"]["resource"]
        return [
            (item["name"], item["reference"]["reference"])
            for item in listed
            if item.get("exampleCanonical") == profile["url"]
        ]

    def of_extension(self, extension: Definition) -> str | None:
        """Return the JSON of the fullest example of an extension, or None where there is none."""
        found = self._extensions.get(extension["url"])
        return json.dump_pretty(found).decode() if found else None


def _extensions(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every extension in ``value``, and every part of one."""
    if isinstance(value, dict):
        yield from value.get("extension", ())
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _extensions(item)
