"""Parameters whose description follows from the definitions: types, elements, ids, profiles."""

from collections.abc import Iterable

from service.conformance.compartments import compartments
from service.conformance.definitions import Definition, Definitions
from service.conformance.openapi.tables import Table, in_words, refer


def of_several_types(definitions: Definitions) -> Table:
    """Return the parameters that say which types are searched, and whose."""
    types = definitions.stored_types
    belonging = {each.type: list(each.parameters) for each in compartments(definitions).values()}
    listed = "; ".join(f"{owner}: {', '.join(names)}" for owner, names in belonging.items())
    return {
        "_type": {
            "in": "query",
            "description": "Only resources of these types, parted by commas. Example: `CarePlan,Goal`",
            "schema": {"type": "string", "pattern": _some_of(types)},
        },
        "compartment": {
            "in": "path",
            "required": True,
            "description": f"Whom or what it belongs to. What can belong to each: {listed}.",
            "schema": {"type": "string", "enum": list(belonging)},
            "example": next(iter(belonging)),
        },
        "compartment-type": {
            "name": "resourceType",
            "in": "path",
            "required": True,
            "description": "The type to search for, or `*` for all.",
            "schema": {"type": "string", "enum": [*types, "*"]},
            "example": "*",
        },
    }


def of_one_type(listed: Iterable[Definition], elements: Iterable[str]) -> Table:
    """Return the parameters that name the search parameters ``listed`` or the elements of a type."""
    codes = "|".join(item["name"] for item in listed if item["type"] != "composite")
    return {
        "_sort": {
            "in": "query",
            "description": "Up to four search parameters to sort by, parted by commas; `-` turns the order round. What "
            "has no value comes last. Example: `-_lastUpdated`",
            "schema": {"type": "string", "pattern": f"^-?({codes})(,-?({codes})){{0,3}}$"},
        },
        "_elements": {
            "in": "query",
            "description": "Send only these elements, parted by commas, and those that must be there. "
            "Example: `subject,extension`",
            "schema": {"type": "string", "pattern": _some_of(elements)},
        },
    }


def of_id(resource_type: str, example: str | None) -> Table:
    """Return the id in an address, filled in unless there is no ``example``."""
    found = "" if example else " It is the server's: search for one, and take the id from there."
    parameter = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": f"The id of the {in_words(resource_type)} on this server.{found}",
        "schema": refer("schemas", "id"),
    }
    return parameter | {"example": example} if example else parameter


def of_profile(definitions: Definitions, resource_type: str) -> Table:
    """Return the profile that ``$validate`` is asked for."""
    capability = definitions.resource_capabilities[resource_type]
    return {
        "name": "profile",
        "in": "query",
        "description": f"What to hold the {in_words(resource_type)} to, beside the profiles that it claims.",
        "schema": {"type": "string", "enum": [*capability.get("supportedProfile", ()), capability["profile"]]},
    }


def _some_of(names: Iterable[str]) -> str:
    either = "|".join(names)
    return f"^({either})(,({either}))*$"
