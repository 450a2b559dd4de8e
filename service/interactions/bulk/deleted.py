"""What was deleted, as Bundles that delete it elsewhere (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status)."""

from collections.abc import Sequence

from service.fhir import json
from service.store.document import Stored

IN_A_BUNDLE = 100
"""Deletions in one line, as many as any server takes at once."""


def lines_of(gone: int) -> int:
    """Return how many Bundles there are for so many deletions."""
    return -(-gone // IN_A_BUNDLE)


def deletions(versions: Sequence[Stored]) -> bytes:
    """Return the Bundle of type transaction that deletes what ``versions`` say was deleted."""
    entries = [{"request": {"method": "DELETE", "url": f"{each.type}/{each.id}"}} for each in versions]
    return json.dump({"resourceType": "Bundle", "type": "transaction", "entry": entries})
