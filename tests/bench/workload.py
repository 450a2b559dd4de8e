"""What is asked of both servers: the same requests, made before they are needed, and how to judge an answer.

All content comes from one transaction Bundle (a CarePlan, three Goals, a RiskAssessment). Its CarePlan is the
plan that is created, read, updated and searched; only the person, the id and a counter in the title vary. It refers to
that person's goals and risk assessment, which are stored first: the service looks them up at every write.
"""

import itertools
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

PEOPLE = 100
PLANS_EACH = 20  # so that a page of 20 is full and there is no next one
PLAN_BYTES = 4_400  # a shorter plan is filled up to this with a note
BASE = "/fhir/R4"
OPERATIONS = ("read", "search", "create", "update", "patch", "history", "transaction")
HISTORIES = 40  # plans with a history, so many that no cache is flattered
VERSIONS = 20  # of each of them

_MARK = "########"  # where the counter goes in a title: every write differs from the one before
_BENCH_PERSON = re.compile(rb'"Patient/bench-[rw]\d{3}"')
_BENCH_RELATED = re.compile(rb"(?<=/bench-related-)[rw]\d{3}(?=-\d)")
_WHOSE = "@@@@"  # where what is referred to says whose it is
_JSON = "application/fhir+json"
_JSON_PATCH = "application/json-patch+json"
_FILLER = "We talked about how the week went, what helped, and what we both want to try next. "


class Exchange(NamedTuple):
    """A request and what its answer must show: the status, and a text that its body contains."""

    request: bytes
    status: bytes
    proof: bytes


class Operation(NamedTuple):
    """An endless supply of exchanges for worker ``w`` of ``n``, and a thorough look at an answer's body.

    ``verify`` returns what is wrong with the body, or None.
    """

    exchanges: Callable[[int, int], Iterator[Exchange]]
    verify: Callable[[Exchange, bytes], str | None]


class Content:
    """The plan and the Bundle as templates, made once from the example."""

    def __init__(self, bundle: Mapping[str, Any]) -> None:
        plan = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "CarePlan")
        plan["title"] = f"{plan.get('title', 'Recovery plan')} {_MARK}"
        plan["status"] = "active"
        self._person = orjson.dumps(plan["subject"]["reference"])
        single = _without_placeholders(plan, bundle["entry"])
        self._related = [
            _identified(_without_placeholders(entry["resource"], bundle["entry"]), number)
            for number, entry in enumerate(bundle["entry"])
            if entry["resource"] is not plan
        ]
        if missing := PLAN_BYTES - len(orjson.dumps(single)):
            note = {"text": _FILLER * (missing // len(_FILLER) + 1)}
            note["text"] = note["text"][: missing - len(orjson.dumps({"note": [{"text": ""}]}))].strip()
            if note["text"]:
                single["note"] = [*single.get("note", []), note]
        self.plan: dict[str, Any] = single
        self._bundle = orjson.dumps(bundle)
        self.types = [entry["resource"]["resourceType"] for entry in bundle["entry"]]

    def plan_of(self, person: str, plan_id: str | None = None) -> bytes:
        """Return a plan's JSON; with an id it is as a client that once read it would send it."""
        plan = self.plan
        if plan_id is not None:
            meta = {"versionId": "1", "lastUpdated": "2026-11-01T09:30:00.000Z", **plan.get("meta", {})}
            plan = {"resourceType": "CarePlan", "id": plan_id, **plan, "meta": meta}
        return self._owned(plan, person)

    def related_of(self, person: str) -> list[tuple[str, bytes]]:
        """Return ``Type/id`` and JSON of what this person's plans refer to, in an order in which it can be stored."""
        owned = [(resource["resourceType"], self._owned(resource, person)) for resource in self._related]
        return [(f"{kind}/{orjson.loads(body)['id']}", body) for kind, body in owned]

    def _owned(self, resource: dict[str, Any], person: str) -> bytes:
        text = orjson.dumps(resource).replace(self._person, orjson.dumps(person))
        return text.replace(_WHOSE.encode(), person[-4:].encode())

    def bundle_of(self, person: str) -> bytes:
        """Return the transaction's JSON for this person."""
        return self._bundle.replace(self._person, orjson.dumps(person))

    def neutral(self, body: bytes) -> dict[str, Any]:
        """Return an answer's JSON with the example's person in place of the bench's."""
        unowned = _BENCH_RELATED.sub(_WHOSE.encode(), _BENCH_PERSON.sub(self._person, body))
        answer: dict[str, Any] = orjson.loads(unowned)
        return answer

    def difference(self, got: dict[str, Any]) -> str | None:
        """Return where a plan (neutral) differs from what was sent and no server may change it, or None."""
        if not got.get("id") or not got.get("meta", {}).get("versionId"):
            return "the plan has no id or no meta.versionId"
        got["title"] = got["title"][: -len(_MARK)] + _MARK
        got["meta"] = {key: got["meta"][key] for key in got["meta"] if key not in ("versionId", "lastUpdated")}
        sent = {"meta": {}, **self.plan}
        differing = [key for key in {*got, *sent} - {"id", "text"} if got.get(key) != sent.get(key)]
        return f"the plan differs from what was sent in {', '.join(sorted(differing))}" if differing else None


def load_content(path: Path) -> Content:
    """Return the content made from the transaction Bundle in this file; raises OSError or ValueError."""
    return Content(orjson.loads(path.read_bytes()))


class Workload:
    """The operations against one server (``host:port``), and the plans that must be there before."""

    def __init__(self, content: Content, host: str, people: int = PEOPLE) -> None:
        self._content = content
        self._host = host
        self._marks = (b"%08d" % number for number in itertools.count(1))
        self._plans = [
            (f"bench-p{number:03}-{copy:02}", f"Patient/bench-r{number:03}")
            for number in range(people)
            for copy in range(PLANS_EACH)
        ]
        self._writers = [f"Patient/bench-w{number:03}" for number in range(people)]
        puts = (
            self._request("PUT", f"/CarePlan/{plan_id}", content.plan_of(person, plan_id))
            for plan_id, person in self._plans
        )
        self._puts = [_split(request) for request in puts]
        self._with_history = [(f"bench-h{number:03}", who) for number, who in enumerate(self._writers[:HISTORIES])]
        self._people = [*self._writers, *dict.fromkeys(person for _, person in self._plans)]
        self.operations: dict[str, Operation] = {
            "read": Operation(self._reads, self._verify_plan),
            "search": Operation(self._searches, self._verify_page),
            "create": Operation(self._creates, self._verify_plan),
            "update": Operation(self._updates, self._verify_plan),
            "patch": Operation(self._patches, self._verify_plan),
            "history": Operation(self._histories, self._verify_history),
            "transaction": Operation(self._transactions, self._verify_transaction),
        }

    def prefill_related(self, worker: int, workers: int) -> Iterator[Exchange]:
        """Yield the PUTs by which this worker brings in what the plans of its share of the people refer to."""
        for person in self._people[worker::workers]:
            for name, body in self._content.related_of(person):
                yield Exchange(self._request("PUT", f"/{name}", body), b"201", name.rpartition("/")[2].encode())

    def prefill(self, worker: int, workers: int) -> Iterator[Exchange]:
        """Yield the PUTs by which this worker brings in its share of the 2,000 plans."""
        for before, after in self._puts[worker::workers]:
            mark = next(self._marks)
            yield Exchange(before + mark + after, b"201", mark)

    def prefill_histories(self, worker: int, workers: int) -> Iterator[Exchange]:
        """Yield the PUTs by which this worker brings in all versions of its share of the plans with a history."""
        for plan_id, person in self._with_history[worker::workers]:
            before, after = _split(self._request("PUT", f"/CarePlan/{plan_id}", self._content.plan_of(person, plan_id)))
            for version in range(VERSIONS):
                mark = next(self._marks)
                yield Exchange(before + mark + after, b"200" if version else b"201", mark)

    def _reads(self, worker: int, workers: int) -> Iterator[Exchange]:
        return _forever(
            (
                Exchange(self._request("GET", f"/CarePlan/{plan_id}"), b"200", plan_id.encode())
                for plan_id, _ in self._plans[worker::workers]
            ),
            seed=worker,
        )

    def _searches(self, worker: int, workers: int) -> Iterator[Exchange]:
        people = sorted({person for _, person in self._plans})
        return _forever(
            (
                Exchange(
                    self._request("GET", f"/CarePlan?patient={person}&status=active&_count={PLANS_EACH}"),
                    b"200",
                    orjson.dumps(person),
                )
                for person in people
            ),
            seed=worker,
        )

    def _creates(self, worker: int, workers: int) -> Iterator[Exchange]:
        bodies = (self._content.plan_of(person) for person in self._writers[worker::workers])
        return self._marked((self._request("POST", "/CarePlan", body) for body in bodies), b"201")

    def _updates(self, worker: int, workers: int) -> Iterator[Exchange]:
        """Each worker updates plans of its own, so that no update meets another one of the same plan."""
        for before, after in itertools.cycle(self._puts[worker::workers]):
            mark = next(self._marks)
            yield Exchange(before + mark + after, b"200", mark)

    def _patches(self, worker: int, workers: int) -> Iterator[Exchange]:
        """Each worker patches the title of plans of its own."""
        patch = orjson.dumps([{"op": "replace", "path": "/title", "value": self._content.plan["title"]}])
        requests = (
            self._request("PATCH", f"/CarePlan/{plan_id}", patch, _JSON_PATCH)
            for plan_id, _ in self._plans[worker::workers]
        )
        return self._marked(requests, b"200")

    def _histories(self, worker: int, workers: int) -> Iterator[Exchange]:
        return _forever(
            (
                Exchange(self._request("GET", f"/CarePlan/{plan_id}/_history"), b"200", plan_id.encode())
                for plan_id, _ in self._with_history
            ),
            seed=worker,
        )

    def _transactions(self, worker: int, workers: int) -> Iterator[Exchange]:
        bodies = (self._content.bundle_of(person) for person in self._writers[worker::workers])
        requests = (self._request("POST", "", body) for body in bodies)
        return (exchange._replace(proof=b"transaction-response") for exchange in self._marked(requests, b"200"))

    def _marked(self, requests: Iterable[bytes], status: bytes) -> Iterator[Exchange]:
        for before, after in itertools.cycle([_split(request) for request in requests]):
            mark = next(self._marks)
            yield Exchange(before + mark + after, status, mark)

    def _request(self, method: str, path: str, body: bytes = b"", media_type: str = _JSON) -> bytes:
        lines = [f"{method} {BASE}{path} HTTP/1.1", f"Host: {self._host}", f"Accept: {_JSON}"]
        if body:
            lines += [f"Content-Type: {media_type}", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _verify_plan(self, exchange: Exchange, body: bytes) -> str | None:
        return self._content.difference(self._content.neutral(body))

    def _verify_page(self, exchange: Exchange, body: bytes) -> str | None:
        if set(_BENCH_PERSON.findall(body)) != {exchange.proof}:
            return "a plan of another person"
        page = self._content.neutral(body)
        if page.get("resourceType") != "Bundle" or page.get("type") != "searchset":
            return "not a searchset Bundle"
        plans = [entry["resource"] for entry in page.get("entry", [])]
        if len({plan["id"] for plan in plans}) != PLANS_EACH or len(plans) != PLANS_EACH:
            return f"{len(plans)} matches instead of {PLANS_EACH} different ones"
        return next(filter(None, map(self._content.difference, plans)), None)

    def _verify_history(self, exchange: Exchange, body: bytes) -> str | None:
        history = self._content.neutral(body)
        if history.get("resourceType") != "Bundle" or history.get("type") != "history":
            return "not a history Bundle"
        plans = [entry["resource"] for entry in history["entry"]]
        if [plan["meta"]["versionId"] for plan in plans] != [str(number) for number in range(VERSIONS, 0, -1)]:
            return f"not the {VERSIONS} versions, the newest first"
        if any(entry["request"]["method"] != "PUT" for entry in history["entry"]):
            return "a version that does not say how it came about"
        return next(filter(None, map(self._content.difference, plans)), None)

    def _verify_transaction(self, exchange: Exchange, body: bytes) -> str | None:
        bundle = orjson.loads(body)
        if bundle.get("type") != "transaction-response":
            return "not a transaction-response Bundle"
        answers = [entry["response"] for entry in bundle["entry"]]
        if any(not answer["status"].startswith("201") for answer in answers):
            return "an entry that was not created"
        locations = [answer["location"] for answer in answers]
        if [location.split("/_history")[0].split("/")[-2] for location in locations] != self._content.types:
            return "locations that do not follow the request"
        return None


def _split(request: bytes) -> tuple[bytes, bytes]:
    """Return what stands before and after the place of the counter."""
    before, _, after = request.partition(_MARK.encode())
    return before, after


def _forever(exchanges: Iterable[Exchange], seed: int) -> Iterator[Exchange]:
    shuffled = list(exchanges)
    random.Random(seed).shuffle(shuffled)
    return itertools.cycle(shuffled)


def _without_placeholders(resource: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the resource with its ``urn:uuid`` references replaced by ones that need no Bundle around them."""
    text = orjson.dumps(resource)
    for number, entry in enumerate(entries):
        name = f"{entry['resource']['resourceType']}/{_related_id(number)}"
        text = text.replace(orjson.dumps(entry["fullUrl"]), orjson.dumps(name))
    single: dict[str, Any] = orjson.loads(text)
    return single


def _identified(resource: dict[str, Any], number: int) -> dict[str, Any]:
    return {"resourceType": resource["resourceType"], "id": _related_id(number), **resource}


def _related_id(number: int) -> str:
    return f"bench-related-{_WHOSE}-{number}"
