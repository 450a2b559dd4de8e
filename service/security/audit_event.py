"""AuditEvent: what happened, as a resource (https://hl7.org/fhir/R4/auditevent.html).

It has the form of the Basic Audit Log Patterns of IHE (https://profiles.ihe.net/ITI/BALP/): the agents are the
application, the user and this server, the entities the request, the people it was about, and each version that it
disclosed or stored.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address
from typing import Any, NamedTuple

from service.fhir.datetimes import instant
from service.fhir.reference import parse_reference
from service.fhir.touched import Touched
from service.security.audit import Happened, Recorded
from service.security.audit_terms import asked_in_vain, patients_of
from service.security.client import Client

TYPE = "AuditEvent"
SERVICE = "recovery-plan-service"
PURPOSES = "http://terminology.hl7.org/ValueSet/v3-PurposeOfUse"
"""The codes of what clients can ask for resources for."""

Json = dict[str, Any]

_HL7 = "http://terminology.hl7.org/CodeSystem"
ACT_REASON = f"{_HL7}/v3-ActReason"
_RESTFUL = "http://hl7.org/fhir/restful-interaction"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_BALP = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_REDACTED = {"system": f"{_HL7}/v3-ObservationValue", "code": "REDACTED", "display": "redacted"}
_MOST_CHARACTERS = 1_000
"""Of a text that came with a request, where it stands as text."""
_NO_TEXT = dict.fromkeys((*range(32), *range(127, 160), *range(0xD800, 0xE000)), "�")
_ACTORS = frozenset(("PractitionerRole", "Practitioner", "Organization", "Device", "Patient", "RelatedPerson"))
"""The types of who can be an agent."""


class _Kind(NamedTuple):
    """What AuditEvent says of an interaction: its code there, and the code of what it does."""

    subtype: str
    action: str


_OPERATION = _Kind("operation", "E")
_KINDS = {
    "read": _Kind("read", "R"),
    "vread": _Kind("vread", "R"),
    "capabilities": _Kind("capabilities", "R"),
    "create": _Kind("create", "C"),
    "update": _Kind("update", "U"),
    "patch": _Kind("patch", "U"),
    "delete": _Kind("delete", "D"),
    "notification": _Kind("operation", "R"),
    "conditional-update": _Kind("update", "U"),
    "conditional-patch": _Kind("patch", "U"),
    "conditional-delete": _Kind("delete", "D"),
    **{
        name: _Kind(name, "E")
        for name in (
            *("search-type", "search-system", "history-instance", "history-type", "history-system"),
            *("batch", "transaction"),
        )
    },
}
_SOURCE, _DESTINATION, _APPLICATION = (
    {"system": _DICOM, "code": code, "display": display}
    for code, display in (("110153", "Source Role ID"), ("110152", "Destination Role ID"), ("110150", "Application"))
)
_CUSTODIAN = {"system": f"{_HL7}/provenance-participant-type", "code": "custodian", "display": "Custodian"}
_RECIPIENT = {"system": f"{_HL7}/v3-ParticipationType", "code": "IRCP", "display": "information recipient"}
_AUTHOR = {"system": f"{_HL7}/v3-ParticipationType", "code": "AUT", "display": "author (originator)"}
_ROLES: Mapping[str, tuple[Json, Json, Json]] = {
    "R": (_DESTINATION, _SOURCE, _RECIPIENT),
    "E": (_SOURCE, _DESTINATION, _RECIPIENT),
    "C": (_SOURCE, _DESTINATION, _AUTHOR),
    "U": (_SOURCE, _DESTINATION, _AUTHOR),
    "D": (_APPLICATION, _CUSTODIAN, _AUTHOR),
}
"""By the action the parts that the application, this server and the user have in it, as BALP names them."""
ERASURE = "person-erase"
"""What a command does that takes away all that is about somebody."""
_ERASED = "erased"
_LIFECYCLES = {
    action: {"system": f"{_HL7}/dicom-audit-lifecycle", "code": code, "display": display}
    for action, code, display in (
        ("C", "1", "Origination / Creation"),
        ("R", "6", "Access / Use"),
        ("U", "3", "Amendment"),
        ("D", "14", "Logical deletion"),
        (_ERASED, "15", "Permanent erasure / Physical destruction"),
    )
}
_PERSON, _OBJECT, _OTHER = (
    {"system": f"{_HL7}/audit-entity-type", "code": code, "display": display}
    for code, display in (("1", "Person"), ("2", "System Object"), ("4", "Other"))
)
_PATIENT, _RESOURCE, _QUERY = (
    {"system": f"{_HL7}/object-role", "code": code, "display": display}
    for code, display in (("1", "Patient"), ("4", "Domain Resource"), ("24", "Query"))
)


class AuditEvents:
    """Writes the events of the service that is known by ``base``, or by its name where its address is not set.

    ``purposes`` has by code the display of what are purposes of use.
    """

    def __init__(self, base: str | None, purposes: Mapping[str, str]) -> None:
        self._purposes = purposes
        network = {"address": base, "type": "5"} if base else {"address": SERVICE, "type": "1"}
        self._server = {
            "who": {"identifier": {"value": base or SERVICE}, "display": "Recovery Plan Service"},
            "requestor": False,
            "network": network,
        }

    def resource(self, event: Recorded, *, is_redacted: bool = False) -> Json:
        """Return an event as a resource; a redacted one says so, and does not tell what was asked for."""
        happened, recorded = event.happened, instant(event.recorded)
        kind = _kind_of(happened)
        purposes = [self._purpose(code) for code in happened.client.purposes]
        entities = list(_entities(happened, tells_query=not (is_redacted or event.is_erased)))
        labels = {"security": [_REDACTED]} if is_redacted else {}
        return {
            "resourceType": TYPE,
            "id": event.id,
            "meta": {"versionId": "1", "lastUpdated": recorded, **labels},
            "type": {"system": f"{_HL7}/audit-event-type", "code": "rest", "display": "RESTful Operation"},
            **({"subtype": [{"system": _RESTFUL, "code": kind.subtype}]} if happened.interaction else {}),
            "action": kind.action,
            "period": _period(happened.started, event.recorded),
            "recorded": recorded,
            "outcome": "0" if happened.status < 400 else "4" if happened.status < 500 else "8",
            "outcomeDesc": " ".join((f"HTTP {happened.status}", *map(_text, happened.rules)))[:_MOST_CHARACTERS],
            **({"purposeOfEvent": purposes} if purposes else {}),
            "agent": list(self._agents(happened, kind.action, purposes)),
            "source": {
                "site": event.id.partition("-")[0],
                "observer": self._server["who"],
                "type": [{"system": f"{_HL7}/security-source-type", "code": "4", "display": "Application Server"}],
            },
            **({"entity": entities} if entities else {}),
        }

    def _agents(self, happened: Happened, action: str, purposes: list[Json]) -> Iterator[Json]:
        application, server, user = _ROLES[action]
        client, uses = happened.client, {"purposeOfUse": purposes} if purposes else {}
        has_user = _has_user(client)
        yield {
            "type": {"coding": [application]},
            "who": _application(client),
            "requestor": not has_user,
            **_network(happened.address),
            **({} if has_user else uses),
        }
        if has_user:
            subject = {"altId": _text(client.subject)} if client.subject else {}
            yield {"type": {"coding": [user]}, "who": _user(client), **subject, "requestor": True, **uses}
        yield {"type": {"coding": [server]}, **self._server}

    def _purpose(self, code: str) -> Json:
        display = self._purposes.get(code)
        coding = {"system": ACT_REASON, "code": code, "display": display}
        return {"coding": [coding]} if display else {"text": _text(code)}


def seen_by(person: tuple[str, ...], event: Recorded) -> Recorded:
    """Return what the person to whom these references lead may see of an event about them: nothing about others.

    The request is left out of it, which may name others, and whatever is not known to be about them.
    """
    happened = event.happened
    who = happened.client
    client = Client(who.issuer, who.client_id, who.subject, who.user, person[0], purposes=who.purposes)
    own = tuple(each for each in happened.touched if each.subject in person)
    told = replace(happened, client=client, path="", query="", entries=(), touched=own)
    return event._replace(happened=told)


def _kind_of(happened: Happened) -> _Kind:
    """Return what AuditEvent says of an interaction: operations are all alike."""
    return _KINDS.get(happened.interaction, _OPERATION)


def _period(started: datetime, recorded: datetime) -> Json:
    return {"start": instant(started), "end": instant(max(started, recorded))}


def _has_user(client: Client) -> bool:
    return bool(client.user or (client.subject and client.subject != client.client_id))


def _application(client: Client) -> Json:
    if client.client_id is None:
        return {"display": "An application that did not say who it is"}
    return {"identifier": _identifier(client.issuer, client.client_id)}


def _user(client: Client) -> Json:
    who: Json = {}
    reference = parse_reference(client.user) if client.user else None
    if reference and reference.type in _ACTORS:
        who["reference"] = client.user
    elif client.user:
        who["display"] = _text(client.user)
    if client.subject:
        who["identifier"] = _identifier(client.issuer, client.subject)
    return who


def _identifier(system: str | None, value: str) -> Json:
    return {**({"system": system} if system else {}), "value": _text(value)}


def _network(address: str) -> Json:
    """Return the address of a client, or the name of the machine where a command was run."""
    try:
        ip_address(address)
    except ValueError:
        return {"network": {"address": _text(address), "type": "1"}} if address else {}
    return {"network": {"address": address, "type": "2"}}


def _entities(happened: Happened, *, tells_query: bool) -> Iterator[Json]:
    if happened.request_id:
        type_ = {"system": _BALP, "code": "XrequestId", "display": "X-Request-Id"}
        yield {"what": {"identifier": {"value": _text(happened.request_id)}}, "type": type_}
    if tells_query:
        for text in _requests(happened):
            yield {"type": _OBJECT, "role": _QUERY, "query": b64encode(text.encode(errors="replace")).decode()}
    for person in sorted(patients_of(happened)):
        yield _person(person)
    for name in sorted(asked_in_vain(happened)):
        yield {"what": {"reference": name}, "type": _OBJECT, "role": _RESOURCE}
    for version in happened.touched:
        is_erased = happened.interaction == ERASURE and version.action == "D"
        yield _version(version, _LIFECYCLES[_ERASED if is_erased else version.action])


def _requests(happened: Happened) -> Iterable[str]:
    """Return what was asked for: the request, and what a Bundle's entries asked for."""
    query = f"?{happened.query}" if happened.query else ""
    return f"{happened.method} {happened.path}{query}", *filter(None, happened.entries)


def _person(name: str) -> Json:
    literal = parse_reference(name)
    if literal is None:
        return {"what": {"display": _text(name)}, "type": _OTHER}
    is_patient = literal.type == "Patient"
    return {"what": {"reference": name}, "type": _PERSON if is_patient else _OTHER} | (
        {"role": _PATIENT} if is_patient else {}
    )


def _version(touched: Touched, lifecycle: Json) -> Json:
    reference = f"{touched.type}/{touched.id}/_history/{touched.version}"
    return {"what": {"reference": reference}, "type": _OBJECT, "role": _RESOURCE, "lifecycle": lifecycle}


def _text(text: str) -> str:
    """Return what a client sent as FHIR can hold it."""
    return text.translate(_NO_TEXT).strip()[:_MOST_CHARACTERS] or "?"
