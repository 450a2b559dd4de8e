"""Parameters of operations: the search parameters of each type, and those that the table names."""

from typing import Any

from service.conformance.definitions import Definition, Definitions
from service.conformance.openapi.samples import Samples
from service.conformance.openapi.tables import Table, in_words, refer, searches, table
from service.conformance.structures import Structures

_TABLE = table("parameters")
_PREFILLED = "patient"
"""The one search parameter that Swagger UI fills in: all at once would find nobody."""


class Parameters:
    """Component parameters, and lists of references to them."""

    def __init__(self, definitions: Definitions, samples: Samples) -> None:
        self._definitions = definitions
        self._structures = Structures(definitions)
        self._samples = samples
        self._finding = searches(definitions.folder)
        self._forms = {name: self._form(name) for name in definitions.resource_capabilities}

    def components(self) -> Table:
        """Return every parameter that is shared, by name."""
        shared = {key: {"name": key, **row} for key, row in _TABLE["parameters"].items()}
        for name in self._definitions.stored_types:
            shared[f"{name}-id"] = self._id(name, self._samples.id_of(name))
            shared[f"{name}-spare-id"] = self._id(name, "no-sample-has-this-id")
            shared[f"{name}-profile"] = self._profile(name)
            shared |= {f"{name}{key}": row for key, row in self._of_type(name).items()}
        for name in self._definitions.published_types:
            shared[f"{name}-id"] = self._id(name, self._samples.definition_of(name)["id"])
            for item in self._capabilities(name):
                row = self._search(name, item)
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
        return next(f"{name}-search" for name, other in self._forms.items() if other == form)

    def of_operation(self, names: list[str], resource_type: str) -> list[Table]:
        """Return the parameters that a row of the table of operations names; ``@`` marks a group."""
        found: list[Table] = []
        for name in names:
            if name == "@search":
                found += [self._search(resource_type, item) for item in self._capabilities(resource_type)]
            elif name == "@search-definitions":
                codes = [item["name"] for item in self._capabilities(resource_type)]
                found += [refer("parameters", f"definition-{code}") for code in codes]
            elif name in ("@id", "@spare-id", "@profile"):
                found.append(refer("parameters", f"{resource_type}-{name[1:]}"))
            elif name.startswith("@"):
                found += self.of_operation(_TABLE[name[1:]], resource_type)
            else:
                key = f"{resource_type}{name}" if name in ("_sort", "_elements") else name
                found.append(refer("parameters", key))
        return found

    def _capabilities(self, resource_type: str) -> list[Definition]:
        """Return the search parameters of a type: the person first, what every resource has last."""
        items = self._definitions.resource_capabilities[resource_type]["searchParam"]
        return sorted(items, key=lambda item: (item["name"] != _PREFILLED, item["name"].startswith("_")))

    def _search(self, resource_type: str, item: Definition) -> Table:
        kind, example = item["type"], self.example(resource_type, item)
        parameter: Table = {
            "name": item["name"],
            "in": "query",
            "description": f"{self.meaning(item)}\n\n*{kind}*: {self._hint(item)}. Example: `{example}`",
            "schema": {"$ref": f"#/components/schemas/search-{kind}", "examples": [example]},
        }
        if item["name"] == _PREFILLED:
            parameter |= {"schema": refer("schemas", f"search-{kind}"), "example": example}
        return parameter

    def meaning(self, item: Definition) -> str:
        """Return what a parameter is for: ours say it at length, official ones for many types at once."""
        definition = self._definitions.get(item["definition"])
        own = len(definition["base"]) == 1 and not definition["url"].startswith("http://hl7.org/")
        text: str = definition["description"] if own else item["documentation"]
        return text

    def _hint(self, item: Definition) -> str:
        hint: str = _TABLE["types"][item["type"]]["hint"]
        return hint

    def example(self, resource_type: str, item: Definition) -> str:
        """Return a value to search by, which finds one of the samples where there is one to find."""
        if resource_type in self._definitions.published_types:
            shown: str = _TABLE["definitions"].get(item["name"], _TABLE["types"][item["type"]]["example"])
            return shown
        if item["name"] == "_id":
            return self._samples.id_of(resource_type)
        targets = self._definitions.get(item["definition"]).get("target", ["Patient"])
        general = _TABLE["types"][item["type"]]["example"].replace("{target}", targets[0])
        example: str = self._finding.get(resource_type, {}).get(item["name"], general)
        return example

    def _form(self, resource_type: str) -> Table:
        fields: dict[str, Any] = {}
        for item in self._capabilities(resource_type):
            # Swagger UI makes up values for fields of a form unless their example says to leave them empty.
            example = self.example(resource_type, item) if item["name"] == _PREFILLED else ""
            words = {"description": item["documentation"], "example": example}
            fields[item["name"]] = refer("schemas", f"search-{item['type']}") | words
        is_stored = resource_type in self._definitions.stored_types
        rows = _TABLE["parameters"] | (self._of_type(resource_type) if is_stored else {})
        for name in _TABLE["results" if is_stored else "results-definitions"]:
            row = rows[name]
            words = {"description": row["description"], "example": row.get("example", "")}
            fields[row.get("name", name)] = row["schema"] | words
        return {"type": "object", "properties": fields, "additionalProperties": False}

    def _of_type(self, resource_type: str) -> Table:
        codes = "|".join(item["name"] for item in self._capabilities(resource_type))
        elements = "|".join(self._structures.of_type(resource_type).choices)
        return {
            "_sort": {
                "name": "_sort",
                "in": "query",
                "description": "Up to four search parameters to sort by, parted by commas; `-` turns the order round. "
                "Example: `-_lastUpdated`",
                "schema": {"type": "string", "pattern": f"^-?({codes})(,-?({codes})){{0,3}}$"},
            },
            "_elements": {
                "name": "_elements",
                "in": "query",
                "description": "Send only these elements, parted by commas, and those that must be there. "
                "Example: `subject,extension`",
                "schema": {"type": "string", "pattern": f"^({elements})(,({elements}))*$"},
            },
        }

    def _id(self, resource_type: str, example: str) -> Table:
        return {
            "name": "id",
            "in": "path",
            "required": True,
            "description": f"The id of the {in_words(resource_type)} on this server.",
            "schema": refer("schemas", "id"),
            "example": example,
        }

    def _profile(self, resource_type: str) -> Table:
        capability = self._definitions.resource_capabilities[resource_type]
        return {
            "name": "profile",
            "in": "query",
            "description": f"What to hold the {in_words(resource_type)} to, beside the profiles that it claims.",
            "schema": {"type": "string", "enum": [*capability["supportedProfile"], capability["profile"]]},
        }
