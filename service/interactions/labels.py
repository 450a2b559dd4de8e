"""Profiles, tags and security labels of a resource, each of them a set (https://hl7.org/fhir/R4/resource.html#Meta)."""

from typing import Any

from service.fhir import json
from service.fhir.outcome import Issue, OutcomeError
from service.security.access import Access
from service.security.clearance import CONFIDENTIALITY

LABELS = ("profile", "tag", "security")

Meta = dict[str, Any]

_RISING = ("U", "L", "M", "N", "R", "V")
"""The codes of v3-Confidentiality, from unrestricted to very restricted."""


def with_kept_labels(resource: dict[str, Any], before: Meta) -> tuple[dict[str, Any], list[Issue]]:
    """Return ``resource`` with the security labels of ``before`` that it does not repeat, and a warning of that."""
    kept = before.get("security", [])
    meta = resource.get("meta", {})
    given = meta.get("security", [])
    if not _lacking(kept, given):
        return resource, []
    repeated = {_name(label): label for label in given}
    labels = [repeated.get(_name(label), label) for label in kept] + _lacking(given, kept)
    sentence = "Security labels that were left out are kept; the operation $meta-delete takes one away"
    warning = Issue("label-kept", sentence, f"{resource['resourceType']}.meta.security", "warning")
    return {**resource, "meta": {**meta, "security": labels}}, [warning]


def check_not_lowered(resource_type: str, before: Meta, after: Meta, access: Access) -> None:
    """Raise OutcomeError 403 where ``after`` protects less than ``before``, and the client may not lower labels.

    A lower degree of confidentiality beside a higher one changes nothing, and so may be taken away.
    """
    if access.may_lower_labels:
        return
    kept, given = before.get("security", []), after.get("security", [])
    lost = [label for label in _lacking(kept, given) if _degree(label) < 0]
    if lost or _highest(given) < _highest(kept):
        sentence = "A security label is taken away or lowered by clients that have the right to do so, and by no other"
        raise OutcomeError(Issue("forbidden", sentence, f"{resource_type}.meta.security"))


def label_issues(resource: dict[str, Any], root: str) -> list[Issue]:
    """Return the issue that a resource which needs one has no label of confidentiality, if that is so."""
    meta = resource.get("meta")
    labels = meta.get("security") if isinstance(meta, dict) else None
    if isinstance(labels, list) and _highest(labels) >= 0:
        return []
    sentence = f"meta.security needs a label of {CONFIDENTIALITY}: one of {', '.join(_RISING)}"
    return [Issue("label-required", sentence, f"{root}.meta.security")]


def with_labels(meta: Meta, added: Meta) -> Meta:
    """Return ``meta`` with what it lacks of the labels in ``added``."""
    found = dict(meta)
    for name in LABELS:
        if lacking := _lacking(added.get(name, []), meta.get(name, [])):
            found[name] = [*meta.get(name, []), *lacking]
    return found


def without_labels(meta: Meta, removed: Meta) -> Meta:
    """Return ``meta`` without the labels in ``removed``."""
    left = {name: _lacking(meta.get(name, []), removed.get(name, [])) for name in LABELS}
    return {name: left.get(name, value) for name, value in meta.items() if left.get(name, True)}


def _lacking(labels: list[Any], others: list[Any]) -> list[Any]:
    """Return those of ``labels`` that are not among ``others``, each once."""
    names = {_name(label) for label in others}
    lacking = {_name(label): label for label in reversed(labels) if _name(label) not in names}
    return list(reversed(lacking.values()))


def _name(label: Any) -> Any:
    """Return what two labels have in common that are the same: system and code, or all where there is no code."""
    if not isinstance(label, dict):
        return label
    return (label.get("system"), label["code"]) if "code" in label else (json.dump_sorted(label),)


def _highest(labels: list[Any]) -> int:
    return max(map(_degree, labels), default=-1)


def _degree(label: Any) -> int:
    """Return how high a label of confidentiality is, -1 for any other."""
    if not isinstance(label, dict) or label.get("system") != CONFIDENTIALITY or label.get("code") not in _RISING:
        return -1
    return _RISING.index(label["code"])
