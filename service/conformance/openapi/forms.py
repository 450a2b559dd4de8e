"""Search forms: the parameters of a search as the fields of a body (https://hl7.org/fhir/R4/http.html#search)."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.conformance.definitions import Definition
from service.conformance.openapi.tables import Table, refer

_MODIFIED = "^[A-Za-z_-]+[:.]"
"""What names of parameters with a modifier or a chain begin with."""


def search_form(items: Iterable[Definition], rows: Mapping[str, Table], prefilled: str | None = None) -> Table:
    """Return the schema of a form with the search parameters ``items`` and all other ``rows``.

    ``prefilled`` is what Swagger UI fills in for the first of them. For other fields it makes up values unless their
    example says to leave them empty.
    """
    fields: dict[str, Any] = {}
    for item in items:
        words = {"description": item["documentation"], "example": "" if fields or prefilled is None else prefilled}
        fields[item["name"]] = refer("schemas", f"search-{item['type']}") | words
    for name, row in rows.items():
        empty: Any = [] if row["schema"].get("type") == "array" else ""
        words = {"description": row["description"], "example": row.get("example", empty)}
        fields[row.get("name", name)] = row["schema"] | words
    return {
        "type": "object",
        "properties": fields,
        "patternProperties": {_MODIFIED: {"type": "string"}},
        "additionalProperties": False,
    }
