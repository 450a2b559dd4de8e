"""The FHIR address as an ASGI application: every HTTP call goes through ``perform`` here, and into the audit."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.types import Receive, Scope, Send

from service.fhir import json
from service.fhir.entry import Piece, Response
from service.fhir.outcome import OutcomeError, operation_outcome
from service.fhir.touched import Touched
from service.interactions.clients import Clients
from service.interactions.context import Context
from service.interactions.faults import fault
from service.interactions.serve import BUNDLE, interaction_at, serve
from service.rest.answer import (
    Presentation,
    head_of,
    in_json,
    presentation,
    presentation_by_header,
    presented,
    write_response,
)
from service.rest.auth import Authenticator, without_tokens
from service.rest.connection import GOES_ON
from service.rest.http import ClientGoneError, Incoming, Service, read_request
from service.rest.observed import note
from service.rest.rate_limit import RateLimit, client_at
from service.rest.request_id import peer, request_id
from service.rest.stream import BrokenOffError, first_of, stream, takes_gzip
from service.rest.traffic import Courtesy, Traffic
from service.security.audit import Happened
from service.security.client import ANYBODY, Client

WELL_KNOWN = ".well-known"
"""What lies below this is no FHIR interaction."""
_PUBLIC = (("metadata",),)
"""The addresses for which nobody needs a token."""


@dataclass(slots=True)
class _Visit:
    """One HTTP request, as far as it is known."""

    incoming: Incoming
    context: Context
    how: Presentation
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    client: Client = ANYBODY
    interaction: str = ""
    conditions: tuple[str, ...] = ()
    base: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """Whose Idempotency-Keys the request has: without authentication, whoever sends the same credentials."""
        return self.client.identity if self.client != ANYBODY else self.incoming.header(b"authorization") or ""

    def refused(self, error: OutcomeError) -> Response:
        """Return the answer that tells of ``error``."""
        text = None if self.incoming.method == "PATCH" else self.incoming.text  # places are in what was patched
        self.headers = error.headers
        self.rules = tuple(dict.fromkeys(issue.rule for issue in error.issues if issue.is_error))
        return Response(error.status, json.dump(operation_outcome(error.issues, text)), touched=error.touched)


class FhirEndpoint:
    """Serves one FHIR version; ``context`` and ``clients`` are there from the start of the application to its end."""

    context: Context
    clients: Clients

    def __init__(self, service: Service, authenticator: Authenticator, rate_limit: RateLimit) -> None:
        self._service = service
        self._authenticator = authenticator
        self._rate_limit = rate_limit
        self._traffic = Traffic()

    def is_at(self, scope: Scope) -> bool:
        """Return whether ``scope`` is that of an HTTP request to the address itself, or to an interaction below it."""
        if scope["type"] != "http":
            return False
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        is_below = path.startswith(f"{self._service.path}/")
        return path == self._service.path or (is_below and not path.startswith(f"{self._service.path}/{WELL_KNOWN}/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; every failure is an OperationOutcome."""
        incoming = Incoming.of(scope)
        visit = _Visit(incoming, self.context, presentation_by_header(incoming, self._service))
        self._traffic.passed()
        try:
            response = await self._served(visit, receive)
        except ClientGoneError:
            return
        except OutcomeError as error:
            response = visit.refused(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an outcome and the log the fault
            response = fault(error)
        note(scope, visit.interaction, "" if visit.client is ANYBODY else visit.client.identity)
        first: Piece | None = None
        try:
            told = response.without_body() if visit.how.without_body else response
            first = await first_of(told.pieces) if told.pieces else None
            await self._audit(visit, told, first.touched if first else told.touched)
            response = presented(response, visit.how, visit.context.xml)
        except OutcomeError as error:
            response, first = visit.refused(error), None
        except Exception as error:  # noqa: BLE001 - what cannot be presented as asked for is told in plain JSON
            response, visit.how, first = fault(error), in_json(visit.how), None
        if first is None:
            await write_response(response, visit.how, visit.base, send, visit.headers)
        else:
            await self._stream(visit, response, first, receive, send)

    async def _stream(self, visit: _Visit, response: Response, first: Piece, receive: Receive, send: Send) -> None:
        """Send a long body. Where it breaks off the response is left incomplete, so that the server closes it."""

        goes_on = visit.incoming.scope.get(GOES_ON, _unwatched)

        async def record(touched: tuple[Touched, ...]) -> None:
            goes_on()
            await self._audit(visit, response, touched)

        compressed = takes_gzip(visit.incoming.header(b"accept-encoding") or "")
        fields = head_of(response, visit.how, visit.base, visit.headers)
        try:
            way = Courtesy(self._traffic).give_way
            await stream(response, first, fields, record, way, receive, send, compressed=compressed)
        except BrokenOffError as error:
            fault(error.__cause__ if isinstance(error.__cause__, Exception) else error)

    async def _served(self, visit: _Visit, receive: Receive) -> Response:
        incoming = visit.incoming
        path = incoming.segments(self._service)
        is_public = path in _PUBLIC
        await self._admit(visit, is_public=is_public)
        if not is_public:
            visit.context = self.clients.context_of(visit.client)
        incoming.read_query()
        visit.how = presentation(incoming, self._service)
        visit.interaction = interaction_at(incoming.method, path, visit.context)
        request = await read_request(incoming, receive, self._service, visit.context.xml, visit.owner)
        if path[-1:] == ("_search",):
            visit.how = presentation(incoming, self._service)  # _format may stand in the form
        if visit.interaction == BUNDLE:
            visit.interaction = _kind(request.resource)
        if request.if_none_exist is not None:
            visit.conditions = (f"If-None-Exist: {request.if_none_exist}",)
        request.as_page = visit.how.as_page
        visit.base = request.base
        return await serve(request, visit.context)

    async def _admit(self, visit: _Visit, *, is_public: bool) -> None:
        """Find out who asks, unless that makes no difference.

        Raises OutcomeError 401, or 429 for who asks too often, tokens that are refused included.
        """
        try:
            if not is_public:
                visit.client = await self._authenticator.client(visit.incoming.headers)
        finally:
            is_nobody = visit.client is ANYBODY
            self._rate_limit.take(client_at(peer(visit.incoming.scope)) if is_nobody else visit.client.identity)

    async def _audit(self, visit: _Visit, told: Response, touched: tuple[Touched, ...]) -> None:
        """Return when what happened is recorded; raises OutcomeError 503 where it cannot be, and nothing is told."""
        if self.context.audit is None:
            return
        scope = visit.incoming.scope
        query = visit.incoming.parameters if visit.interaction.startswith("search") else ()
        await self.context.audit.record(
            Happened(
                started=visit.started,
                client=visit.client,
                address=peer(scope),
                request_id=request_id(scope),
                method=scope["method"],
                interaction=visit.interaction,
                path="/".join(visit.incoming.segments(self._service)),
                query=without_tokens(urlencode(query) if query else scope["query_string"].decode("latin-1")),
                entries=tuple(map(without_tokens, visit.conditions + told.entries)),
                status=told.status,
                rules=visit.rules,
                touched=touched,
            )
        )


def _unwatched() -> None:
    """Note nothing: the server has no limit of time for an answer."""


def _kind(resource: Any) -> str:
    """Return what a Bundle is posted for, as far as it says."""
    kind = resource.get("type") if isinstance(resource, dict) else None
    return kind if kind in (BUNDLE, "transaction") else BUNDLE
