"""A line for each request: what kind it was, and nothing that identifies a person."""

import logging
from collections.abc import Iterable

from service.conformance.compartments import compartments
from service.conformance.definitions import Definitions
from service.interactions.perform import INTERACTIONS
from service.logs import FIELDS
from service.rest.observed import Observer, Seen

log = logging.getLogger(__name__)

_IN_LOG = 12
"""Characters of the hash of a client: enough to tell clients apart, and not to look one up."""


def access_log(definitions: Definitions, addresses: Iterable[str]) -> Observer:
    """Return what logs requests; of an address it tells only segments that name no record.

    These are types of resources, the words of FHIR, and the segments of the other ``addresses`` of the service.
    """
    types = {*definitions.stored_types, *definitions.published_types, *compartments(definitions)}
    segments = {part for address in (*INTERACTIONS, *addresses) for part in address.split("/")}
    told = {part for part in segments | types if "{" not in part}

    def observe(seen: Seen) -> None:
        path: str = seen.scope["path"].removeprefix(seen.scope.get("root_path", ""))
        fields = {
            "method": seen.scope["method"] if seen.scope["method"].isalpha() else "?",
            "route": "/".join(part if part in told else "*" for part in path.split("/")),
            "interaction": seen.interaction,
            "status": seen.status,
            "milliseconds": round(seen.seconds * 1000, 1),
            "client": seen.client[:_IN_LOG],
        }
        log.info("request", extra={FIELDS: {name: value for name, value in fields.items() if value != ""}})

    return observe
