"""The texts of a resource as terms of its index (https://hl7.org/fhir/R4/search.html#content).

A term is ``t|word`` for a word of the narrative, and ``c|word`` for a word that only other texts have. The narrative is
what Narrative.div of the resource shows. Other texts are all elements of type string and markdown, but
Reference.reference, Coding.version and the id that any element can have; so those of extensions too, and such as are no
sentences (Identifier.value). The texts of contained resources are other texts of their container, and so are their
narratives; of contained resources whose definition is not held, only what every resource can have is read: narrative
and extensions.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from service.conformance.structures import ANY, Element, Structure, Structures
from service.search.words import shown_text, words

Resource = dict[str, Any]

_TEXT_TYPES = frozenset({"string", "markdown"})
_NO_TEXTS = frozenset({"Reference.reference", "Coding.version"})
_ANY_RESOURCE = "DomainResource"


class _Leaf(Enum):
    TEXT = 1
    MARKUP = 2
    RESOURCE = 3


_Keys = dict[str, "_Leaf | _Keys"]
"""What stands at the keys of a JSON object: a text, or an object with keys of its own; all else is left out."""


def compile_terms(structures: Structures, resource_type: str) -> Callable[[Resource], list[str]]:
    """Return the function that gives the terms of a resource of ``resource_type``, each once."""
    known = _KnownKeys(structures)
    own = known.of_resource(resource_type)
    own_narrative = known.of(structures.of_type("Narrative"))
    keys = own | {"text": {key: kind for key, kind in own_narrative.items() if kind is not _Leaf.MARKUP}}

    def terms(resource: Resource) -> list[str]:
        narrative = words(shown_text(resource["text"]["div"])) if "text" in resource else {}
        others = words(" ".join(_texts(resource, keys, known)))
        return [f"t|{word}" for word in narrative] + [f"c|{word}" for word in others if word not in narrative]

    return terms


def _texts(resource: Resource, keys: _Keys, known: "_KnownKeys") -> list[str]:
    texts: list[str] = []
    objects: list[tuple[Any, _Keys]] = [(resource, keys)]
    while objects:
        members, kinds = objects.pop()
        for key, value in members.items():
            kind = kinds.get(key)
            if kind is None:
                continue
            if isinstance(kind, dict):
                if isinstance(value, list):
                    objects.extend([(item, kind) for item in value if item is not None])
                else:
                    objects.append((value, kind))
            elif kind is _Leaf.RESOURCE:
                items = value if isinstance(value, list) else [value]
                objects.extend([(item, known.of_resource(item["resourceType"])) for item in items])
            elif kind is _Leaf.MARKUP:
                texts.append(shown_text(value))
            elif isinstance(value, list):
                texts.extend([text for text in value if text is not None])
            else:
                texts.append(value)
    return texts


class _KnownKeys:
    """The keys of all objects that lead to texts, read from the definitions when they are first needed."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures
        self._by_path: dict[str, _Keys] = {}

    def of_resource(self, resource_type: str) -> _Keys:
        is_held = self._structures.is_resource(resource_type)
        return self.of(self._structures.of_type(resource_type if is_held else _ANY_RESOURCE))

    def of(self, structure: Structure) -> _Keys:
        if structure.path not in self._by_path:
            keys = self._by_path[structure.path] = {}  # before it is filled: extensions have extensions
            for key, element in structure.elements.items():
                if element.is_bare:
                    continue
                kind = self._kind(element)
                if kind is not None:
                    keys[key] = kind
                if self._structures.is_primitive(element.type):
                    keys[f"_{key}"] = self.of(self._structures.of_type("Element"))
        return self._by_path[structure.path]

    def _kind(self, element: Element) -> _Leaf | _Keys | None:
        if element.path in _NO_TEXTS:
            return None
        if element.type in _TEXT_TYPES:
            return _Leaf.TEXT
        if element.type == "xhtml":
            return _Leaf.MARKUP
        if element.type == ANY:
            return _Leaf.RESOURCE
        return None if self._structures.is_primitive(element.type) else self.of(self._structures.below(element))
