"""What the audit says of a command that somebody runs on the machine of the service."""

import os
import pwd
import socket
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from service.fhir.touched import Touched
from service.security.audit import Happened
from service.security.client import Client

_PROGRAM = "recovery-plan"


def commanded(path: str, said: Sequence[tuple[str, str]], touched: Sequence[Touched] = ()) -> Happened:
    """Return that the user of this system runs the command at ``path``, such as ``audit/prune``, with these options."""
    return Happened(
        started=datetime.now(UTC),
        client=Client(client_id=_PROGRAM, subject=pwd.getpwuid(os.geteuid()).pw_name),
        address=socket.gethostname(),
        request_id=str(uuid.uuid4()),
        method="CLI",
        interaction=path.replace("/", "-"),
        path=path,
        query=urlencode(said, safe="/:"),
        entries=(),
        status=200,
        rules=(),
        touched=tuple(touched),
    )
