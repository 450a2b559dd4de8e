"""rest-hook: how a notification is sent to a receiver (https://hl7.org/fhir/R4/subscription.html#rest-hook).

A receiver that wants a payload gets an update (PUT) below its endpoint, which counts as a FHIR address; one that does
not, and every ping, a POST without body to the endpoint. Any answer 2xx acknowledges. Nothing else of an answer is
read, and no redirect is followed.
"""

import asyncio
import ssl
from functools import cached_property
from importlib.metadata import version
from typing import Literal, NamedTuple

import httpx

from service.interactions.subscription.offer import PAYLOAD
from service.store.document import Stored
from service.store.subscribers import Order

PATIENCE = 10.0
"""Seconds in which a receiver has to answer."""
NUMBER = "Recovery-Event-Number"
"""The header with the number of an event, 1, 2, 3 …, the same each time it is sent; in a ping, that of the last one."""
EVENT = "Recovery-Event"
SUBSCRIPTION = "Recovery-Subscription"

Kind = Literal["handshake", "heartbeat", "event", "withdrawn"]


class NotDeliveredError(Exception):
    """The receiver did not acknowledge; the message is half a sentence that repeats nothing it said."""


class Notice(NamedTuple):
    """What is sent to a receiver."""

    kind: Kind
    number: int
    subscription: str
    version: Stored | None = None


class Receivers:
    """Sends notices to receivers, of which one that is slow delays no other."""

    @cached_property
    def _outside(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=60, limits=_LIMITS)

    @cached_property
    def _here(self) -> httpx.AsyncClient:
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which spares it reading certificates
        return httpx.AsyncClient(timeout=60, limits=_LIMITS, trust_env=False, verify=nobody)

    async def send(self, order: Order, notice: Notice) -> None:
        """Return when the receiver has acknowledged ``notice``; raises NotDeliveredError where it does not."""
        client = self._outside if order.endpoint.lower().startswith("https:") else self._here
        method, url, body = _form(order, notice)
        try:
            async with asyncio.timeout(PATIENCE):
                request = client.build_request(method, url, content=body, headers=_headers(order, notice))
                answer = await client.send(request, stream=True, follow_redirects=False)
                await answer.aclose()
        except TimeoutError:
            raise NotDeliveredError(f"the receiver did not answer within {PATIENCE:g} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NotDeliveredError(f"the receiver was not reached ({type(error).__name__})") from None
        if not answer.is_success:
            redirect = ", and redirects are not followed" if answer.has_redirect_location else ""
            raise NotDeliveredError(f"the receiver answered {answer.status_code}{redirect}")

    async def close(self) -> None:
        """Close every connection."""
        for name in ("_outside", "_here"):
            if name in self.__dict__:
                await self.__dict__[name].aclose()


_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20)


def _form(order: Order, notice: Notice) -> tuple[str, str, bytes]:
    """Return method, address and body of a notice."""
    if notice.version is None or not order.has_payload:
        return "POST", order.endpoint, b""
    place = f"{order.endpoint.rstrip('/')}/{notice.version.type}/{notice.version.id}"
    return "PUT", place, notice.version.body or b""


def _headers(order: Order, notice: Notice) -> list[tuple[str, str]]:
    method, _, _ = _form(order, notice)
    ours = [(NUMBER, str(notice.number)), (EVENT, notice.kind), (SUBSCRIPTION, notice.subscription)]
    content = [("Content-Type", PAYLOAD)] if method == "PUT" else []
    agent = f"recovery-plan-service/{version('recovery-plan-service')}"
    own = {name.lower() for name, _ in order.headers}
    default = [] if "user-agent" in own else [("User-Agent", agent)]
    return [*default, *order.headers, *ours, *content]
