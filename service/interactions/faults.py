"""A fault of the service itself: the client gets an outcome with a number, the log the fault under that number."""

import logging
import traceback
import uuid

from service.fhir import json
from service.fhir.entry import Response
from service.fhir.outcome import Issue, operation_outcome

log = logging.getLogger(__name__)


def fault(error: Exception) -> Response:
    """Return the answer 500; the log gets the place of ``error`` but not its message, which may quote a person."""
    number = uuid.uuid4().hex[:12]
    trace = "".join(traceback.format_tb(error.__traceback__, limit=-12))
    log.error("fault %s: %s\n%s", number, type(error).__name__, trace)
    sentence = f"The service failed; its log tells why under the number {number}"
    return Response(500, json.dump(operation_outcome([Issue("internal", sentence)])), touched=())
