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
        """Return the function that goes all these ways; they are the same from then on."""
        forms = tuple(self.forms)
        members = tuple((member.key, member.many, tree.compiled()) for member, tree in self.members.items())
        kinds = tuple((key, {text: tree.compiled() for text, tree in of.items()}) for key, of in self.kinds.items())
        others = tuple((step, tree.compiled()) for step, tree in self.others.items())

        def collect(value: Any, resource: Any, found: dict[Sink, list[Any]]) -> None:
            for sink, form in forms:
                made = form(value, resource)
                if made is not None:
                    found.setdefault(sink, []).append(made)
            for key, many, go_on in members:
                below = value.get(key)
                if below is not None:
                    for item in below if many else (below,):
                        if item is not None:
                            go_on(item, resource, found)
            for key, of_kind in kinds:
                go_on_as = of_kind.get(value.get(key))
                if go_on_as is not None:
                    go_on_as(value, resource, found)
            for step, go_on in others:
                for item in step([value], resource):
                    go_on(item, resource, found)

        return collect
