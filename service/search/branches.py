"""The branches of many parameters as one tree: what several begin with is walked once, and no further than it leads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from service.conformance.fhirpath.paths import Branch, Step, ToMember, Where

Sink = TypeVar("Sink")
Form = Callable[[Any, Any], Any]
"""Makes of one value, and of the resource that it is in, what is stored of it; None where there is nothing to store."""

Collect = Callable[[Any, Any, dict[Sink, list[Any]]], None]
"""Takes a value, and the resource that it is in, and adds what is made of all that its branches reach."""


@dataclass(slots=True)
class Tree(Generic[Sink]):
    """What follows after one value: forms that are made of it, and the next steps of branches that lead through it."""

    forms: list[tuple[Sink, Form]] = field(default_factory=list)
    members: "dict[ToMember, Tree[Sink]]" = field(default_factory=dict)
    kinds: "dict[str, dict[str, Tree[Sink]]]" = field(default_factory=dict)
    """By the key of a member, and the text that it has to be."""
    others: "dict[Step, Tree[Sink]]" = field(default_factory=dict)

    def add(self, branch: Branch, sink: Sink, form: Form) -> None:
        """Make ``form`` of the values of ``branch`` from now on, for ``sink``."""
        tree = self
        for step in branch.steps:
            tree = tree._after(step)
        tree.forms.append((sink, form))

    def _after(self, step: Step) -> "Tree[Sink]":
        if isinstance(step, ToMember):
            return self.members.setdefault(step, Tree())
        if isinstance(step, Where):
            return self.kinds.setdefault(step.key, {}).setdefault(step.text, Tree())
        return self.others.setdefault(step, Tree())

    def compiled(self) -> Collect[Sink]:
        """Return the function that makes the forms of a value, and goes all ways from there."""
        forms, go_on = tuple(self.forms), self._onward()

        def collect(value: Any, resource: Any, found: dict[Sink, list[Any]]) -> None:
            for sink, form in forms:
                made = form(value, resource)
                if made is not None:
                    found.setdefault(sink, []).append(made)
            if go_on is not None:
                go_on(value, resource, found)

        return collect if forms or go_on is None else go_on

    def _onward(self) -> Collect[Sink] | None:
        """Return the function that goes all ways from a value, or None where there are none."""
        members = tuple((to.key, to.many, tuple(tree.forms), tree._onward()) for to, tree in self.members.items())
        kinds = tuple((key, {text: tree.compiled() for text, tree in of.items()}) for key, of in self.kinds.items())
        others = tuple((step, tree.compiled()) for step, tree in self.others.items())

        def go_on(value: Any, resource: Any, found: dict[Sink, list[Any]]) -> None:
            for key, many, forms, further in members:
                below = value.get(key)
                if below is None:
                    continue
                for item in below if many else (below,):
                    if item is None:
                        continue
                    for sink, form in forms:  # here, for most ways end at such a member
                        made = form(item, resource)
                        if made is not None:
                            found.setdefault(sink, []).append(made)
                    if further is not None:
                        further(item, resource, found)
            for key, of_kind in kinds:
                collect = of_kind.get(value.get(key))
                if collect is not None:
                    collect(value, resource, found)
            for step, collect in others:
                for item in step([value], resource):
                    collect(item, resource, found)

        return go_on if members or kinds or others else None
