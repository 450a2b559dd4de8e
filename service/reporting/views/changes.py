"""What has changed, so that who keeps a table elsewhere knows which rows to take out of it.

A resource that was deleted has no rows any more, and one that was changed may have fewer than before.
"""

from service.fhir.datetimes import instant
from service.reporting.views.column import Column
from service.reporting.views.compilation import Row
from service.store.document import Stored

CHANGES = (
    Column("resource_key", "string", "text", False, "The key of the resource, as the rows of the table have it."),
    Column("version", "id", "text", False, "The version that it has."),
    Column("last_updated", "instant", "instant", False, "When that version was stored."),
    Column("deleted", "boolean", "boolean", False, "Whether it is deleted."),
)


def row_of(version: Stored) -> Row:
    """Return the row of a resource that changed."""
    return f"{version.type}/{version.id}", str(version.version), instant(version.last_updated), version.deleted
