"""The FHIR address as an ASGI application: every HTTP call goes through ``perform`` here."""

from functools import partial

from starlette.types import Receive, Scope, Send

from service.fhir import json
from service.fhir.entry import Response
from service.fhir.outcome import OutcomeError, operation_outcome
from service.interactions.context import Context
from service.interactions.faults import fault
from service.interactions.serve import check_address, serve
from service.rest.answer import in_json, presentation, presentation_by_header, presented, write_response
from service.rest.http import ClientGoneError, Incoming, Service, read_request


class FhirEndpoint:
    """Serves one FHIR version; ``context`` is there from the start of the application to its end."""

    context: Context

    def __init__(self, service: Service) -> None:
        self._service = service

    def is_at(self, scope: Scope) -> bool:
        """Return whether ``scope`` is that of an HTTP request to the address itself, or to one below it."""
        if scope["type"] != "http":
            return False
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        return path == self._service.path or path.startswith(f"{self._service.path}/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; every failure is an OperationOutcome."""
        incoming, xml = Incoming.of(scope), self.context.xml
        how, base, headers = presentation_by_header(incoming, self._service), "", {}
        try:
            incoming.read_query()
            how = presentation(incoming, self._service)
            check = partial(check_address, context=self.context)
            request = await read_request(incoming, receive, self._service, check, xml)
            if request.path[-1:] == ("_search",):
                how = presentation(incoming, self._service)  # _format may stand in the form
            request.as_page = how.as_page
            base = request.base
            response = await serve(request, self.context)
        except ClientGoneError:
            return
        except OutcomeError as error:
            text = None if incoming.method == "PATCH" else incoming.text  # places are in the resource that was patched
            outcome = operation_outcome(error.issues, text)
            response, headers = Response(error.status, json.dump(outcome)), error.headers
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an outcome and the log the fault
            response = fault(error)
        try:
            response = presented(response, how, xml)
        except Exception as error:  # noqa: BLE001 - what cannot be presented as asked for is told in plain JSON
            response, how = fault(error), in_json(how)
        await write_response(response, how, base, send, headers)
