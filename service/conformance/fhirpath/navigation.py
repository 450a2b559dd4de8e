"""Ways through resources: members, children and descendants (https://hl7.org/fhir/R4/fhirpath.html#types)."""

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import Any

from service.conformance.fhirpath.collection import Collection, Get, Scope, chain, this
from service.conformance.fhirpath.kinds import UNKNOWN, UNTYPED, Found, Kind, Kinds
from service.conformance.fhirpath.steps import element_of_object, listed
from service.conformance.fhirpath.values import Node, forms_of
from service.conformance.structures import Element


class NoElementError(ValueError):
    """An expression speaks of an element that does not exist."""


class Navigation:
    """Makes collections of what stands below others."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self._any_resource = kinds.named("DomainResource")
        self._any_element = kinds.named("Element")

    def member(self, of: Collection, name: str, wanted: str | None = None) -> Collection:
        """Return the elements called ``name`` below ``of``, of a choice only those of the type ``wanted``.

        Raises NoElementError where no such element exists.
        """
        of = self.having(of, name)
        found = [item for kind in of.kinds for item in self._members(kind, name, wanted)]
        is_open = any(self._is_open(kind, name) for kind in of.kinds)
        if not found and not is_open:
            below = ", ".join(kind.name for kind in of.kinds)
            raise NoElementError(f"There is no element {name}{f' of type {wanted}' if wanted else ''} below {below}")
        if of.is_typed or is_open or of.kinds[0].is_primitive:
            return chain(of, self._member_of_nodes(of, name, found, is_open))
        if len(found) == 1:
            return chain(of, element_of_object(*found[0]))
        choice = chain(of, self._choice(found))
        choice.narrowed = lambda of_type: self.member(of, name, of_type)
        return choice

    def having(self, of: Collection, name: str) -> Collection:
        """Return a choice as the one type that has an element called ``name``, where it is only one."""
        having = [kind for kind in of.kinds if self.kinds.members(kind, name)] if of.narrowed else []
        return of.narrowed(having[0].name) if of.narrowed and len(having) == 1 else of

    def _members(self, kind: Kind, name: str, wanted: str | None) -> list[Found]:
        found = self.kinds.members(self._any_resource if kind.is_dynamic else kind, name)
        return [item for item in found if wanted is None or wanted in item.kind.ancestors]

    def _is_open(self, kind: Kind, name: str) -> bool:
        """Return whether only the value can tell if it has such an element."""
        return kind is UNTYPED or (kind.is_dynamic and not self.kinds.members(self._any_resource, name))

    def _choice(self, found: list[Found]) -> Collection:
        table = {mark + item.element.key: item for item in found for mark in ("", "_")}
        keys = table.keys()

        def item(focus: Any, scope: Scope) -> Node | None:
            for key in focus:
                if key in keys:
                    return self._node(focus, *table[key])
            return None

        return Collection(
            [item.kind for item in found], item=item, exists=lambda focus, scope: not keys.isdisjoint(focus)
        )

    def _member_of_nodes(self, of: Collection, name: str, found: list[Found], is_open: bool) -> Collection:
        as_node = self.as_node(of)
        kinds = [*(item.kind for item in found), *([UNTYPED] if is_open else [])]

        def nodes(focus: Any, scope: Scope) -> list[Node]:
            return list(self._below(as_node(focus), name))

        if any(item.element.many for item in found) or is_open:
            return self.untyped(Collection(kinds, items=nodes))
        return self.untyped(Collection(kinds, item=lambda focus, scope: next(iter(nodes(focus, scope)), None)))

    def as_node(self, of: Collection) -> Callable[[Any], Node]:
        """Return what makes a Node of a value of ``of``."""
        if of.is_typed or not of.kinds:
            return lambda value: value
        (kind,) = of.kinds
        if kind.is_dynamic:
            return lambda value: Node(value, self.kinds.of_resource(value))
        return lambda value: value if type(value) is Node else Node(value, kind)

    def typed(self, of: Collection) -> Get:
        """Return what gives the values of ``of`` as Nodes."""
        if of.is_typed:
            return of.items
        as_node, items = self.as_node(of), of.items
        return lambda focus, scope: [as_node(item) for item in items(focus, scope)]

    def alike(self, kinds: Iterable[Kind], *collections: Collection) -> list[Get]:
        """Return what gives the values of each of ``collections`` in the form of values that can be of ``kinds``."""
        if this(kinds).is_typed:
            return [self.typed(item) for item in collections]
        return [item.items for item in collections]

    @staticmethod
    def untyped(of: Collection) -> Collection:
        """Return a collection of Nodes as one of JSON objects, where it can hold nothing but those of one type."""
        if of.is_typed or of.kinds[0].is_primitive:
            return of
        item, items = of.item, of.items
        if of.is_single:
            return Collection(
                of.kinds, item=lambda focus, scope: None if (node := item(focus, scope)) is None else node.value
            )
        return Collection(of.kinds, items=lambda focus, scope: [node.value for node in items(focus, scope)])

    def children(self, of: Collection) -> Collection:
        """Return everything directly below ``of``."""
        return self._all_below(of, self.kinds.below(of.kinds), self._children)

    def descendants(self, of: Collection) -> Collection:
        """Return everything below ``of``, at any depth."""
        kinds = dict.fromkeys(self.kinds.below(of.kinds))
        while more := [kind for kind in self.kinds.below(kinds) if kind not in kinds]:
            kinds.update(dict.fromkeys(more))
        return self._all_below(of, tuple(kinds), self._descendants)

    def _all_below(
        self, of: Collection, kinds: tuple[Kind, ...], below: Callable[[Node], Iterator[Node]]
    ) -> Collection:
        nodes = self.typed(of)
        if len(kinds) < 2 or any(kind.is_dynamic for kind in (*of.kinds, *kinds)):
            kinds = (*kinds, UNTYPED)
        return Collection(
            kinds, items=lambda focus, scope: [item for node in nodes(focus, scope) for item in below(node)]
        )

    def _children(self, node: Node) -> Iterator[Node]:
        holder = _holder(node)
        for key in dict.fromkeys(key.removeprefix("_") for key in holder):
            found = self.kinds.keys(node.kind).get(key)
            if found is not None:
                yield from self._nodes(holder, *found)
            elif node.kind.structure is None:
                yield from self._guessed(node, key)

    def _descendants(self, node: Node) -> Iterator[Node]:
        for child in self._children(node):
            yield child
            yield from self._descendants(child)

    def _below(self, node: Node, name: str) -> Iterator[Node]:
        holder = _holder(node)
        for found in self.kinds.members(node.kind, name):
            yield from self._nodes(holder, *found)
        if node.kind.structure is None:
            yield from self._guessed(node, name)

    def _nodes(self, holder: dict[str, Any], element: Element, kind: Kind) -> Iterator[Node]:
        """Yield the values of an element of ``holder``."""
        if not element.many:
            pairs: Iterable[tuple[Any, Any]] = [(holder.get(element.key), holder.get(f"_{element.key}"))]
        else:
            pairs = zip_longest(listed(holder.get(element.key)), listed(holder.get(f"_{element.key}")))
        for value, beside in pairs:
            node = self._made(value, beside, kind)
            if node is not None:
                yield node

    def _node(self, holder: dict[str, Any], element: Element, kind: Kind) -> Node | None:
        """Return the one value of an element of ``holder``."""
        return self._made(holder.get(element.key), holder.get(f"_{element.key}"), kind)

    def _made(self, value: Any, beside: Any, kind: Kind) -> Node | None:
        extra = beside if type(beside) is dict else None
        if type(value) in forms_of(kind):
            return Node(value, self.kinds.of_resource(value) if kind.is_dynamic else kind, extra)
        return None if extra is None else Node(None, kind, extra)

    def _guessed(self, node: Node, name: str) -> Iterator[Node]:
        """Yield what stands under ``name``, or under it as a choice, below a value of a type that is not held."""
        holder = _holder(node)
        known = self.kinds.members(self._any_element if node.kind is UNKNOWN else self._any_resource, name)
        for found in known:
            yield from self._nodes(holder, *found)
        for key, value in [] if known or name == "resourceType" else holder.items():
            if key == name or (key.startswith(name) and self.kinds.is_type(key[len(name) :])):
                for one in value if type(value) is list else [value]:
                    yield Node(one, self.kinds.guessed(one, key[len(name) :]))


def _holder(node: Node) -> dict[str, Any]:
    """Return the object that the children of a value stand in."""
    return node.value if type(node.value) is dict else node.beside or {}
