"""How often an element has to be there and how often it may (https://hl7.org/fhir/R4/conformance-rules.html#cardinality)."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from service.conformance.definitions import Definition
from service.conformance.validation.occurrences import Occurrence
from service.conformance.validation.place import Place
from service.conformance.validation.report import Report
from service.fhir.outcome import Issue

_ANY_NUMBER = 10**9


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the greatest number of occurrences of an element or of a slice."""

    least: int
    most: int
    short: str

    @classmethod
    def of(cls, definition: Definition, rules: Collection[str]) -> "Limits":
        """Return the limits in an ElementDefinition.

        Where its ``condition`` names one of the profile's own ``rules``, that one speaks of too few and too many.
        """
        most = _ANY_NUMBER if definition["max"] == "*" else int(definition["max"])
        if not set(definition.get("condition", ())).isdisjoint(rules):
            return cls(0, _ANY_NUMBER, "")
        return cls(definition["min"], most, definition.get("short", ""))

    def beyond(self, is_mandatory: bool, is_many: bool) -> "Limits":
        """Return those of the limits that are narrower than those of the type."""
        least = 0 if self.least <= is_mandatory else self.least
        most = _ANY_NUMBER if self.most == 1 and not is_many else self.most
        return Limits(least, most, self.short)

    def without_least(self) -> "Limits":
        """Return the limits for a list whose slices say how many there have to be."""
        return replace(self, least=0)

    def __bool__(self) -> bool:
        """Return whether there is any limit."""
        return self.least > 0 or self.most < _ANY_NUMBER

    def check(self, name: str, slice_name: str | None = None) -> "LimitsCheck":
        """Return the check of the occurrences of ``name``, of those in one slice where ``slice_name`` is given."""
        what = f"{name} of the kind {slice_name}" if slice_name else name
        return LimitsCheck(self, name, what)


@dataclass(frozen=True, slots=True)
class LimitsCheck:
    """Reports too few or too many occurrences."""

    limits: Limits
    name: str
    what: str

    def __call__(self, found: list[Occurrence], place: Place, report: Report) -> None:
        count = len(found)
        if self.limits.least <= count <= self.limits.most:
            return
        report.add(Issue("cardinality", f"{self._sentence(count)}{self._meaning()}", self._place(found, place)))

    def _sentence(self, count: int) -> str:
        if count < self.limits.least:
            return (
                f"{self.what} must be there" if self.limits.least == 1 else f"{self.what}: at least {self.limits.least}"
            )
        if self.limits.most == 0:
            return f"{self.what} is not allowed here"
        times = "once" if self.limits.most == 1 else f"{self.limits.most} times"
        return f"{self.what} may be there {times} at most, not {count} times"

    def _meaning(self) -> str:
        return f": {self.limits.short}" if self.limits.short else ""

    def _place(self, found: list[Occurrence], place: Place) -> str:
        is_too_many = len(found) > self.limits.most
        return str(found[self.limits.most][2]) if is_too_many else f"{place}.{self.name}"
