"""Make the embedded ``mongod`` the writable primary of its own one-node replica set."""

import socket
import time
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from service.embedded.binary import REPLICA_SET
from service.embedded.failure import OWN_SERVER, EmbeddedMongoError

_PAUSE = 0.02
_WIRE_VERSION_OF_6_0 = 17
_NOT_YET_INITIALIZED = 94
_SETTLING = {  # what a server that is just starting or electing answers; asked again until the deadline
    23,  # AlreadyInitialized: it was still reading its configuration
    91,  # ShutdownInProgress
    93,  # InvalidReplicaSetConfig
    103,  # NewReplicaSetConfigurationIncompatible
    109,  # ConfigurationInProgress
    10107,  # NotWritablePrimary
    11600,  # InterruptedAtShutdown
    11602,  # InterruptedDueToReplStateChange
}


def await_primary(port: int, check: Callable[[], None], patience: float) -> None:
    """Return once the server on ``port`` is a writable primary, set up on first use or after a move of port.

    ``check`` is called again and again and raises if waiting has become pointless; raises
    EmbeddedMongoError after ``patience`` seconds.
    """
    deadline = time.monotonic() + patience

    def pause() -> None:
        check()
        if time.monotonic() > deadline:
            raise EmbeddedMongoError(f"mongod on port {port} did not become ready within {patience:.0f} s")
        time.sleep(_PAUSE)

    # The driver looks again only every half second, so it is let in when the door is open.
    while not _listens(port):
        pause()
    with MongoClient[dict[str, Any]](
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=2_000, socketTimeoutMS=10_000
    ) as client:
        while not _is_primary(client, f"127.0.0.1:{port}"):
            pause()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_primary(client: MongoClient[dict[str, Any]], host: str) -> bool:
    """Take the next step towards a primary and return whether it is one."""
    try:
        hello = client.admin.command("hello")
        if hello["maxWireVersion"] < _WIRE_VERSION_OF_6_0:
            raise EmbeddedMongoError(f"the mongod on PATH is older than 6.0: take a newer one, {OWN_SERVER}")
        if hello.get("isWritablePrimary") and hello.get("me") == host:
            return True
        _configure(client, host)
    except OperationFailure as error:
        if error.code not in _SETTLING:
            raise EmbeddedMongoError(f"mongod refused its replica set: {error.code} {error}") from error
    except PyMongoError:  # the connection broke: whether the server lives is what `check` finds out
        return False
    return False


def _configure(client: MongoClient[dict[str, Any]], host: str) -> None:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        first = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]}
        client.admin.command("replSetInitiate", {**first, "settings": {"electionTimeoutMillis": 1_000}})
        return
    if config["members"][0]["host"] != host:
        config["members"][0]["host"] = host
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)
