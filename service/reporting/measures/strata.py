"""The strata of a report, as people read them (https://hl7.org/fhir/R4/measurereport-definitions.html#MeasureReport.group.stratifier)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.conformance.definitions import CANONICAL, Definitions
from service.reporting.measures.results import NONE, Stratum

Json = dict[str, Any]

_YES_OR_NO = "http://terminology.hl7.org/CodeSystem/v2-0136"
_ANSWERS = {"yes": {"code": "Y", "display": "Yes"}, "no": {"code": "N", "display": "No"}}
_SETTING, _SETTINGS = "care-setting", f"{CANONICAL}/CodeSystem/care-setting"
_NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class Strata:
    """What the values of stratifiers are called, and in which order they stand."""

    codings: Mapping[str, Mapping[str, Json]]
    """By stratifier and value, for those whose values are known beforehand."""

    @classmethod
    def of(cls, definitions: Definitions) -> "Strata":
        """Return those that ``definitions`` name; whoever is responsible for plans is named by the plans."""
        settings = {
            item["code"]: {"code": item["code"], "display": item["display"], "system": _SETTINGS}
            for item in definitions.get(_SETTINGS)["concept"]
        }
        answers = {value: {"system": _YES_OR_NO, **coding} for value, coding in _ANSWERS.items()}
        return cls({_SETTING: settings, "dual-diagnosis": answers, "legal-status": answers})

    @property
    def always_told(self) -> dict[str, tuple[str, ...]]:
        """The values of each stratifier that are told of whether or not anybody has them."""
        return {stratifier: tuple(codings) for stratifier, codings in self.codings.items()}

    def told(
        self, stratifier: str, found: Iterable[Stratum], names: Mapping[Stratum, str]
    ) -> list[tuple[Stratum, Json]]:
        """Return the strata of a report, each with the CodeableConcept that says what it is.

        They are those ``found``, with all that are always told; the unknown comes last.
        """
        known = self.codings.get(stratifier, {})
        others = sorted({each.value for each in found if each.stratifier == stratifier} - {*known, NONE})
        named = {value: names.get(Stratum(stratifier, value), value) for value in others}
        shared = Counter(named.values())
        concepts = {value: {"coding": [coding], "text": coding["display"]} for value, coding in known.items()}
        for value, name in sorted(named.items(), key=lambda item: (item[1].casefold(), item[0])):
            text = name if shared[name] == 1 else f"{name} ({value})"
            concepts[value] = {"coding": [{"code": value, "display": name}], "text": text}
        concepts[NONE] = {"text": _NOT_STATED}
        return [(Stratum(stratifier, value), concept) for value, concept in concepts.items()]
