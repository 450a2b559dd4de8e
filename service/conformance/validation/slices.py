"""Slices: the kinds of members that a list may have, told apart by what they hold.

https://hl7.org/fhir/R4/profiling.html#slicing
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from service.conformance.definitions import Definition
from service.conformance.validation.occurrences import Occurrence
from service.fhir.json import dump_sorted

Match = Callable[[Any], bool]


@dataclass(slots=True)
class Node:
    """An ElementDefinition of a snapshot, with those below it and its slices."""

    definition: Definition
    children: dict[str, "Node"] = field(default_factory=dict)
    slices: dict[str, "Node"] = field(default_factory=dict)

    def find(self, steps: list[str]) -> "Node | None":
        """Return the node that ``steps`` lead to, or None."""
        if not steps:
            return self
        child = self.children.get(steps[0])
        return child.find(steps[1:]) if child else None

    @property
    def least(self) -> int:
        """How many of the element there have to be."""
        return int(self.definition["min"])

    @property
    def demanded(self) -> tuple[str, Any] | None:
        """``fixed`` or ``pattern`` with the value that it gives, or None."""
        for name, value in self.definition.items():
            for kind in ("fixed", "pattern"):
                if name.startswith(kind):
                    return kind, value
        return None


def tree_of(snapshot: list[Definition]) -> Node:
    """Return the elements of a snapshot as a tree; raises LookupError where an id is not where its parent is."""
    root = Node(snapshot[0])
    for definition in snapshot[1:]:
        *above, last = definition["id"].split(".")[1:]
        parent = root
        for step in above:
            parent = _at(parent, step)
        name, _, slice_name = last.partition(":")
        name = name.removesuffix("[x]")
        if slice_name:
            parent.children[name].slices[slice_name] = Node(definition)
        else:
            parent.children[name] = Node(definition)
    return root


def _at(parent: Node, step: str) -> Node:
    name, _, slice_name = step.partition(":")
    child = parent.children[name.removesuffix("[x]")]
    return child.slices[slice_name] if slice_name else child


Partition = Callable[[list[Occurrence]], tuple[dict[str, list[Occurrence]], list[Occurrence]]]
"""Returns the occurrences of each slice by its name, and those that are of none."""


def partition(node: Node) -> Partition:
    """Return what parts occurrences into the slices of ``node``.

    Raises LookupError where slices are told apart in a way that is not supported.
    """
    name_of = _name_of_slice(node)

    def part(found: list[Occurrence]) -> tuple[dict[str, list[Occurrence]], list[Occurrence]]:
        members: dict[str, list[Occurrence]] = {}
        left = []
        for item in found:
            name = name_of(item[0])
            if name is None:
                left.append(item)
            else:
                members.setdefault(name, []).append(item)
        return members, left

    return part


def _name_of_slice(node: Node) -> Callable[[Any], str | None]:
    urls = {extension_url(item): name for name, item in node.slices.items()}
    if node.definition["slicing"]["discriminator"] == [{"type": "value", "path": "url"}] and None not in urls:
        return _by_url(urls)
    tests = [(name, _matcher(node, item)) for name, item in node.slices.items()]
    return lambda value: next((name for name, matches in tests if matches(value)), None)


def _by_url(names: Mapping[str | None, str]) -> Callable[[Any], str | None]:
    def name_of(value: Any) -> str | None:
        url = value.get("url") if type(value) is dict else None
        return names.get(url) if type(url) is str else None

    return name_of


def _matcher(node: Node, of_slice: Node) -> Match:
    tests = [_test(item, of_slice) for item in node.definition["slicing"]["discriminator"]]
    return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)


def _test(discriminator: dict[str, str], of_slice: Node) -> Match:
    steps = [] if discriminator["path"] == "$this" else discriminator["path"].split(".")
    if discriminator["type"] in ("value", "pattern"):
        node = of_slice.find(steps)
        if node is not None and node.demanded is not None:
            fits = fitting(*node.demanded)
            return lambda value: any(map(fits, _at_path(value, steps)))
    raise LookupError(f"Slices by {discriminator} of {of_slice.definition['id']} are not supported")


def extension_url(of_slice: Node) -> str | None:
    """Return the url of the extension that a slice stands for, or None where it stands for another thing."""
    url = of_slice.children.get("url")
    if url is not None and url.demanded is not None:
        return str(url.demanded[1])
    profiles = [name for item in of_slice.definition.get("type", ()) for name in item.get("profile", ())]
    return profiles[0] if profiles else None


def without_url(node: Node) -> Node:
    """Return an extension without what is demanded of its url, by which it has been found."""
    return replace(node, children={name: child for name, child in node.children.items() if name != "url"})


def fitting(kind: str, demanded: Any) -> Match:
    """Return what tells whether a value is ``demanded`` itself (``fixed``), or has at least that (``pattern``)."""
    if kind == "fixed":
        text = dump_sorted(demanded)
        return lambda value: dump_sorted(value) == text
    return _having(demanded)


def _having(pattern: Any) -> Match:
    """Return what tells whether a value has everything that ``pattern`` has; lists may have more, in any order."""
    if type(pattern) is dict:
        return _having_members([(key, _having(value)) for key, value in pattern.items()])
    if type(pattern) is list:
        wanted = [_having(item) for item in pattern]
        return lambda value: type(value) is list and all(any(map(has, value)) for has in wanted)
    return lambda value: bool(value == pattern)


def _having_members(members: list[tuple[str, Match]]) -> Match:
    def has_them(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for key, has in members:  # noqa: SIM110 - a generator costs more than the loop
            if key not in value or not has(value[key]):
                return False
        return True

    return has_them


def _at_path(value: Any, steps: list[str]) -> list[Any]:
    values = [value]
    for step in steps:
        below = [item[step] for item in values if type(item) is dict and step in item]
        values = [member for item in below for member in (item if type(item) is list else [item])]
    return values
