"""The other resources that a write has to do with, as they will be when it is done."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.conformance.related import NEEDED, Known
from service.store.resources import ResourceStore


class Surroundings:
    """What a request writes, and else what is stored.

    ``written`` has by ``Type/id`` the resources that it writes, None for those that it deletes.
    """

    def __init__(self, store: ResourceStore, written: Mapping[str, Any] | None = None) -> None:
        self._store = store
        self._known: dict[str, Any] = dict(written or {})

    async def known(self, resources: Iterable[str]) -> Known:
        """Return what is known of ``resources`` (``Type/id``), having asked the store once for those that are new."""
        new = [name for name in resources if name not in self._known]
        if new:
            self._known |= dict.fromkeys(new) | await self._store.members(new, NEEDED)
        return self._known
