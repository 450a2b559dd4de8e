"""The other resources that a write has to do with, as they will be when it is done."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from service.conformance.obligations import ORIENTATION
from service.conformance.related import NEEDED, Known
from service.fhir import json
from service.fhir.entry import Request
from service.interactions.context import Context
from service.store.resources import ResourceStore

_UNSEEN = {"category": [{"coding": [{"system": ORIENTATION, "code": "personal"}]}]}
"""Stands for a resource that the client does not see: no rule finds fault with it, be it there or not."""


class Surroundings:
    """What a request writes, and else what is stored, as far as the client may see it.

    ``written`` has by ``Type/id`` the resources that it writes, None for those that it deletes. Those in ``kept`` are
    referred to before the write as after it, and count as what they may be where the client does not see them.
    """

    def __init__(
        self, store: ResourceStore, written: Mapping[str, Any] | None = None, kept: Collection[str] = ()
    ) -> None:
        self._store = store
        self._kept = kept
        self._known: dict[str, Any] = dict(written or {})

    async def known(self, resources: Iterable[str]) -> Known:
        """Return what is known of ``resources`` (``Type/id``), having asked the store once for those that are new."""
        new = [name for name in resources if name not in self._known]
        if new:
            self._known |= dict.fromkeys(new) | await self._store.members(new, NEEDED)
        unseen = [name for name in new if self._known[name] is None and name in self._kept]
        self._known |= dict.fromkeys(unseen, _UNSEEN)
        return self._known


async def kept_references(writes: Iterable[Request], context: Context) -> set[str]:
    """Return the resources (``Type/id``) that the rules have found right in the current versions of what is updated.

    Only a client from whom something is kept needs to be asked: it may leave a reference that it cannot follow. To look
    now whether that still leads to something would tell the client.
    """
    if not context.access.is_limited:
        return set()
    paths = [write.path for write in writes if write.method in ("PUT", "PATCH") and len(write.path) == 2]
    versions = [await context.store.read(*path) for path in paths]
    bodies = [json.parse(version.body) for version in versions if version is not None and version.body is not None]
    return {name for related in map(context.related.of, bodies) if related is not None for name in related.targets}
