"""Who may see and change what, said a second time: from the text of tokens and resources, rule by rule."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from service.security.client import Client
from tests.unit.security.world import LISTED, OTHER, OWN, WORKER

Json = dict[str, Any]
Others = Mapping[str, Json]

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
KINDS = "http://kinds.example.org"

CONSTRAINTS: dict[str, Callable[[Json], bool] | None] = {
    "": lambda _: True,
    "?status=active": lambda each: each.get("status") == "active",
    "?status:not=active&category=x": lambda each: each.get("status") != "active" and "x" in _categories(each),
    f"?category={KINDS}|x,{KINDS}%7Cy": lambda each: any(text in _categories(each) for text in "xy"),
    "?category:missing=true": lambda each: not each.get("category"),
    "?_id=1,2": lambda each: each["id"] in ("1", "2"),
    "?_tag=t": lambda each: any(tag["code"] == "t" for tag in each["meta"].get("tag", ())),
    "?_tag=t&_tag=t2": lambda each: {"t", "t2"} <= {tag["code"] for tag in each["meta"].get("tag", ())},
    "?": None,
    "?status": None,
    "?status=": None,
    "?status=active&": None,
    "?status=%zz": None,
    "?status=%ff": None,
    "?colour=red": None,
    "?status:colour=active": None,
    "?subject.name=a": None,
    "?_has:Provenance:target:_id=1": None,
    "?_filter=subject.name%20eq%20a": None,
    "?status=active&_count=5": None,
    "?_include=CarePlan:goal": None,
    "?_sort=_id": None,
}
"""Constraints, and what they demand; None for those that grant nothing."""
WITHOUT = {"Goal": ("status",), "Provenance": ("status", "category")}
"""Parameters of the constraints that a type has not."""

users = st.sampled_from((None, WORKER, "Patient/1")) | st.sampled_from(
    (
        *(f"{OTHER}/{WORKER}", "PractitionerRole/1", f"{LISTED}/Patient/1", f"{OWN}/Patient/2", f"{OTHER}/Patient/1"),
        *("RelatedPerson/1", "Person/1", "Group/1", "urn:uuid:1"),
    )
)
patients = st.sampled_from((None, "1")) | st.sampled_from(
    (
        *("2", "Patient/1", f"{OWN}/Patient/1", f"{LISTED}/Patient/1", f"{OTHER}/Patient/1", f"{LISTED}/Group/1"),
        *("no id", ""),
    )
)
whole_scopes = st.sampled_from(("patient/*.cruds", "user/*.cruds", "system/*.cruds", "user/*.read", "system/*.rs"))
scopes = st.builds(
    "{}/{}.{}{}".format,
    st.sampled_from(("patient", "user", "system", "Patient")),
    st.sampled_from(("CarePlan", "Goal", "Provenance", "*", "AuditEvent")),
    st.sampled_from(("cruds", "rs", "cud", "r", "s", "*", "read", "write", "rc", "")),
    st.just("")
    | st.sampled_from([text for text in CONSTRAINTS if CONSTRAINTS[text]])
    | st.sampled_from([*CONSTRAINTS]),
)
clearances = st.just(frozenset("*")) | st.frozensets(
    st.sampled_from(("*", "R", "V", "PSY", "N", f"{CONFIDENTIALITY}|V", f"{ACT_CODE}|PSY", f"{KINDS}|PSY", "|R", "a|"))
)
clients = st.builds(
    Client,
    issuer=st.just("https://id.example.org"),
    user=users,
    patient=patients,
    scopes=st.lists(scopes | whole_scopes, min_size=1, max_size=3).map(tuple),
    clearances=clearances,
)

labels = st.sampled_from(
    (
        *({"system": CONFIDENTIALITY, "code": code} for code in "UNRV"),
        {"system": ACT_CODE, "code": "PSY"},
        {"system": ACT_REASON, "code": "HTEST"},
        {"system": KINDS, "code": "N"},
        {"system": KINDS, "code": "PSY"},
        {"code": "R"},
        {"code": "N"},
        {"system": ACT_CODE},
        {"display": "restricted"},
    )
)
tags = st.sampled_from(({"code": "t"}, {"code": "t2", "system": KINDS}))
labelled = st.lists(labels, min_size=1, max_size=2)
metas = st.fixed_dictionaries({}, optional={"security": labelled, "tag": st.lists(tags)})
subjects = st.just("Patient/1") | st.sampled_from(
    (
        *("Patient/2", f"{OWN}/Patient/1", f"{LISTED}/Patient/1", f"{OTHER}/Patient/1", "Patient/1/_history/3"),
        *("Group/1", f"{LISTED}/Group/1"),
    )
)
categories = st.lists(st.builds(lambda code: {"coding": [{"system": KINDS, "code": code}]}, st.sampled_from("xyz")))
ids = st.sampled_from("123")
about_somebody = st.fixed_dictionaries(
    {"id": ids, "meta": metas, "subject": st.builds(dict, reference=subjects)}, optional={"category": categories}
)
plans = st.builds(
    lambda body, status: {"resourceType": "CarePlan", "status": status, **body},
    about_somebody,
    st.sampled_from(("active", "draft")),
)
goals = about_somebody.map(lambda body: {"resourceType": "Goal", **body})
targets = st.sampled_from(("CarePlan/1", "CarePlan/2/_history/1", f"{OWN}/Goal/1", "Goal/3", "Patient/1"))
provenances = st.builds(
    lambda resource_id, meta, names: {
        "resourceType": "Provenance",
        "id": resource_id,
        "meta": meta,
        "target": [{"reference": name} for name in names],
    },
    ids,
    metas,
    st.lists(targets, min_size=1, max_size=2, unique=True),
)


def may(client: Client, permission: str, resource: Json, others: Others) -> bool:
    """Return whether a client may do with a resource what a letter of SMART stands for."""
    if not may_alone(client, permission, resource):
        return False
    if resource["resourceType"] != "Provenance":
        return True
    asked = permission if permission in "rs" else "r"
    if all(unlimited(client, asked, name) for name in ("CarePlan", "Goal", "RiskAssessment")):
        return True
    found = [others.get(_local(target["reference"])) for target in resource["target"]]
    there = [target for target in found if target is not None]
    return bool(there) and all(may(client, asked, target, others) for target in there)


def may_alone(client: Client, permission: str, resource: Json) -> bool:
    """Return the same without a look at what a Provenance is about."""
    kind = _user_type(client)
    patient, person = _ours(client.patient), _ours(client.user) if kind == "Patient" else None
    if (client.patient is not None and patient is None) or (kind == "Patient" and person is None):
        return False
    if kind == "" or (patient and person and patient != person) or (kind == "RelatedPerson" and not patient):
        return False
    if kind == "RelatedPerson" and permission not in "rs":
        return False
    is_professional = kind in ("Practitioner", "PractitionerRole")
    owner = patient or person
    if owner and not is_professional and permission in "cd":
        return False
    if not any(_grants(text, client, kind, permission, resource) for text in client.scopes):
        return False
    if owner and resource["resourceType"] != "Provenance" and _ours(resource["subject"]["reference"]) != owner:
        return False
    return bool(person) or all(_cleared(label, client.clearances) for label in resource["meta"].get("security", ()))


def unlimited(client: Client, permission: str, resource_type: str) -> bool:
    """Return whether nothing at all of a type is kept from a client."""
    names = {f"{level}/{name}.{end}" for level in ("user", "system") for name in (resource_type, "*") for end in _ENDS}
    kind = _user_type(client)
    levels = ("user", "system") if kind in ("Practitioner", "PractitionerRole") else ("system",)
    whole = [text for text in client.scopes if text in names and text.split("/")[0] in levels]
    given = any(permission in _letters(text.rpartition(".")[2]) for text in whole)
    is_confined = client.patient is not None or kind in ("", "Patient", "RelatedPerson")
    return given and not is_confined and "*" in client.clearances


_ENDS = ("cruds", "rs", "cud", "r", "s", "*", "read", "write")


def _letters(end: str) -> str:
    known = {"read": "rs", "write": "cud", "*": "cruds", "rc": ""}
    return known.get(end, end)


def _grants(text: str, client: Client, kind: str | None, permission: str, resource: Json) -> bool:
    scope, mark, criteria = text.partition("?")
    level, _, rest = scope.partition("/")
    name, _, end = rest.partition(".")
    users = ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson")
    counts = {"patient": client.patient is not None, "user": kind in users, "system": True}
    if not counts.get(level) or name not in ("*", resource["resourceType"]) or permission not in _letters(end):
        return False
    if mark and end in ("read", "write", "*"):
        return False
    demanded = CONSTRAINTS[mark + criteria]
    lacking = [name + sign for name in WITHOUT.get(resource["resourceType"], ()) for sign in "=:"]
    if demanded is None or any(name in criteria for name in lacking):
        return False
    return demanded(resource)


def _user_type(client: Client) -> str | None:
    """Return the type of who uses the client, None for nobody and an empty text for what is no reference."""
    if client.user is None:
        return None
    return client.user.rsplit("/", 2)[-2] if "/" in client.user else ""


def _ours(reference: str | None) -> str | None:
    """Return the id of one of our patients, or None."""
    if not reference or " " in reference:
        return None
    plain = reference.partition("/_history/")[0]
    for start in ("Patient/", f"{OWN}/Patient/", f"{LISTED}/Patient/"):
        if plain.startswith(start):
            return plain.removeprefix(start)
    return None if "/" in plain else plain


def _local(reference: str) -> str:
    return reference.removeprefix(f"{OWN}/").partition("/_history/")[0]


def _categories(resource: Json) -> list[str]:
    return [coding["code"] for concept in resource.get("category", ()) for coding in concept["coding"]]


def _cleared(label: Json, held: frozenset[str]) -> bool:
    system, code = label.get("system"), label.get("code")
    if "*" in held:
        return True
    if code is None:
        return False
    if (system == CONFIDENTIALITY and code in "ULMN") or (system == ACT_REASON and code == "HTEST"):
        return True
    named = f"{system or ''}|{code}" in held
    alone = code in held and system in (None, CONFIDENTIALITY, ACT_CODE, ACT_REASON)
    above = system == CONFIDENTIALITY and code == "R" and not held.isdisjoint({"V", f"{CONFIDENTIALITY}|V"})
    return named or alone or above
