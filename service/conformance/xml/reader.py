"""From XML to the value that the JSON form of the resource has (https://hl7.org/fhir/R4/json.html#xml)."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from lxml import etree

from service.conformance.validation.place import Place
from service.conformance.xml.layout import FHIR, VALUE, Layout, Layouts, Part
from service.conformance.xml.narrative import DIV, Narratives
from service.fhir import json
from service.fhir.outcome import LONGEST_VALUE, MOST_SHOWN, Issue, did_you_mean, quoted, shown

DEEPEST = 100
"""Levels of elements; validation, which counts those of each resource by themselves, allows fewer."""

MOST_ATTRIBUTES = 100
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_BLANKS = " \t\n\r"


class _EnoughError(Exception):
    """There are more issues than an answer shows."""


class Reader:
    """Reads one resource; all that is wrong with it is in ``issues``."""

    def __init__(self, layouts: Layouts, text: str) -> None:
        self.issues: list[Issue] = []
        self._layouts = layouts
        self._narratives = Narratives(text)

    def read(self, root: etree._Element) -> dict[str, Any]:
        """Return the resource that ``root`` is; it means nothing where there are issues."""
        with suppress(_EnoughError):
            return self._resource(root, Place(None, shown(_local(root))))
        return {}

    def _add(self, rule: str, sentence: str, place: object) -> None:
        self.issues.append(Issue(rule, sentence, str(place)))
        if len(self.issues) > MOST_SHOWN:
            raise _EnoughError

    def _resource(self, node: etree._Element, place: Place) -> dict[str, Any]:
        name = _local(node)
        if not self._is_in_namespace(node, f"{{{FHIR}}}{name}", place):
            return {}
        layout = self._layouts.of_resource(name)
        if layout is None:
            self._add("resource-type", "FHIR R4 has no such resource type", place)
            return {}
        return {"resourceType": name} | self._object(node, layout, place)

    def _object(self, node: etree._Element, layout: Layout, place: Place, *more: str) -> dict[str, Any]:
        """Return all that stands in ``node``, except for ``more`` attributes that it may have."""
        if place.depth > DEEPEST:
            self._add("nesting", f"This is nested deeper than {DEEPEST} levels", place)
            return {}
        self._refuse_text(node, place)
        attributes = self._attributes(node, [*layout.attributes, *more], place)
        value: dict[str, Any] = {name: text for name, text in attributes if name not in more}
        last: Part | None = None
        for child, part, below in self._children(node, layout, place):
            if last is not None and part.rank < last.rank:
                self._add("element-order", f"The element {part.key} stands before {last.key}, not after it", below)
            else:
                last = part
            self._put(value, child, part, below)
        _drop_empty_lists(value)
        return value

    def _attributes(self, node: etree._Element, known: list[str], place: Place) -> Iterator[tuple[str, str]]:
        if len(node.attrib) > MOST_ATTRIBUTES:  # to read so many takes lxml quadratic time
            self._add("xml-attribute", "This element has more attributes than FHIR ever defines", place)
            return
        for name, text in zip(node.keys(), node.values(), strict=True):
            if name in known:
                yield name, text
            else:
                sentence = f"The attribute {shown(name.rpartition('}')[2])} is not defined here"
                self._add("xml-attribute", f"{sentence}; attributes here are {', '.join(known) or 'none'}", place)

    def _children(self, node: etree._Element, layout: Layout, place: Place) -> Iterator[tuple[Any, Part, Place]]:
        """Yield each element that is defined, with what it is and its place."""
        times: dict[str, int] = {}
        for child in _elements(node):
            name = _local(child)
            part = layout.elements.get(name)
            number = times[name] = times.get(name, -1) + 1
            tag = DIV if part is not None and part.form == "xhtml" else f"{{{FHIR}}}{name}"
            if part is None:
                below = Place(place, shown(name), number or None)
            else:
                below = Place(place, part.path_name, number if part.many or number else None, place.depth + 1)
            if not self._is_in_namespace(child, tag, below):
                continue
            if part is None:
                hint = did_you_mean(name[:LONGEST_VALUE], layout.elements)
                self._add("unknown-element", f"The element {shown(name)} is not defined here{hint}", below)
            elif number and not part.many:
                self._add("cardinality", "This element is given once, not several times", below)
            else:
                yield child, part, below

    def _put(self, value: dict[str, Any], node: etree._Element, part: Part, place: Place) -> None:
        """Add to ``value`` the members that JSON has for ``node``."""
        if part.form == "xhtml":
            value[part.key] = self._narratives.next(node)
        elif part.form in ("object", "resource"):
            found = self._contained(node, place) if part.form == "resource" else self._below(node, part, place)
            _add_member(value, part.key, found, part.many)
        else:
            extra = {} if _is_plain(node) else self._object(node, self._layouts.below(part), place, VALUE)
            found = self._value(node, part, place, extra)
            if part.many or found is not None:
                _add_member(value, part.key, found, part.many)
            if part.many or extra:
                _add_member(value, f"_{part.key}", extra or None, part.many)

    def _below(self, node: etree._Element, part: Part, place: Place) -> dict[str, Any]:
        return self._object(node, self._layouts.below(part), place)

    def _contained(self, node: etree._Element, place: Place) -> dict[str, Any]:
        """Return the one resource that stands in ``node``."""
        self._refuse_text(node, place)
        list(self._attributes(node, [], place))
        resources = list(_elements(node))
        if len(resources) == 1:
            return self._resource(resources[0], place)
        self._add("cardinality", "This element holds one resource", place)
        return {}

    def _value(self, node: etree._Element, part: Part, place: Place, extra: dict[str, Any]) -> Any:
        """Return the value of a primitive type, as JSON has it."""
        text = node.get(VALUE)
        if text is None:
            if not extra:
                sentence = "This element has neither an attribute value nor an extension that says why"
                self._add("format", sentence, place)
            return None
        if part.form == "text":
            return text
        word = text.strip(_BLANKS)
        if part.form == "word":
            return word
        digits = word.removeprefix("+") if part.type == "positiveInt" else word
        if part.form == "number" and _NUMBER.fullmatch(digits):
            return json.parse(digits.encode())
        if part.form == "boolean" and word in _BOOLEANS:
            return _BOOLEANS[word]
        self._add("format", f"{quoted(text)} is not written as a FHIR {part.type}", place)
        return None

    def _is_in_namespace(self, node: etree._Element, tag: str, place: Place) -> bool:
        if node.tag != tag:
            namespace = tag[1:].partition("}")[0]
            self._add("xml-namespace", f"The element {shown(_local(node))} must be in the namespace {namespace}", place)
        return bool(node.tag == tag)

    def _refuse_text(self, node: etree._Element, place: Place) -> None:
        texts = [node.text, *[child.tail for child in node]]
        if any(text and text.strip(_BLANKS) for text in texts):
            sentence = "Text may not stand here; what an element says is its attribute value"
            self._add("xml-text", sentence, place)


def _elements(node: etree._Element) -> Iterator[etree._Element]:
    """Yield the elements in ``node``, without comments and processing instructions."""
    return (child for child in node if isinstance(child.tag, str))


def _is_plain(node: etree._Element) -> bool:
    """Return whether a value is all that stands in an element of a primitive type, as in most of them."""
    return not len(node) and node.text is None and node.keys() == [VALUE]


def _local(node: etree._Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _add_member(value: dict[str, Any], key: str, found: Any, many: bool) -> None:
    if many:
        value.setdefault(key, []).append(found)
    else:
        value[key] = found


def _drop_empty_lists(value: dict[str, Any]) -> None:
    """Drop lists that hold nothing but null: the values of a primitive type, or what stands beside them."""
    for key in [key for key, item in value.items() if type(item) is list and item.count(None) == len(item)]:
        del value[key]
