"""Parameters of operations: the search parameters of each type, and those that the table names."""

from service.conformance.definitions import Definitions
from service.conformance.openapi import rows
from service.conformance.openapi.forms import search_form
from service.conformance.openapi.samples import Samples
from service.conformance.openapi.searches import Searches
from service.conformance.openapi.tables import Table, refer, table
from service.conformance.structures import Structures

_TABLE = table("parameters")
_OF_TYPE = ("_sort", "_elements")
_ANY = ""
"""Stands for any type in searches of several."""


class Parameters:
    """Component parameters, and lists of references to them."""

    def __init__(self, definitions: Definitions, samples: Samples) -> None:
        self._definitions = definitions
        self._samples = samples
        self._searches = Searches(definitions, samples)
        self._shared = _TABLE["parameters"] | rows.of_several_types(definitions)
        structures = Structures(definitions)
        self._of_type = {
            name: rows.of_one_type(self._searches.listed(name), structures.of_type(name).choices)
            for name in definitions.written_types
        }
        self._forms = {name: self._form(name) for name in (*definitions.resource_capabilities, _ANY)}

    def components(self) -> Table:
        """Return every parameter that is shared, by name."""
        shared = {key: {"name": key, **row} for key, row in self._shared.items()}
        for name in self._definitions.written_types:
            known = self._samples.id_of(name) if self._samples.has_known_id(name) else None
            shared[f"{name}-id"] = rows.of_id(name, known)
            shared[f"{name}-spare-id"] = rows.of_id(name, "no-sample-has-this-id")
            shared[f"{name}-criteria"] = {**shared["spare-criteria"], "example": {"_id": self._samples.id_of(name)}}
            shared[f"{name}-profile"] = rows.of_profile(self._definitions, name)
            shared |= {f"{name}{key}": {"name": key, **row} for key, row in self._of_type[name].items()}
        for item in self._searches.of_any():
            shared[f"any-{item['name']}"] = self._searches.in_query(self._definitions.stored_types[0], item)
        for name in self._definitions.recorded_types:
            shared[f"{name}-id"] = rows.of_id(name, None)
        for name in self._definitions.published_types:
            shared[f"{name}-id"] = rows.of_id(name, self._samples.definition_of(name)["id"])
            for item in self._searches.listed(name):
                row = self._searches.in_query(name, item)
                if shared.setdefault(f"definition-{item['name']}", row) != row:
                    raise ValueError(f"{name}?{item['name']} is described otherwise than for other definitions")
        return dict(sorted(shared.items()))

    def schemas(self) -> Table:
        """Return the schema of each type of search parameter, and of each search form."""
        kinds = {f"search-{kind}": row["schema"] for kind, row in _TABLE["types"].items()}
        return kinds | {self.form_of(name): self._forms[name] for name in self._forms}

    def form_of(self, resource_type: str) -> str:
        """Return the name of the schema of a type's search form: that of the first type which has the same."""
        form = self._forms[resource_type]
        return next(f"{name or 'any'}-search" for name, other in self._forms.items() if other == form)

    def of_operation(self, names: list[str], resource_type: str) -> list[Table]:
        """Return the parameters that a row of the table of operations names; ``@`` marks a group."""
        found: list[Table] = []
        for name in names:
            if name == "@search":
                listed = self._searches.listed(resource_type)
                found += [self._searches.in_query(resource_type, item) for item in listed]
            elif name == "@search-any":
                found += [refer("parameters", f"any-{item['name']}") for item in self._searches.of_any()]
            elif name == "@search-definitions":
                codes = [item["name"] for item in self._searches.listed(resource_type)]
                found += [refer("parameters", f"definition-{code}") for code in codes]
            elif name in ("@id", "@spare-id", "@profile", "@criteria"):
                found.append(refer("parameters", f"{resource_type}-{name[1:]}"))
            elif name.startswith("@"):
                found += self.of_operation(_TABLE[name[1:]], resource_type)
            else:
                found.append(refer("parameters", f"{resource_type}{name}" if name in _OF_TYPE else name))
        return found

    def _form(self, resource_type: str) -> Table:
        """Return the form of a type, or that of searches among any types."""
        if resource_type == _ANY:
            return search_form(self._searches.of_any(), self._group("person") | self._group("several"))
        items = self._searches.listed(resource_type)
        if resource_type in (*self._definitions.published_types, *self._definitions.standing_types):
            return search_form(items, self._group("results-definitions"))
        if resource_type in self._definitions.recorded_types:
            return search_form(items, self._group("results-records"))
        filled_in = self._searches.example(resource_type, items[0])
        return search_form(items, self._group("results", resource_type), filled_in)

    def _group(self, name: str, resource_type: str = _ANY) -> Table:
        """Return the parameters of a group in the table by their names; what it says of other groups is left out."""
        known = self._shared | self._of_type.get(resource_type, {})
        return {item: known[item] for item in _TABLE[name] if not item.startswith("@")}
