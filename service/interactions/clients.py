"""What each client works with: the same as any other, but for what it may see and change."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b

from service.interactions.context import Context
from service.security.access import UNLIMITED, Access
from service.security.client import Client

MOST_KEPT = 1_024
"""Clients whose context is kept for their next request."""


class Clients:
    """The contexts of clients, whose access ``access_of`` tells."""

    def __init__(self, context: Context, access_of: Callable[[Client], Access]) -> None:
        self._context = context
        self._access_of = access_of
        self.context_of = lru_cache(MOST_KEPT)(self._context_of)
        """Returns the context of a client, whose store holds nothing but what it may see."""

    def _context_of(self, client: Client) -> Context:
        return _seen_by(self._access_of(client), self._context)


def _seen_by(access: Access, context: Context) -> Context:
    """Return ``context`` for one client, whose links to pages are of no use to another."""
    if access is UNLIMITED:
        return context
    secret = blake2b(access.client.identity.encode(), key=context.page_secret[:64]).digest()
    return replace(context, access=access, store=context.store.seen_by(access), page_secret=secret)
