"""Profiles: what they demand beyond the type that they constrain (https://hl7.org/fhir/R4/profiling.html).

Compiled from the snapshot of a profile or of an extension's definition, held against the structure of its type: only
what is narrower becomes a check, so that a resource is checked by its type once and by each profile for the rest.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from service.conformance.definitions import Definition, Definitions
from service.conformance.structures import ANY, Binding, Constraint, Element, Structure, Structures
from service.conformance.validation.bindings import Bindings, listed
from service.conformance.validation.cardinality import Limits
from service.conformance.validation.invariants import Invariants
from service.conformance.validation.occurrences import Finder, Occurrence, finder
from service.conformance.validation.place import Place, path_name
from service.conformance.validation.references import target_check
from service.conformance.validation.report import Item, Report, together
from service.conformance.validation.slices import Node, extension_url, fitting, partition, tree_of, without_url
from service.fhir.json import dump_sorted
from service.fhir.outcome import Issue

OfAll = Callable[[list[Occurrence], Place, Report], None]
"""Checks all occurrences of an element in the object at a place."""


@dataclass(frozen=True, slots=True)
class ProfileCompiler:
    """Compiles profiles; raises LookupError where one demands what is not supported."""

    definitions: Definitions
    structures: Structures
    bindings: Bindings
    invariants: Invariants

    def check(self, definition: Definition) -> Item:
        """Return the check of what ``definition`` demands beyond the rules of its type; of an extension, of its url."""
        node = tree_of(definition["snapshot"]["element"])
        node = without_url(node) if definition["type"] == "Extension" else node
        structure = self.structures.of_type(definition["type"])
        return together(_Profile(self, node).of_object(node, structure, structure.constraints))


class _Profile:
    """One profile being compiled."""

    def __init__(self, compiler: ProfileCompiler, root: Node) -> None:
        self._definitions = compiler.definitions
        self._structures = compiler.structures
        self._bindings = compiler.bindings
        self._invariants = compiler.invariants
        self._compiler = compiler
        self._rules = frozenset(rule.key for rule in Constraint.of(root.definition))

    def of_object(self, node: Node, structure: Structure, known: Iterable[Constraint]) -> list[Item]:
        """Return the checks of an object with ``structure``, whose type brings the invariants ``known``."""
        members = [self._member(name, child, structure) for name, child in node.children.items()]
        return [item for item in members if item] + self._invariants_beyond(node, known, structure)

    def _member(self, name: str, node: Node, structure: Structure) -> Item | None:
        elements = structure.choices[name]
        limits = self._limits(name, node, structure)
        of_all = self._of_all(name, node, elements, limits)
        allowed = _types(node) if len(elements) > 1 else {elements[0].type}
        of_each = {item.key: self._of_value(node, item) for item in elements if item.type in allowed}
        if not of_all and not any(of_each.values()):
            return None
        is_optional = node.least == 0 and all(item.least == 0 for item in node.slices.values())
        check = _member_check(finder(name, elements), of_all, of_each)
        is_right_once = not elements[0].many and not node.slices and limits.least <= 1 <= limits.most
        return _unless_usual(name, elements, of_each if is_right_once else {}, is_optional, check)

    def _limits(self, name: str, node: Node, structure: Structure) -> Limits:
        is_many = structure.choices[name][0].many
        of_slices = sum(item.least for item in node.slices.values())
        limits = Limits.of(node.definition, self._rules).beyond(name in structure.mandatory, is_many)
        return limits.without_least() if limits.least <= of_slices else limits

    def _of_all(self, name: str, node: Node, elements: list[Element], limits: Limits) -> list[OfAll]:
        rules: list[OfAll] = [limits.check(name)] if limits else []
        if len(elements) > 1 and not _types(node) >= {element.type for element in elements}:
            rules.append(_choice_check(name, _types(node)))
        of_slices = self._slices(name, node, elements) if node.slices else None
        return [*rules, of_slices] if of_slices else rules

    def _slices(self, name: str, node: Node, elements: list[Element]) -> OfAll | None:
        if node.definition["slicing"]["discriminator"] == [{"type": "type", "path": "$this"}]:
            return self._slices_by_type(node, elements)
        part = partition(node)
        every = [
            (kind, self._limits_of_slice(item), self._of_slice(item, elements[0])) for kind, item in node.slices.items()
        ]
        slices = [(kind, limits.check(name, kind), checks) for kind, limits, checks in every if limits or checks]
        unmatched = _unmatched_check(node, name)
        if not slices and not unmatched:
            return None

        def check(found: list[Occurrence], place: Place, report: Report) -> None:
            members, left = part(found)
            for kind, limits, checks in slices:
                own = members.get(kind, [])
                limits(own, place, report)
                for value, _, where in own:
                    for rule in checks:
                        rule(value, where, report)
            if left and unmatched:
                unmatched(left, place, report)

        return check

    def _limits_of_slice(self, node: Node) -> Limits:
        limits = Limits.of(node.definition, self._rules)
        extension = self._definitions.find(extension_url(node) or "")
        return limits.beyond(False, extension["snapshot"]["element"][0]["max"] != "1") if extension else limits

    def _of_slice(self, node: Node, element: Element) -> list[Item]:
        """Return the checks of one value of a slice, but not whether it is of that slice."""
        return self._of_value(without_url(node) if extension_url(node) else node, element)

    def _slices_by_type(self, node: Node, elements: list[Element]) -> OfAll:
        slices = {of_type: item for item in node.slices.values() for of_type in _types(item)}
        checks = {item.type: self._of_value(slices[item.type], item) for item in elements if item.type in slices}

        def check(found: list[Occurrence], place: Place, report: Report) -> None:
            for value, element, where in found:
                for rule in checks.get(element.type, ()):
                    rule(value, where, report)

        return check

    def _of_value(self, node: Node, element: Element) -> list[Item]:
        """Return the checks of one value of ``element``."""
        checks: list[Item] = [_demand_check(*node.demanded)] if node.demanded else []
        binding = Binding.of(node.definition)
        if binding != element.binding and (coded := self._bindings.check(binding, element.type)):
            checks.append(coded)
        for of_type in node.definition.get("type", ()):
            if of_type["code"] == element.type:
                checks += self._of_type(of_type, element)
        if self._structures.is_primitive(element.type):
            return checks + self._invariants_beyond(node, element.constraints, element.type)
        if element.type == ANY:
            return checks  # a resource is checked by its own type
        below = self._structures.below(element)
        return checks + self.of_object(node, below, (*element.constraints, *below.constraints))

    def _of_type(self, of_type: Definition, element: Element) -> Iterator[Item]:
        targets = frozenset(self._constrained_type(url) for url in of_type.get("targetProfile", ()))
        if targets and targets != element.targets and ANY not in targets:
            yield target_check(targets)
        for url in of_type.get("profile", ()):
            if element.type != "Extension" and url not in element.profiles:
                yield self._compiler.check(self._definitions.get(url))

    def _constrained_type(self, url: str) -> str:
        definition = self._definitions.find(url)
        return str(definition["type"]) if definition else url.rpartition("/")[2]

    def _invariants_beyond(self, node: Node, known: Iterable[Constraint], start: Structure | str) -> list[Item]:
        keys = {rule.key for rule in known}
        return self._invariants.checks((rule for rule in Constraint.of(node.definition) if rule.key not in keys), start)


def _member_check(find: Finder, of_all: list[OfAll], of_each: dict[str, list[Item]]) -> Item:
    """Return the check of an object's member: of all its occurrences, then of each by the key of its form."""

    def check(value: Any, place: Place, report: Report) -> None:
        found = find(value, place)
        for rule in of_all:
            rule(found, place, report)
        for item, element, where in found:
            for rule_of_value in of_each.get(element.key, ()):
                rule_of_value(item, where, report)

    return check


def _unless_usual(
    name: str, elements: list[Element], usual: dict[str, list[Item]], is_optional: bool, check: Item
) -> Item:
    """Return ``check`` of the member ``name`` of an object, with less to do where that is given as it mostly is.

    That is not at all, where it ``is_optional``, or once in a form that has its rules in ``usual``.
    """
    keys = frozenset(key for item in elements for key in (item.key, f"_{item.key}"))
    steps = {item.key: path_name(item.key, name, item.type) for item in elements}

    def check_unless_usual(value: Any, place: Place, report: Report) -> None:
        if type(value) is not dict or (is_optional and keys.isdisjoint(value)):
            return  # what is no object has been reported by the rules of the type
        given = keys.intersection(value)
        key = next(iter(given)) if len(given) == 1 else ""
        if key not in usual:
            check(value, place, report)
        elif usual[key]:
            where = Place(place, steps[key], None, place.depth + 1)
            for rule in usual[key]:
                rule(value[key], where, report)

    return check_unless_usual


def _types(node: Node) -> set[str]:
    return {item["code"] for item in node.definition.get("type", ())}


def _choice_check(name: str, allowed: set[str]) -> OfAll:
    def check(found: list[Occurrence], place: Place, report: Report) -> None:
        for _, element, where in found:
            if element.type not in allowed:
                sentence = f"{name} cannot be of type {element.type} here, only: {listed(allowed)}"
                report.add(Issue("choice-type", sentence, str(where)))

    return check


def _demand_check(kind: str, demanded: Any) -> Item:
    fits = fitting(kind, demanded)
    sentence = f"This must {'be' if kind == 'fixed' else 'hold at least'}: {dump_sorted(demanded).decode()}"

    def check(value: Any, place: Place, report: Report) -> None:
        if value is not None and not fits(value):
            report.add(Issue(f"{kind}-value", sentence, str(place)))

    return check


def _unmatched_check(node: Node, name: str) -> OfAll | None:
    """Return the check of what is of none of the slices, or None where anything else may stand beside them."""
    if node.definition["path"] == "Extension.extension":
        parts = listed(url for item in node.slices.values() if (url := extension_url(item)))
        rule, sentence = "extension-unknown-part", f"This extension has no such part; its parts are: {parts}"
    elif node.definition["slicing"]["rules"] == "closed":
        rule, sentence = "cardinality", f"No other {name} may stand here than: {listed(node.slices)}"
    else:
        return None

    def check(left: list[Occurrence], place: Place, report: Report) -> None:
        for value, _, where in left:
            if not _is_extension_of_its_own(value):
                report.add(Issue(rule, sentence, str(where)))

    return check


def _is_extension_of_its_own(value: Any) -> bool:
    url = value.get("url") if type(value) is dict else None
    return type(url) is str and ":" in url
