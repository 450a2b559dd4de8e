"""From the JSON value of a resource to XML (https://hl7.org/fhir/R4/xml.html)."""

from itertools import zip_longest
from typing import Any

from service.conformance.xml.layout import FHIR, VALUE, Layout, Layouts, Part
from service.conformance.xml.narrative import escaped, markup_of
from service.fhir.json import Number

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_INDENT = "  "

Object = dict[str, Any]


class Writer:
    """Writes one resource, each element on a line of its own where it is to be ``pretty``.

    Raises LookupError where the resource has an element that its definition does not have.
    """

    def __init__(self, layouts: Layouts, pretty: bool) -> None:
        self._layouts = layouts
        self._pretty = pretty
        self._lines: list[str] = []

    def write(self, resource: Object) -> bytes:
        """Return the XML of ``resource``."""
        self._resource(resource, 0, f' xmlns="{FHIR}"')
        return ("\n" if self._pretty else "").join((_HEAD, *self._lines)).encode()

    def _line(self, depth: int, text: str) -> None:
        self._lines.append(_INDENT * depth + text if self._pretty else text)

    def _resource(self, resource: Object, depth: int, attributes: str = "") -> None:
        name = resource["resourceType"]
        layout = self._layouts.of_resource(name)
        if layout is None:
            raise LookupError(f"No definition of the resource type {name}")
        elements = {key: item for key, item in resource.items() if key != "resourceType"}
        self._object(name, attributes, elements, layout, depth)

    def _object(self, name: str, attributes: str, value: Object, layout: Layout, depth: int) -> None:
        """Write an element with ``attributes``, and with all that ``value`` has."""
        names = dict.fromkeys(key.removeprefix("_") for key in value if key not in layout.attributes)
        attributes = _attributes({key: value[key] for key in layout.attributes if key in value}) + attributes
        if not names:
            return self._line(depth, f"<{name}{attributes}/>")
        self._line(depth, f"<{name}{attributes}>")
        for part in sorted((layout.elements[key] for key in names), key=lambda part: part.rank):
            for item, extra in _items(value, part):
                self._item(part, item, extra or {}, depth + 1)
        return self._line(depth, f"</{name}>")

    def _item(self, part: Part, item: Any, extra: Object, depth: int) -> None:
        name = part.key
        if part.form == "xhtml":
            self._line(depth, markup_of(item))
        elif part.form == "resource":
            self._line(depth, f"<{name}>")
            self._resource(item, depth + 1)
            self._line(depth, f"</{name}>")
        elif part.form == "object":
            self._object(name, "", item, self._layouts.below(part), depth)
        else:
            attributes = "" if item is None else _attributes({VALUE: _text(item)})
            self._object(name, attributes, extra, self._layouts.below(part), depth)


def _items(value: Object, part: Part) -> Any:
    """Return the values of an element, each with what stands beside it."""
    values, extras = value.get(part.key), value.get(f"_{part.key}")
    return zip_longest(values or (), extras or ()) if part.many else [(values, extras)]


def _attributes(texts: dict[str, str]) -> str:
    return "".join(f' {name}="{escaped(text)}"' for name, text in texts.items())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Number) else str(value)
