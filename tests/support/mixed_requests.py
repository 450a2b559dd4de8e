"""A client that asks for all kinds of things, and keeps account of what it was told and what it had stored."""

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from tests.support.disclosed import Ledger, Version, disclosed_by, versions_in
from tests.support.resources import Json, batch, care_plan, entry, goal, risk_assessment, transaction

BROWSER = {"Accept": "text/html"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PATCH = {"Content-Type": "application/json-patch+json"}
_CREATED, _READ, _UPDATED, _DELETED = "CRUD"
_MAKES = {"Goal": goal, "CarePlan": care_plan, "RiskAssessment": risk_assessment}

Account = dict[Version, str]
"""By version what was done: C, R, U or D."""


@dataclass
class Ask:
    """One request, and what its answer discloses or stores beside what can be read in it."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    beside: Iterable[Version] = ()
    stores: Callable[[httpx.Response], Account] = lambda _: {}
    """What was stored and cannot be read in the answer."""


class MixedClient:
    """Asks about one person, whose records nobody else writes."""

    def __init__(self, client: httpx.AsyncClient, name: str, seed: int, token: dict[str, str]) -> None:
        self.client = client
        self.token = token
        self.name = name
        self.person = f"Patient/{name}"
        self.ledger = Ledger()
        self.accounts: dict[str, Account] = {}
        """By the id of a request what its answer disclosed and what was stored."""
        self.attributed: dict[str, list[Version]] = {}
        """By the id of a request the versions of which a Provenance was stored."""
        self._random = random.Random(seed)
        self._numbers = count()
        self._next: str | None = None
        self._repeat: tuple[Ask, Account] | None = None

    async def ask(self) -> str:
        """Send one request of any kind and take down what came of it; return which kind it was."""
        kind = self._random.choice(KINDS) if self.ledger.living("CarePlan") else MixedClient.create_plan
        ask = kind(self)
        if ask is not None:
            await self._send(ask, kind.__name__)
        return kind.__name__

    async def _send(self, ask: Ask, kind: str) -> None:
        number = f"{self.name}-{next(self._numbers)}-{kind.replace('_', '-')}"
        headers = {"X-Request-Id": number, **self.token, **ask.headers}
        content = json.dumps(ask.body).encode() if isinstance(ask.body, dict | list) else ask.body
        answer = await self.client.request(ask.method, ask.path, content=content, headers=headers)
        assert answer.status_code < 500, (kind, ask, answer.text)
        self._account(number, ask, answer)

    def _account(self, number: str, ask: Ask, answer: httpx.Response) -> None:
        entries = ask.body["entry"] if isinstance(ask.body, dict) and "entry" in ask.body else ()
        told = disclosed_by(ask.path, answer, self.ledger, entries)
        account = dict.fromkeys((*told, *(ask.beside if answer.is_success else ())), _READ)
        account |= ask.stores(answer)
        body = answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else None
        self.ledger.content.update((version, found) for version, found in versions_in(body) if _is_whole(found))
        if ask.method != "GET" and ask.method != "HEAD" and "_search" not in ask.path:
            account |= {version: self._what_was_done(version, body) for version in told if self._is_own_new(version)}
        if "X-Provenance" in ask.headers and answer.is_success:
            written = [version for version, done in account.items() if done in (_CREATED, _UPDATED)]
            self.attributed[number] = written
        if "Idempotency-Key" in ask.headers:
            self._repeat = (ask, account) if self._repeat is None else None
        self.accounts[number] = account
        for version, done in account.items():
            if version.type in _MAKES and (done != _READ or self._is_mine(version)):
                self.ledger.note(version, deleted=done == _DELETED)
        if isinstance(body, dict) and answer.status_code == 200 and "_contained" not in ask.path:
            following = [link["url"] for link in body.get("link", ()) if link["relation"] == "next"]
            self._next = following[0] if following and len(following[0]) < 4_000 else self._next

    def _is_mine(self, version: Version) -> bool:
        content = self.ledger.content.get(version, {})
        return content.get("subject", {}).get("reference") == self.person or version[:2] in self.ledger.numbers

    def _is_own_new(self, version: Version) -> bool:
        return version.type in _MAKES and not self.ledger.knows(version)

    def _what_was_done(self, version: Version, body: Any) -> str:
        before = version._replace(number=version.number - 1)
        if version.number == 1 or before in self.ledger.deleted:
            return _CREATED
        is_there = any(found == version for found, _ in versions_in(body))
        return _UPDATED if is_there or version in self._to_be_there else _DELETED

    _to_be_there: frozenset[Version] = frozenset()

    # what can be asked for

    def _any(self, resource_type: str | None = None) -> Version:
        names = [resource_type] if resource_type else [name for name in _MAKES if self.ledger.living(name)]
        return self._random.choice(self.ledger.living(self._random.choice(names)))

    def _any_version(self) -> Version:
        return self._random.choice(
            [each for each in self.ledger.content if each.type in _MAKES and self._is_mine(each)]
        )

    def _made(self, resource_type: str, **members: Any) -> Json:
        about = {"subject": {"reference": self.person}, **members}
        if resource_type == "CarePlan":
            goals = self.ledger.living("Goal")
            some = self._random.sample(goals, min(len(goals), 2))
            about["goal"] = [{"reference": f"Goal/{each.id}"} for each in some]
            about["contained"] = [goal(id="g", subject=about["subject"])]
            about["goal"].append({"reference": "#g"})
        number = self._random.randrange(1_000_000_000)
        note = [{"text": f"This is note {number}"}]
        return _MAKES[resource_type](**{"note": note, **about})

    def _content(self, version: Version) -> Json:
        """Return what is known of the content of a resource, which of an answer without a body is what was before."""
        known = [each for each in self.ledger.content if each[:2] == version[:2]]
        return self.ledger.content[max(known)] if known else self._made(version.type, id=version.id)

    def _type(self) -> str:
        return self._random.choice(list(_MAKES))

    def _changed(self, version: Version) -> Json:
        content = {key: value for key, value in self._content(version).items() if key not in ("text", "meta")}
        return {**content, "note": [{"text": f"Changed to {self._random.random()}"}]}

    def create(self) -> Ask:
        return Ask("POST", (name := self._type()), self._made(name))

    def create_plan(self) -> Ask:
        return Ask("POST", "CarePlan", self._made("CarePlan"))

    def create_attributed(self) -> Ask:
        provenance = {"resourceType": "Provenance", "agent": [{"who": {"reference": self.person}}]}
        return Ask("POST", "Goal", self._made("Goal"), {"X-Provenance": json.dumps(provenance)})

    def read(self) -> Ask:
        return Ask("GET", "/".join(self._any()[:2]))

    def read_part(self) -> Ask:
        part = self._random.choice(("_summary=true", "_summary=data", "_elements=status,subject", "_summary=text"))
        return Ask("GET", f"CarePlan/{self._any('CarePlan').id}?{part}")

    def read_xml(self) -> Ask:
        return Ask("GET", "/".join(self._any()[:2]), headers={"Accept": "application/fhir+xml"})

    def head(self) -> Ask:
        return Ask("HEAD", "/".join(self._any()[:2]))

    def head_search(self) -> Ask:
        return Ask("HEAD", f"CarePlan?patient={self.name}")

    def read_unknown(self) -> Ask:
        return Ask("GET", f"{self._type()}/not-there")

    def read_what_is_known(self) -> Ask:
        version = self._any()
        return Ask("GET", "/".join(version[:2]), headers={"If-None-Match": f'W/"{version.number}"'})

    def read_deleted(self) -> Ask | None:
        gone = self.ledger.gone("Goal")
        return Ask("GET", f"Goal/{self._random.choice(gone).id}") if gone else None

    def vread(self) -> Ask:
        version = self._any_version()
        return Ask("GET", f"{version.type}/{version.id}/_history/{version.number}")

    def page(self) -> Ask:
        plan = self._any("CarePlan")
        named = [each["reference"] for each in self._content(plan).get("goal", ())]
        goals = [each for each in self.ledger.living("Goal") if f"Goal/{each.id}" in named]
        return Ask("GET", f"CarePlan/{plan.id}", headers=BROWSER, beside=[plan, *goals])

    def search(self) -> Ask:
        more = self._random.choice(
            (
                *("", "&_count=3", "&_include=CarePlan:goal", "&_revinclude=Provenance:target", "&_summary=true"),
                *(
                    "&_elements=subject",
                    "&_total=accurate&_count=2",
                    "&_summary=count",
                    "&_count=0",
                    "&_sort=-_lastUpdated",
                ),
            )
        )
        return Ask("GET", f"{'CarePlan' if '_include' in more else self._type()}?patient={self.name}{more}")

    def search_by_post(self) -> Ask:
        return Ask("POST", "CarePlan/_search", f"patient={self.name}&_include=CarePlan:goal&_count=5", FORM)

    def search_inside(self) -> Ask:
        kind, what = (self._random.choice(found) for found in (("true", "both"), ("container", "contained")))
        return Ask("GET", f"Goal?patient={self.name}&_contained={kind}&_containedType={what}")

    def search_everywhere(self) -> Ask:
        return Ask("GET", f"?_type=Goal,CarePlan&_count={self._random.randrange(6)}")

    def next_page(self) -> Ask | None:
        if self._next is None:
            return None
        path, self._next = self._next, None
        return Ask("GET", path)

    def compartment(self) -> Ask:
        return Ask("GET", f"{self.person}/{self._random.choice(('*', 'Goal', 'CarePlan'))}?_count=4")

    def everything(self) -> Ask:
        return Ask("GET", f"{self._random.choice((self.person, 'CarePlan/' + self._any('CarePlan').id))}/$everything")

    def history(self) -> Ask:
        where = self._random.choice(("/".join(self._any()[:2]) + "/", f"{self._type()}/", ""))
        return Ask("GET", f"{where}_history?_count={self._random.randrange(5)}")

    def diff(self) -> Ask | None:
        version = self._any()
        before = version._replace(number=version.number - 1)
        if version.number == 1 or before in self.ledger.deleted or not self.ledger.knows(before):
            return None
        return Ask("GET", f"{version.type}/{version.id}/$diff", beside=[before, version])

    def meta(self) -> Ask:
        return Ask("GET", "/".join(self._any()[:2]) + "/$meta")

    def meta_in_use(self) -> Ask:
        return Ask("GET", "Goal/$meta")

    def validate(self) -> Ask:
        version = self._any()
        return Ask("GET", f"{version.type}/{version.id}/$validate", beside=[version])

    def update(self) -> Ask:
        version = self._any()
        self._to_be_there = frozenset({version._replace(number=version.number + 1)})
        prefer = self._random.choice(("minimal", "representation", "OperationOutcome"))
        return Ask("PUT", "/".join(version[:2]), self._changed(version), {"Prefer": f"return={prefer}"})

    def update_nothing(self) -> Ask | None:
        version = self._any()
        content = self.ledger.content.get(version)
        return Ask("PUT", "/".join(version[:2]), content) if content else None

    def update_too_late(self) -> Ask | None:
        version = self._any()
        if version.number == 1:
            return None
        old = f'W/"{self._random.randrange(1, version.number)}"'
        return Ask("PUT", "/".join(version[:2]), self._changed(version), {"If-Match": old})

    def update_unless_there(self) -> Ask:
        version = self._any()
        return Ask("PUT", "/".join(version[:2]), self._changed(version), {"If-None-Match": "*"})

    def patch(self) -> Ask:
        version = self._any()
        self._to_be_there = frozenset({version._replace(number=version.number + 1)})
        operation = {"op": "add", "path": "/note/0/text", "value": f"Patched with {self._random.random()}"}
        return Ask("PATCH", "/".join(version[:2]), [operation], PATCH)

    def add_label(self) -> Ask:
        version = self._any()
        self._to_be_there = frozenset({version._replace(number=version.number + 1)})
        tag = {"system": "http://example.org/tags", "code": f"tag-{self._random.randrange(99)}"}
        body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [tag]}}]}
        return Ask("POST", f"{version.type}/{version.id}/$meta-add", body)

    def delete(self) -> Ask:
        return Ask("DELETE", f"Goal/{(self._any('Goal') if self.ledger.living('Goal') else self._any()).id}")

    def delete_again(self) -> Ask | None:
        gone = self.ledger.gone("Goal")
        return Ask("DELETE", f"Goal/{self._random.choice(gone).id}") if gone else None

    def revive(self) -> Ask | None:
        gone = self.ledger.gone("Goal")
        return (
            Ask("PUT", f"Goal/{(name := self._random.choice(gone).id)}", self._made("Goal", id=name)) if gone else None
        )

    def create_unless_there(self) -> Ask:
        identifier = [{"system": "http://example.org/ids", "value": f"{self.name}-{self._random.randrange(4)}"}]
        condition = f"identifier={identifier[0]['system']}|{identifier[0]['value']}&patient={self.name}"
        return Ask("POST", "Goal", self._made("Goal", identifier=identifier), {"If-None-Exist": condition})

    def update_match(self) -> Ask:
        version = self._any()
        self._to_be_there = frozenset({version._replace(number=version.number + 1)})
        return Ask("PUT", f"{version.type}?_id={version.id}&patient={self.name}", self._changed(version))

    def delete_matches(self) -> Ask | None:
        some = self.ledger.living("RiskAssessment")[:2]
        if not some:
            return None
        buried = {each._replace(number=each.number + 1): _DELETED for each in some}
        ids = ",".join(each.id for each in some)
        address = f"RiskAssessment?_id={ids}&patient={self.name}"
        return Ask("DELETE", address, stores=lambda answer: buried if answer.is_success else {})

    def once(self) -> Ask:
        if self._repeat is not None:
            ask, account = self._repeat
            return Ask(ask.method, ask.path, ask.body, ask.headers, beside=tuple(account))
        key = {"Idempotency-Key": f'"{self.name}-{self._random.random()}"'}
        return Ask("POST", "Goal", self._made("Goal"), {**key, "Prefer": "return=minimal"})

    def batch(self) -> Ask:
        version = self._any()
        self._to_be_there = frozenset({version._replace(number=version.number + 1)})
        address = "/".join(version[:2])
        return Ask(
            "POST",
            "",
            batch(
                entry("GET", f"Goal?patient={self.name}&_count=2"),
                entry("HEAD", address),
                entry("HEAD", f"CarePlan?patient={self.name}"),
                entry("GET", f"{self._type()}/not-there"),
                entry("POST", "Goal", self._made("Goal")),
                entry("GET", f"CarePlan/{self._any('CarePlan').id}"),
                entry("PUT", address, {"resourceType": "Goal"}),
            ),
        )

    def transaction(self) -> Ask:
        version = self._any()
        self._to_be_there = frozenset({version._replace(number=version.number + 1)})
        address = "/".join(version[:2])
        return Ask(
            "POST",
            "",
            transaction(
                entry("POST", "Goal", self._made("Goal")),
                entry("PUT", address, self._changed(version)),
                entry("GET", f"CarePlan?patient={self.name}&_count=1"),
            ),
            self._random.choice(({}, {"Prefer": "return=representation"})),
        )

    def transaction_in_vain(self) -> Ask:
        version = self._any()
        changed = self._changed(version)
        return Ask(
            "POST",
            "",
            transaction(
                entry("POST", "Goal", self._made("Goal")),
                entry("PUT", "/".join(version[:2]), changed, ifMatch='W/"77"'),
            ),
        )

    def wrong(self) -> Ask:
        path = self._random.choice(
            ("Goal?no-such=1", "Patient/1", "Goal/a b", "Goal?_sort=nothing", "nowhere", "AuditEvent?_sort=date")
        )
        return Ask("GET", path)

    def refused_body(self) -> Ask:
        return Ask("POST", "Goal", {"resourceType": "Goal", "unknown": True})

    def metadata(self) -> Ask:
        return Ask("GET", self._random.choice(("metadata", "StructureDefinition?_count=1")))

    def audit(self) -> Ask:
        version = self._any()
        asked = self._random.choice((f"entity={version.type}/{version.id}", f"patient={self.name}", "outcome=4"))
        return Ask("GET", f"AuditEvent?{asked}&_count=3")


def _is_whole(resource: Json) -> bool:
    return not any(tag["code"] == "SUBSETTED" for tag in resource["meta"].get("tag", ()))


_NOT_KINDS = {"ask", "create_plan"}
KINDS: list[Any] = [
    kind
    for name, kind in vars(MixedClient).items()
    if callable(kind) and not name.startswith("_") and name not in _NOT_KINDS
]
"""All that can be asked for."""
