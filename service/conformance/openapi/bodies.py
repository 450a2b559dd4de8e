"""Bodies of requests: by media type what they are like, and examples that can be sent as they are."""

from service.conformance.definitions import Definitions
from service.conformance.offers import offers
from service.conformance.openapi.parameters import Parameters
from service.conformance.openapi.samples import Samples
from service.conformance.openapi.tables import Table, fill, refer, table

_FORM = "application/x-www-form-urlencoded"
_SUBMISSIONS = "@submissions"


class Bodies:
    """The bodies that the table names by their kinds."""

    def __init__(self, definitions: Definitions, samples: Samples, parameters: Parameters) -> None:
        self._capabilities = definitions.resource_capabilities
        self._samples = samples
        self._parameters = parameters
        self._table = table("bodies")

    def examples(self) -> Table:
        """Return the examples that are no samples, by name."""
        found: Table = dict(self._table["examples"])
        for name, capability in self._capabilities.items():
            if offers(capability, "patch"):
                of_type = self._table["examples of each type"].items()
                found |= {f"{name}{kind}": fill(example, name) for kind, example in of_type}
        return found

    def of_kind(self, kind: str, resource_type: str) -> Table:
        """Return the ``requestBody`` of an operation."""
        if kind == "form":
            form = {"schema": refer("schemas", self._parameters.form_of(resource_type))}
            return {"required": False, "content": {_FORM: form}}
        contents = fill(self._table["kinds"][kind], resource_type).items()
        return {"required": True, "content": {media_type: self._content(row) for media_type, row in contents}}

    def _content(self, row: Table) -> Table:
        schemas = [refer("schemas", name) for name in row["schemas"]]
        content: Table = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
        names = row.get("examples", [])
        if names == [_SUBMISSIONS]:
            names = self._samples.submissions
        return content | ({"examples": {name: refer("examples", name) for name in names}} if names else {})
