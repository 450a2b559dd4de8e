"""The floor: the least that a server of the same answers must do on the same MongoDB.

A bare ASGI application. It takes JSON apart only to find the person and the status that it searches by (and
a Bundle's entries), sets ``id`` and ``meta``, stores the bytes and returns them. No validation, no search
index beyond those two fields, no routing, no errors. Durability is the service's: majority, journaled, an
update by way of the history, a transaction in one MongoDB transaction. Of a JSON Patch it knows the replacement of a
member; a history it reads by one query and joins the bytes.

``uvicorn tests.bench.floor:app`` reads the service's variables ``RECOVERY_MONGODB_URI``, ``_DATABASE`` and
``_DRIVER``. Where ``FLOOR_PATIENT`` names the field of the person in documents that are there already, with their
index, it searches those and makes no index of its own.
"""

import inspect
import os
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pymongo import AsyncMongoClient

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TYPES = ("CarePlan", "Goal", "RiskAssessment")
BASE = "/fhir/R4"
STREAM = f"{BASE}/all"
STREAMED_AT_ONCE = 1_000
PATIENT = os.environ.get("FLOOR_PATIENT", "patient")


def _client() -> Any:
    uri = os.environ["RECOVERY_MONGODB_URI"]
    options: dict[str, Any] = {
        "w": "majority",
        "journal": True,
        "readConcernLevel": "majority",
        "serverSelectionTimeoutMS": 5_000,
    }
    if os.environ.get("RECOVERY_MONGODB_DRIVER") == "motor":
        from motor.motor_asyncio import AsyncIOMotorClient

        return AsyncIOMotorClient(uri, **options)
    return AsyncMongoClient(uri, **options)


class Floor:
    """The ASGI application; the client is made when it starts, in its event loop."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        method, path = scope["method"], scope["path"]
        if method == "GET":
            if path == "/health/ready":
                await _answer(send, 200, b"{}")
            elif scope["query_string"]:
                await self._search(scope, send)
            elif path == STREAM:
                await self._stream(send)
            elif path.endswith("/_history"):
                await self._history(scope, path.split("/")[-2], send)
            else:
                await self._read(path.rpartition("/")[2], send)
        elif method == "PUT":
            kind, resource_id = path.split("/")[-2:]
            await self._update(kind, resource_id, orjson.loads(await _body(receive)), send)
        elif method == "PATCH":
            await self._patch(path.rpartition("/")[2], await _body(receive), send)
        elif path == BASE:
            await self._transaction(await _body(receive), send)
        else:
            await self._create(await _body(receive), send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._mongo = _client()
        database = self._mongo[os.environ["RECOVERY_MONGODB_DATABASE"]]
        self._collections = {name: database[name] for name in TYPES}
        self._plans = database["CarePlan"]
        self._histories = {name: database[f"{name}_history"] for name in TYPES}
        for collection in self._collections.values() if PATIENT == "patient" else ():
            await collection.create_index({"patient": 1, "status": 1})
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if inspect.isawaitable(closing := self._mongo.close()):
            await closing
        await send({"type": "lifespan.shutdown.complete"})

    async def _read(self, plan_id: str, send: Send) -> None:
        found = await self._plans.find_one({"_id": plan_id}, {"body": 1, "version": 1, "lastUpdated": 1})
        await _answer(send, 200, found["body"], found)

    async def _search(self, scope: Message, send: Send) -> None:
        wanted = dict(pair.split(b"=") for pair in scope["query_string"].split(b"&"))
        query = {PATIENT: wanted[b"patient"].decode()}
        if b"status" in wanted:
            query["status"] = wanted[b"status"].decode()
        found = await self._plans.find(query, {"body": 1}).limit(int(wanted[b"_count"])).to_list(None)
        url = b'{"fullUrl":"' + _plans_at(scope)
        entries = b",".join(
            url + each["_id"].encode() + b'","resource":' + each["body"] + b',"search":{"mode":"match"}}'
            for each in found
        )
        await _answer(send, 200, b'{"resourceType":"Bundle","type":"searchset","entry":[' + entries + b"]}")

    async def _stream(self, send: Send) -> None:
        """Send the bytes of all resources, a line each."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for collection in self._collections.values():
            cursor = collection.find({}, {"_id": 0, "body": 1}, batch_size=STREAMED_AT_ONCE)
            while documents := await cursor.to_list(STREAMED_AT_ONCE):
                lines = b"".join(each["body"] + b"\n" for each in documents)
                await send({"type": "http.response.body", "body": lines, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _create(self, body: bytes, send: Send) -> None:
        document = _document(str(uuid.uuid4()), 1, orjson.loads(body))
        await self._plans.insert_one(document)
        await _answer(send, 201, document["body"], document)

    async def _history(self, scope: Message, plan_id: str, send: Send) -> None:
        earlier = {"_id": {"$gte": {"id": plan_id, "version": 0}, "$lt": {"id": plan_id, "version": 1_000_000}}}
        pipeline = [
            {"$match": {"_id": plan_id}},
            {"$unionWith": {"coll": "CarePlan_history", "pipeline": [{"$match": earlier}, {"$sort": {"_id": -1}}]}},
            {"$project": {"body": 1, "lastUpdated": 1}},
        ]
        found = self._plans.aggregate(pipeline)
        versions = await (await found if inspect.isawaitable(found) else found).to_list(None)
        plan = plan_id.encode()
        head = b'{"fullUrl":"' + _plans_at(scope) + plan + b'","resource":'
        role = b',"request":{"method":"PUT","url":"CarePlan/' + plan + b'"},"response":{"status":"200 OK","etag":"W/\\"'
        entries = b",".join(
            b'%b%b%b%d\\"","lastModified":"%b"}}'
            % (head, each["body"], role, number, each["lastUpdated"].isoformat(timespec="milliseconds").encode())
            for number, each in zip(range(len(versions), 0, -1), versions, strict=True)
        )
        await _answer(send, 200, b'{"resourceType":"Bundle","type":"history","entry":[' + entries + b"]}")

    async def _patch(self, plan_id: str, body: bytes, send: Send) -> None:
        current = await self._plans.find_one({"_id": plan_id})
        resource = orjson.loads(current["body"])
        for operation in orjson.loads(body):
            resource[operation["path"][1:]] = operation["value"]
        await self._replace("CarePlan", current, resource, send)

    async def _update(self, kind: str, resource_id: str, resource: dict[str, Any], send: Send) -> None:
        current = await self._collections[kind].find_one({"_id": resource_id})
        if current is None:
            document = _document(resource_id, 1, resource)
            await self._collections[kind].insert_one(document)
            await _answer(send, 201, document["body"], document)
        else:
            await self._replace(kind, current, resource, send)

    async def _replace(self, kind: str, current: dict[str, Any], resource: dict[str, Any], send: Send) -> None:
        collection, history, resource_id = self._collections[kind], self._histories[kind], current["_id"]
        version = current["version"]
        kept = {"lastUpdated": current["lastUpdated"], "body": current["body"]}
        await history.update_one({"_id": {"id": resource_id, "version": version}}, {"$setOnInsert": kept}, upsert=True)
        document = _document(resource_id, version + 1, resource)
        replaced = await collection.replace_one({"_id": resource_id, "version": version}, document)
        await _answer(send, 200 if replaced.modified_count else 412, document["body"], document)

    async def _transaction(self, body: bytes, send: Send) -> None:
        resources = [entry["resource"] for entry in orjson.loads(body)["entry"]]
        kinds = [resource["resourceType"] for resource in resources]
        documents = [_document(str(uuid.uuid4()), 1, resource) for resource in resources]

        async def insert(session: Any) -> None:
            for kind, document in zip(kinds, documents, strict=True):
                await self._collections[kind].insert_one(document, session=session)

        session = self._mongo.start_session()
        async with await session if inspect.isawaitable(session) else session as opened:
            await opened.with_transaction(insert)
        entries = [
            {
                "response": {
                    "status": "201 Created",
                    "location": f"{kind}/{each['_id']}/_history/1",
                    "etag": 'W/"1"',
                }
            }
            for kind, each in zip(kinds, documents, strict=True)
        ]
        await _answer(
            send,
            200,
            orjson.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entries}),
        )


def _plans_at(scope: Message) -> bytes:
    """Return the address below which plans are."""
    host: bytes = next(value for name, value in scope["headers"] if name == b"host")
    return b"http://" + host + BASE.encode() + b"/CarePlan/"


def _document(resource_id: str, version: int, resource: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC)
    resource["id"] = resource_id
    meta = resource.setdefault("meta", {})
    meta["versionId"] = str(version)
    meta["lastUpdated"] = now.isoformat(timespec="milliseconds")
    return {
        "_id": resource_id,
        "version": version,
        "lastUpdated": now,
        "body": orjson.dumps(resource),
        "patient": resource["subject"]["reference"],
        "status": resource.get("status"),
    }


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _answer(send: Send, status: int, body: bytes, document: dict[str, Any] | None = None) -> None:
    headers = [(b"content-type", b"application/fhir+json"), (b"content-length", b"%d" % len(body))]
    if document is not None:
        headers.append((b"etag", b'W/"%d"' % document["version"]))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = Floor()
