"""The XML form of resources, from and to the values that their JSON form has (https://hl7.org/fhir/R4/xml.html).

A resource keeps its content through both forms: numbers their digits, texts their white space, narratives their
characters. The order of members does not count in JSON and is that of the definitions in XML.
"""

from dataclasses import replace
from typing import Any

from service.conformance.structures import Structures
from service.conformance.xml.layout import Layouts
from service.conformance.xml.reader import Reader
from service.conformance.xml.source import XmlText
from service.conformance.xml.syntax import parse
from service.conformance.xml.writer import Writer
from service.fhir.outcome import OutcomeError

__all__ = ["Xml", "XmlText"]


class Xml:
    """Reads and writes the XML of all types that ``structures`` or the typed models know."""

    def __init__(self, structures: Structures) -> None:
        self._layouts = Layouts(structures)

    def read(self, body: bytes) -> dict[str, Any]:
        """Return the resource in ``body`` as `service.fhir.json.parse` returns it from JSON.

        Raises OutcomeError with all that its XML has where FHIR has something else, each with its line and column.
        """
        root, text = parse(body)
        reader = Reader(self._layouts, text)
        resource = reader.read(root)
        if reader.issues:
            found = XmlText(body).positions(str(issue.expression) for issue in reader.issues)
            raise OutcomeError(*(replace(issue, position=found[str(issue.expression)]) for issue in reader.issues))
        return resource

    def write(self, resource: dict[str, Any], pretty: bool = False) -> bytes:
        """Return the XML of ``resource``, a value as `service.fhir.json.parse` returns it, that is valid."""
        return Writer(self._layouts, pretty).write(resource)
