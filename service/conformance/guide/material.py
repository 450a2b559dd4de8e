"""What the pages are made of: profiles with their rows, the extensions and lists of codes that these name."""

from collections.abc import Iterable
from functools import cached_property

from service.conformance.definitions import Definition, Definitions
from service.conformance.guide.addresses import is_own
from service.conformance.guide.codes import CodeList, CodeLists, title_of
from service.conformance.guide.elements import Row, extension_rows, profile_rows


class Material:
    """The definitions that the guide is about."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.code_list = CodeLists(definitions).find

    @cached_property
    def guide(self) -> Definition:
        """The ImplementationGuide."""
        (guide,) = self.definitions.of_type("ImplementationGuide")
        return guide

    @cached_property
    def groupings(self) -> dict[str, str]:
        """What the ImplementationGuide says of each group of definitions."""
        return {item["id"]: item["description"] for item in self.guide["definition"]["grouping"]}

    @cached_property
    def profiles(self) -> list[Definition]:
        """The profiles that the service supports, in the order of the CapabilityStatement."""
        capabilities = self.definitions.resource_capabilities.values()
        return [self.definitions.get(url) for item in capabilities for url in item.get("supportedProfile", ())]

    @cached_property
    def rows(self) -> dict[str, list[Row]]:
        """The elements of each profile, by its id."""
        return {profile["id"]: profile_rows(profile, self.definitions) for profile in self.profiles}

    @cached_property
    def extensions(self) -> list[Definition]:
        """Our own extensions and those that the profiles use, ours first."""
        own = [item for item in self._own("StructureDefinition") if item["type"] == "Extension"]
        used = [row.extension for rows in self.rows.values() for row in rows if row.extension]
        return _ours_first([*own, *used])

    @cached_property
    def code_lists(self) -> list[CodeList]:
        """Our own value sets and those that elements of the profiles and extensions are bound to, ours first."""
        used = [row.binding.value_set for row in self._all_rows if row.binding]
        held = [item for url in dict.fromkeys(used) if (item := self.definitions.find(url))]
        every = _ours_first([*self._own("ValueSet"), *held])
        return [found for item in every if (found := self.code_list(item["url"]))]

    @cached_property
    def maps(self) -> list[Definition]:
        """Our ConceptMaps."""
        return _ours_first(self._own("ConceptMap"))

    @cached_property
    def types(self) -> list[Definition]:
        """The data types of all values in the tables."""
        names = {form.type for row in self._all_rows for form in row.forms}
        every = self.definitions.of_type("StructureDefinition")
        return sorted((item for item in every if item["id"] in names), key=lambda item: str(item["id"]).casefold())

    @property
    def _all_rows(self) -> list[Row]:
        of_extensions = [row for extension in self.extensions for row in extension_rows(extension)]
        return [row for rows in self.rows.values() for row in rows] + of_extensions

    def _own(self, resource_type: str) -> list[Definition]:
        return [item for item in self.definitions.of_type(resource_type) if is_own(item)]


def _ours_first(definitions: Iterable[Definition]) -> list[Definition]:
    """Return each of ``definitions`` once, by title."""
    each = {item["url"]: item for item in definitions}.values()
    return sorted(each, key=lambda item: (not is_own(item), title_of(item).casefold()))
