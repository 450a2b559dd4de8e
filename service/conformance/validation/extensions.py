"""Extensions: that those we know stand where they may and hold what they should.

https://hl7.org/fhir/R4/defining-extensions.html; those of others that we do not know are taken as they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from service.conformance.definitions import CANONICAL, Definition
from service.conformance.validation.bindings import listed
from service.conformance.validation.cardinality import Limits
from service.conformance.validation.place import Place
from service.conformance.validation.report import Item, Report, Rule
from service.fhir.outcome import Issue, did_you_mean, shown

_OURS = f"{CANONICAL}/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class Known:
    """An extension whose definition is held."""

    name: str
    elements: frozenset[str]
    """Types and paths of the elements on which it may stand."""
    extensions: frozenset[str]
    """Extensions of which it may be a part."""
    key: str
    """Whether it is an ``extension`` or a ``modifierExtension``."""
    check: Item
    most: int | None
    """How often it may stand on one element; None for any number of times."""

    @classmethod
    def of(cls, definition: Definition, check: Item) -> "Known":
        """Return what ``definition`` says; raises LookupError where it says where in a way that is not supported."""
        contexts = [(item["type"], item["expression"]) for item in definition["context"]]
        unsupported = {kind for kind, _ in contexts} - {"element", "extension"}
        if unsupported or "contextInvariant" in definition:
            raise LookupError(f"The context of {definition['url']} is of a kind that is not supported")
        elements = frozenset(text for kind, text in contexts if kind == "element")
        extensions = frozenset(text for kind, text in contexts if kind == "extension")
        root = definition["snapshot"]["element"][0]
        key = "modifierExtension" if root.get("isModifier") else "extension"
        limits = Limits.of(root, ()).without_least()
        return cls(definition["name"], elements, extensions, key, check, limits.most if limits else None)


class Extensions:
    """The extensions whose definitions are held, by their url."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._counted_by_rules: set[str] = set()

    def add(self, url: str, known: Known) -> None:
        """Check extensions with ``url`` from now on."""
        self._known[url] = known

    def leave_to_rules(self, profile: Definition) -> None:
        """Leave counting those extensions to the rules of ``profile`` of which it says that a rule is about them."""
        for element in profile["snapshot"]["element"]:
            if element.get("condition"):
                self._counted_by_rules.update(url for item in element["type"] for url in item.get("profile", ()))

    def rule(self, key: str, host: Iterable[str]) -> Rule:
        """Return the rule of ``key``, extension or modifierExtension, on an element that is of the types ``host``."""
        names = frozenset(host)

        def check(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
            every = value if type(value) is list else []
            for number, extension in enumerate(every):
                url = extension.get("url") if type(extension) is dict else None
                if type(url) is not str:
                    continue  # reported by the rules of the type
                known = self._known.get(url)
                if known is None:
                    if url.startswith(_OURS):
                        report.add(self._unknown(url, Place(place, key, number)))
                    continue
                where = Place(place, key, number, place.depth + 1)
                if key != known.key or (
                    names.isdisjoint(known.elements) and not _is_allowed(known, parent, place, report)
                ):
                    report.add(_misplaced(known, where))
                known.check(extension, where, report)
                is_counted = known.most is not None and url not in self._counted_by_rules
                if is_counted and _count(every[:number], url) == known.most:
                    report.add(_repeated(known, where))

        return check

    def _unknown(self, url: str, place: Place) -> Issue:
        sentence = f"No extension has the url {shown(url)}{did_you_mean(url, self._known)}"
        return Issue("extension-unknown", sentence, f"{place}.url")


def _is_allowed(known: Known, parent: dict[str, Any], place: Place, report: Report) -> bool:
    steps = _steps(place, report)
    path = ".".join([str(report.scope.resource.get("resourceType")), *[step.name for step in steps]])
    if path in known.elements or str(parent.get("url")) in known.extensions:
        return True
    is_value = bool(steps) and steps[-1].name.startswith("value.")
    return is_value and str(_at(report.scope.resource, steps[:-1]).get("url")) in known.extensions


def _steps(place: Place, report: Report) -> list[Place]:
    """Return the way from the resource to ``place``."""
    steps: list[Place] = []
    at: Place | None = place
    while at is not None and at is not report.place:
        steps.append(at)
        at = at.parent
    return steps[::-1]


def _at(resource: dict[str, Any], steps: list[Place]) -> dict[str, Any]:
    """Return the object that ``steps`` lead to, an empty one where they lead over a form of a choice or a primitive."""
    value: Any = resource
    for step in steps:
        value = value.get(step.name) if type(value) is dict else None
        value = value[step.number] if type(value) is list and step.number is not None else value
    return value if type(value) is dict else {}


def _count(extensions: list[Any], url: str) -> int:
    return len([item for item in extensions if type(item) is dict and item.get("url") == url])


def _repeated(known: Known, place: Place) -> Issue:
    most = "once" if known.most == 1 else f"{known.most} times"
    return Issue("cardinality", f"The extension {known.name} may be there {most} at most", str(place))


def _misplaced(known: Known, place: Place) -> Issue:
    allowed = listed(known.elements | known.extensions)
    sentence = f"The extension {known.name} is not allowed here, only as {known.key} of: {allowed}"
    return Issue("extension-context", sentence, str(place))
