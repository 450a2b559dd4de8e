"""Whether a MongoDB server can hold the store: reachable, a replica set, 6.0 or newer."""

import re
from typing import Any

import pymongo
from pymongo import AsyncMongoClient
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)

OLDEST = (6, 0)
PATIENCE = 5.0  # seconds

_AUTHENTICATION_FAILED = 18
_UNAUTHORIZED = 13


class UnsuitableServer(Exception):  # noqa: N818 - the name says what it is
    """The MongoDB server cannot be used; the message is one line and holds no credentials."""


async def check_address(uri: str) -> None:
    """Raise UnsuitableServer unless the server at this connection string can hold the store."""
    try:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    except (PyMongoError, ValueError) as error:
        # The driver's own words are withheld: they may quote the connection string.
        raise UnsuitableServer(f"the connection string cannot be used ({type(error).__name__})") from error
    async with client:
        await check_server(client, min(PATIENCE, client.options.server_selection_timeout))


async def check_server(client: AsyncMongoClient[dict[str, Any]], patience: float = PATIENCE) -> None:
    """Raise UnsuitableServer unless the server takes writes in a replica set and is MongoDB 6.0 or newer.

    It takes at most ``patience`` seconds.
    """
    try:
        with pymongo.timeout(patience):
            hello = await client.admin.command("hello")
            version = (await client.admin.command("buildInfo"))["versionArray"]
    except (ConnectionFailure, ExecutionTimeout) as error:
        raise UnsuitableServer(f"MongoDB at {_addresses(client)} cannot be reached: {_cause(client)}") from error
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            reason = "refuses the user name or password"
        elif error.code == _UNAUTHORIZED:
            reason = "does not let this user in"
        else:
            reason = f"answers with error {error.code}"
        raise UnsuitableServer(f"MongoDB at {_addresses(client)} {reason}") from error
    except ConfigurationError as error:  # among others: older than the driver can speak to, no such DNS name
        raise UnsuitableServer(f"MongoDB at {_addresses(client)} cannot be used: {error}") from error
    where = f"MongoDB at {_addresses(client)}"
    if "setName" not in hello:
        kind = "a router of a sharded cluster" if hello.get("msg") == "isdbgrid" else "a standalone server"
        raise UnsuitableServer(f"{where} is {kind}: transactions need a replica set (one node is enough)")
    if tuple(version[:2]) < OLDEST:
        raise UnsuitableServer(f"{where} is version {version[0]}.{version[1]}: 6.0 or newer is needed")
    if not hello.get("isWritablePrimary"):
        raise UnsuitableServer(f"{where} is not the primary of its replica set: name the set, not one member")


def _addresses(client: AsyncMongoClient[dict[str, Any]]) -> str:
    """Return ``host:port`` of the known servers, else the name of the replica set that was asked for."""
    topology = client.topology_description
    servers = sorted(f"{host}:{port}" if port else host for host, port in topology.server_descriptions())
    return ", ".join(servers) or f"replica set {topology.replica_set_name}"


def _cause(client: AsyncMongoClient[dict[str, Any]]) -> str:
    """Return the first reason that the driver met, in a few words."""
    topology = client.topology_description
    errors = (server.error for server in topology.server_descriptions().values())
    for error in filter(None, errors):
        words = re.sub(r"\s*\(configured timeouts:.*\)$", "", " ".join(str(error).split()))
        return re.sub(r"^.*\[Errno -?\d+\] ", "", words)
    if topology.replica_set_name:
        return f"no server there is the primary of a replica set named {topology.replica_set_name}"
    return "no answer"
