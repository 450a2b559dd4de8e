"""``/reports`` and ``/reports.csv``: the addresses for people of the operation ``$report``, which answers there too."""

from starlette.types import Scope

ADDRESSES = {"/reports": b"_format=html&%b", "/reports.csv": b"%b&_format=csv"}
"""With what each of them makes of the query, in which the last word counts."""


def lead_to_operation(scope: Scope, fhir_path: str) -> None:
    """Let a request for one of ``ADDRESSES`` be one for the operation: one door, one decision, one audit.

    ``fhir_path`` is where the FHIR interactions are.
    """
    root: str = scope.get("root_path", "")
    query = ADDRESSES.get(scope["path"].removeprefix(root))
    if query is not None:
        scope["path"] = f"{root}{fhir_path}/$report"
        scope["query_string"] = (query % scope["query_string"]).strip(b"&")
