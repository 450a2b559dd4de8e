"""What a validation writes to: the issues found so far, and what the rules need to know of the whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from service.conformance.fhirpath.conditions import Scope
from service.conformance.validation.place import Place
from service.fhir.outcome import Issue

MOST_ISSUES = 100
"""In one resource; after so many the rest is not looked at, so that no body costs minutes or megabytes to refuse."""


class FullError(Exception):
    """A resource has more issues than anyone reads at once."""


class Root:
    """A resource that no other contains."""

    def __init__(self, resource: dict[str, Any]) -> None:
        self.resource = resource

    @cached_property
    def contained(self) -> dict[str, str]:
        """The types of the resources that it contains, by id."""
        members = self.resource.get("contained")
        return {
            item["id"]: str(item.get("resourceType"))
            for item in (members if isinstance(members, list) else ())
            if isinstance(item, dict) and isinstance(item.get("id"), str)
        }


class Report:
    """The issues found so far, and where the validation stands."""

    def __init__(self, resource: dict[str, Any], place: Place) -> None:
        self.root = Root(resource)
        self.scope = Scope(resource, resource)
        self.place = place
        """Of the resource that is being checked; a contained one has its own."""
        self.issues: list[Issue] = []
        self.has_malformed = False
        """Whether a value is so far from its definition that a rule may not be able to make sense of it."""
        self._errors = 0

    def add(self, issue: Issue) -> None:
        """Add ``issue``; raises FullError where that is enough. A warning beyond what is enough is left out."""
        if issue.severity != "error":
            if len(self.issues) - self._errors <= MOST_ISSUES:
                self.issues.append(issue)
            return
        self.issues.append(issue)
        self.has_malformed |= issue.status == 400
        self._errors += 1
        if self._errors > MOST_ISSUES:
            raise FullError

    @contextmanager
    def inside(self, resource: dict[str, Any], place: Place, is_contained: bool) -> Iterator[None]:
        """While inside, ``resource`` is what rules call ``%resource``, and ``%rootResource`` where none contains it."""
        before = self.root, self.scope, self.place
        self.root = self.root if is_contained else Root(resource)
        self.scope, self.place = Scope(resource, self.root.resource), place
        yield
        self.root, self.scope, self.place = before


Rule = Callable[[Any, dict[str, Any], Place, Report], None]
"""Checks the value of one JSON key, given the object it stands in and that object's place."""
Item = Callable[[Any, Place, Report], None]
"""Checks one value at its place."""


def together(checks: list[Item]) -> Item:
    """Return one check that makes all of ``checks``."""
    if len(checks) == 1:
        return checks[0]

    def check(value: Any, place: Place, report: Report) -> None:
        for item in checks:
            item(value, place, report)

    return check
