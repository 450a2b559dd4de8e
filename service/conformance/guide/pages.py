"""The pages: one for each profile, for extensions, for codes, for findings, and an index."""

from functools import cached_property
from typing import Any

from service.conformance.definitions import Definition, Definitions
from service.conformance.guide.addresses import INDEX, fhir_base, file_of, is_own
from service.conformance.guide.elements import extension_rows
from service.conformance.guide.examples import Examples
from service.conformance.guide.html import document
from service.conformance.guide.markdown import rendered
from service.conformance.guide.material import Material
from service.conformance.guide.rules import inherited_rules, own_rules
from service.conformance.guide.search import SearchTable
from service.fhir.outcome import RULES, VALIDATION_RULE

_OTHERS = {"extensions": "Extensions", "codes": "Codes", "findings": "Findings"}
_EXTENSION_OF_RESOURCE = ("extension",)
_STRENGTHS = {
    "required": "one of",
    "extensible": "one of, where one fits:",
    "preferred": "best one of",
    "example": "for example one of",
}

Content = dict[str, Any]


class Guide:
    """The pages that follow from ``definitions``, by name."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._material = Material(definitions)

    @cached_property
    def titles(self) -> dict[str, str]:
        """What each page is called, by its name; the index comes first."""
        profiles = {profile["id"]: profile["title"] for profile in self._material.profiles}
        return {INDEX: self._material.guide["title"], **profiles, **_OTHERS}

    def markdown(self, name: str) -> str:
        """Return a page as Markdown, as it is written to a file; raises LookupError where there is none."""
        profile = next((item for item in self._material.profiles if item["id"] == name), None)
        content = self._of_profile(profile) if profile else self._of_others[name]
        return rendered("profile" if profile else name, **self._shared, **content)

    def html(self, name: str) -> str:
        """Return a page as HTML, as it is served."""
        return document(name, self.titles, self.markdown(name))

    @property
    def _shared(self) -> Content:
        return {
            "base": fhir_base(self._definitions.version),
            "profiles": self._material.profiles,
            "groupings": self._material.groupings,
            "code_list": self._material.code_list,
            "definition_of": lambda definition: file_of(definition, self._definitions.version),
            "strengths": _STRENGTHS,
        }

    def _of_profile(self, profile: Definition) -> Content:
        rows, of_type = self._material.rows[profile["id"]], profile["type"]
        example_name, example = self._examples.new(of_type)
        return {
            "profile": profile,
            "rows": [row for row in rows if row.names != _EXTENSION_OF_RESOURCE],
            "extensions": [row for row in rows if row.names == _EXTENSION_OF_RESOURCE],
            "rules": own_rules(profile),
            "inherited": inherited_rules(profile),
            "own_searches": self._searches.own(of_type),
            "standard_searches": self._searches.standard(of_type),
            "further_searches": self._searches.further(of_type),
            "example_name": example_name,
            "example": example,
            "samples": self._examples.samples(profile),
        }

    @property
    def _of_others(self) -> dict[str, Content]:
        lists, findings = self._material.code_lists, self._definitions.get(VALIDATION_RULE)
        return {
            INDEX: {"guide": self._material.guide, "findings": findings, "types": self._material.types},
            "extensions": {
                "own": [item for item in self._material.extensions if is_own(item)],
                "of_others": [item for item in self._material.extensions if not is_own(item)],
                "rows_of": extension_rows,
                "example_of": self._examples.of_extension,
            },
            "codes": {
                "own": [item for item in lists if is_own(item.value_set)],
                "of_others": [item for item in lists if not is_own(item.value_set)],
                "maps": self._material.maps,
            },
            "findings": {"system": findings, "rules": RULES},
        }

    @cached_property
    def _examples(self) -> Examples:
        return Examples(self._definitions)

    @cached_property
    def _searches(self) -> SearchTable:
        return SearchTable(self._definitions)
