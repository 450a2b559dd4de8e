"""One resource as it is read out: its people, its extensions, its notes."""

from collections.abc import Iterable, Iterator
from typing import Any

from service.conformance.definitions import CANONICAL
from service.fhir.reference import Addresses
from service.narrative.document import OWN, Fact, Section, Statement
from service.narrative.values import Element, Values

HL7 = "http://hl7.org/fhir/StructureDefinition"
ANNOTATION_TYPE = f"{HL7}/annotationType"
_HEADINGS = ("title", "description", "code", "medicationCodeableConcept", "name")
"""Where a contained resource may say what it is."""


class Record:
    """One resource, and the words to say it in."""

    def __init__(self, resource: Element, values: Values, addresses: Addresses) -> None:
        self.resource = resource
        self.type: str = resource["resourceType"]
        self.say = values
        self._addresses = addresses
        self._subject: Element = resource.get("subject", {})
        self._contained = {f"#{item['id']}": item for item in resource.get("contained", ()) if "id" in item}
        self.extensions = Extensions(resource)

    @property
    def person(self) -> str:
        """What the person is called whom the record is about."""
        return self.reference(self._subject) if self._subject else self.say.word("somebody")

    def is_person(self, reference: Element | None) -> bool:
        """Return whether ``reference`` names the person whom the record is about."""
        return reference is not None and self._addresses.same_reference(reference, self._subject)

    def reference(self, reference: Element) -> str:
        """Return what a Reference is called."""
        contained = None if reference.get("display") else self.contained(reference)
        return self._contained_name(contained) if contained else self.say.reference(reference)

    def contained(self, reference: Element) -> Element | None:
        """Return the contained resource that ``reference`` names, or None."""
        return self._contained.get(reference.get("reference", ""))

    def references(self, references: Iterable[Element]) -> str:
        """Return what several References are called."""
        return "; ".join(map(self.reference, references))

    def concepts(self, concepts: Iterable[Element]) -> str:
        """Return several CodeableConcepts."""
        return "; ".join(map(self.say.concept, concepts))

    def facts(self, *pairs: tuple[str, str | None]) -> list[Fact]:
        """Return the facts of ``pairs``, of a word and a value, that have a value."""
        return [Fact(self.say.word(key), value) for key, value in pairs if value]

    def section(self, key: str, statements: Iterable[Statement] = (), facts: Iterable[Fact] = ()) -> Section:
        """Return the section ``key`` with the title that it has in the fixed words."""
        return Section(key, self.say.word(f"section.{key}"), list(statements), list(facts))

    def notes(self) -> tuple[list[Statement], list[Statement]]:
        """Return the notes of the person, and those of all others."""
        own: list[Statement] = []
        others: list[Statement] = []
        for note in self.resource.get("note", ()):
            author = note.get("authorReference")
            (own if self.is_person(author) else others).append(self.note(note))
        return own, others

    def note(self, note: Element) -> Statement:
        """Return an Annotation with its topic, its author and its time."""
        author = note.get("authorReference")
        name = self.reference(author) if author else note.get("authorString") or self.say.word("author-unnamed")
        time = note.get("time")
        extensions = Extensions(note)
        return Statement(
            note.get("text", ""),
            label="; ".join(self.say.value(topic) or "" for topic in extensions.all(ANNOTATION_TYPE)),
            by=", ".join(filter(None, [name, self.say.date(time) if time else None])),
            tone=OWN if self.is_person(author) else "others",
            facts=self.unknown(extensions),
        )

    def unknown(self, extensions: "Extensions") -> list[Fact]:
        """Return what stands in extensions that have not been asked for, under the last part of their address."""
        named = [(_label(item["url"]), item) for item in extensions.rest()]
        named += [(f"{_label(item['url'])} ({element})", item) for element, item in extensions.beside()]
        return [Fact(label, said) for label, item in named if (said := self._unknown_value(item))]

    def _unknown_value(self, extension: Element) -> str:
        if "extension" not in extension:
            return self.say.value(extension) or ""
        parts = [(part["url"], self._unknown_value(part)) for part in extension["extension"]]
        return "; ".join(f"{_label(url)}: {said}" for url, said in parts if said)

    def _contained_name(self, resource: Element) -> str:
        for key in _HEADINGS:
            said = self._heading(resource.get(key))
            if said:
                return said
        return str(resource["resourceType"])

    def _heading(self, value: Any) -> str:
        """Return a text, a CodeableConcept or the first of several HumanNames."""
        if isinstance(value, list):
            return self.say.typed("HumanName", value[0])
        return self.say.concept(value) if isinstance(value, dict) else value or ""


class Extensions:
    """The extensions of one element, by address; what has been asked for is not among the rest."""

    __slots__ = ("_asked", "_by_url", "_element")

    def __init__(self, element: Element) -> None:
        self._element = element
        self._by_url: dict[str, list[Element]] = {}
        self._asked: set[str] = set()
        for extension in element.get("extension", ()):
            self._by_url.setdefault(extension["url"], []).append(extension)

    def all(self, url: str) -> list[Element]:
        """Return the extensions with this address."""
        self._asked.add(url)
        return self._by_url.get(url, [])

    def own(self, name: str) -> list[Element]:
        """Return the extensions of ours with this name."""
        return self.all(f"{CANONICAL}/StructureDefinition/{name}")

    def rest(self) -> Iterator[Element]:
        """Yield the extensions that have not been asked for."""
        for url, extensions in self._by_url.items():
            if url not in self._asked:
                yield from extensions

    def beside(self) -> Iterator[tuple[str, Element]]:
        """Yield the extensions of the plain values in the element, each with the name of its value."""
        for key, value in self._element.items():
            if key.startswith("_"):
                for extra in filter(None, value if isinstance(value, list) else [value]):
                    yield from ((key[1:], extension) for extension in extra.get("extension", ()))


class Parts:
    """The parts of a complex extension, by name."""

    __slots__ = ("_parts",)

    def __init__(self, extension: Element) -> None:
        self._parts: dict[str, list[Any]] = {}
        for part in extension.get("extension", ()):
            value = next((value for key, value in part.items() if key.startswith("value")), None)
            if value is not None:
                self._parts.setdefault(part["url"], []).append(value)

    def get(self, name: str) -> Any:
        """Return the value of a part that stands once, or None."""
        found = self._parts.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Any]:
        """Return the values of a part that repeats."""
        return self._parts.get(name, [])


def _label(url: str) -> str:
    return url.rpartition("/")[2].replace("-", " ")
