"""Subscriptions in a worker process: it follows what is new, unless another one does, and delivers its share."""

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from service.background.deliveries import Deliveries
from service.background.delivery import Service
from service.background.following import Audience, Follower
from service.background.receiver import Receivers
from service.compiled import Compiled
from service.interactions.clients import Clients
from service.interactions.context import Context
from service.settings import Settings
from service.store.changes import Changes
from service.store.driver import Driver
from service.store.notifications import Notifications
from service.store.subscribers import Subscribers


def subscriptions(
    settings: Settings, driver: Driver, compiled: Compiled, context: Context, clients: Clients
) -> list[Coroutine[Any, Any, None]]:
    """Return what is to run for as long as the worker does."""
    types = context.definitions.stored_types
    subscribers, notifications = Subscribers(driver), Notifications(driver)
    service = Service(
        context=context,
        context_of=clients.context_of,
        subscribers=subscribers,
        notifications=notifications,
        receivers=Receivers(),
        heartbeat=settings.subscription_heartbeat,
        given_up_after=timedelta(days=settings.subscription_days),
    )
    changes = Changes(driver, {name: compiled.indexed_types[name] for name in types})
    audience = Audience(subscribers, context.search_parser, types)
    follower = Follower(changes, notifications, subscribers, audience, service.rung)
    return [follower.run(), Deliveries(service).run()]
