"""A worker process to be killed: it follows and delivers, with leases that others need not wait for so long.

``python -m tests.subscriptions.worker`` runs until it is killed, with the settings of its environment.
"""

import asyncio
import sys

from service.app import create_app
from service.background import deliveries, following
from service.settings import read_settings
from service.store import notifications, subscribers

LEASE = 1.0


async def main() -> None:
    subscribers.LEASE = notifications.LEASE = LEASE
    deliveries.POLL = following.POLL = 0.05
    app = create_app(read_settings())
    async with app.router.lifespan_context(app):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
