"""FHIR's data types in words, as they were given (https://hl7.org/fhir/R4/datatypes.html)."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from service.conformance.definitions import CANONICAL
from service.conformance.terminology import Terminology
from service.narrative.dates import Dates
from service.narrative.timing import timing

Element = dict[str, Any]

SYSTEMS = {
    name: f"{CANONICAL}/CodeSystem/{name}"
    for name in (
        "agreement-status",
        "capacity",
        "decided-by",
        "decision-outcome",
        "learning-kind",
        "prediction-kind",
        "rater",
        "stipulation-standing",
        "viewpoint",
    )
} | {
    name: f"http://hl7.org/fhir/{name}"
    for name in ("care-plan-activity-status", "goal-status", "observation-status", "request-intent", "request-status")
}
"""The code systems of elements that give a code alone."""
QUANTITIES = ("Quantity", "SimpleQuantity", "Age", "Duration", "Count", "Distance", "Money")


class Values:
    """Says values with the fixed ``words`` and the names that ``terminology`` has for codes."""

    def __init__(self, terminology: Terminology, words: Mapping[str, str]) -> None:
        self._words = words
        self._display = lru_cache(maxsize=4096)(terminology.display)
        self.date = Dates(words).say
        self._types: dict[str, Callable[[Any], str]] = {
            "Address": self._address,
            "Annotation": lambda note: str(note.get("text", "")),
            "Attachment": lambda file: str(file.get("title") or file.get("url") or ""),
            "CodeableConcept": self.concept,
            "Coding": self._coding,
            "ContactPoint": lambda point: str(point.get("value", "")),
            "HumanName": self._name,
            "Identifier": self.identifier,
            "Period": self.period,
            "Range": self.range,
            "Ratio": self.ratio,
            "Reference": self.reference,
            "Timing": partial(timing, self),
            "boolean": self.boolean,
            "date": self.date,
            "dateTime": self.date,
            "instant": self.date,
        }
        self._types.update(dict.fromkeys(QUANTITIES, self.quantity))

    def word(self, key: str, *values: str) -> str:
        """Return the fixed wording for ``key``, with ``values`` in it."""
        return self._words[key].format(*values) if values else self._words[key]

    def has_word(self, key: str) -> bool:
        """Return whether there is a fixed wording for ``key``."""
        return key in self._words

    def day(self, code: str) -> str:
        """Return the name of a day of the week."""
        return self._words.get(f"day.{code}", code)

    def code(self, name: str, code: str) -> str:
        """Return ``code`` of an element whose code system is called ``name``, in words as far as there are any."""
        fixed = self._words.get(f"{name}.{code}")
        return fixed or self._display(SYSTEMS[name], code) or code

    def concept(self, concept: Element) -> str:
        """Return the text of a CodeableConcept, and what its codes say beside that."""
        text = concept.get("text")
        names = dict.fromkeys(map(self._coding, concept.get("coding", ())))
        if text is None:
            return "; ".join(names)
        others = [name for name in names if name.casefold() != text.casefold()]
        return f"{text} ({'; '.join(others)})" if others else str(text)

    def names(self, concept: Element) -> str:
        """Return what the codes of a CodeableConcept say, without its text."""
        return "; ".join(dict.fromkeys(map(self._coding, concept.get("coding", ()))))

    def _coding(self, coding: Element) -> str:
        display = coding.get("display")
        if display:
            return str(display)
        system, code = coding.get("system"), coding.get("code", "")
        return (self._display(system, code) if system else None) or code or system or ""

    def value(self, holder: Element, choice: str = "value") -> str | None:
        """Return ``choice[x]`` of an element in words, or None where it has none."""
        for key, value in holder.items():
            if key.startswith(choice) and key != choice:
                return self.typed(key.removeprefix(choice), value)
        return None

    def typed(self, type_name: str, value: Any) -> str:
        """Return a value of a data type, whose name is the end of a choice element's, such as ``Code``."""
        say = self._types.get(type_name) or self._types.get(type_name[:1].lower() + type_name[1:])
        return say(value) if say else self.plain(value)

    def plain(self, value: Any) -> str:
        """Return a plain value in the digits or letters in which it was written."""
        if isinstance(value, dict):
            return str(value.get("text") or ", ".join(filter(None, map(self.plain, value.values()))))
        if isinstance(value, list):
            return ", ".join(filter(None, map(self.plain, value)))
        return self.boolean(value) if isinstance(value, bool) else str(getattr(value, "text", value))

    def reference(self, reference: Element) -> str:
        """Return what a Reference is called, or what it names where it is called nothing."""
        return (
            reference.get("display")
            or ("identifier" in reference and self.identifier(reference["identifier"]))
            or reference.get("reference")
            or reference.get("type")
            or self.word("unnamed")
        )

    def boolean(self, value: bool) -> str:
        """Return yes or no."""
        return self.word("yes" if value else "no")

    def period(self, period: Element) -> str:
        """Return a Period, open where it is open."""
        start, end = period.get("start"), period.get("end")
        if start and end:
            return self.word("from-until", self.date(start), self.date(end))
        if start:
            return self.word("from", self.date(start))
        return self.word("until", self.date(end)) if end else ""

    def quantity(self, quantity: Element) -> str:
        """Return a Quantity with its comparator and unit."""
        unit = quantity.get("unit") or quantity.get("code") or quantity.get("currency")
        amount = " ".join(filter(None, [self.plain(quantity.get("value", "")), unit]))
        comparator = quantity.get("comparator")
        if comparator is None:
            return amount
        key = f"comparator.{comparator}"
        return self.word(key, amount) if self.has_word(key) else f"{comparator} {amount}"

    def range(self, span: Element) -> str:
        """Return a Range, open where it is open."""
        low, high = span.get("low"), span.get("high")
        if low and high:
            return self.word("from-until", self.quantity(low), self.quantity(high))
        if low:
            return self.word("at-least", self.quantity(low))
        return self.word("at-most", self.quantity(high)) if high else ""

    def ratio(self, ratio: Element) -> str:
        """Return a Ratio."""
        return self.word("ratio", *(self.quantity(ratio.get(part, {})) for part in ("numerator", "denominator")))

    def identifier(self, identifier: Element) -> str:
        """Return what an Identifier is, and its value."""
        kind = self.concept(identifier["type"]) if "type" in identifier else ""
        return " ".join(filter(None, [kind, identifier.get("value") or identifier.get("system")]))

    def event(self, code: str) -> str:
        """Return the name of a time of day, such as before breakfast."""
        return self._words.get(f"event.{code}", code)

    def _address(self, address: Element) -> str:
        lines = [*address.get("line", ()), *(address.get(key) for key in ("city", "postalCode", "country"))]
        return address.get("text") or ", ".join(filter(None, lines))

    def _name(self, name: Element) -> str:
        return name.get("text") or " ".join(filter(None, [*name.get("given", ()), name.get("family")]))
