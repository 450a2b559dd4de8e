"""Profiles, tags and security labels of a resource, each of them a set (https://hl7.org/fhir/R4/resource.html#Meta)."""

from typing import Any

from service.fhir import json
from service.fhir.outcome import Issue
from service.store.document import Stored

LABELS = ("profile", "tag", "security")

Meta = dict[str, Any]


def with_kept_labels(resource: dict[str, Any], current: Stored) -> tuple[dict[str, Any], list[Issue]]:
    """Return ``resource`` with the security labels of ``current`` that it does not repeat, and a warning of that."""
    if current.body is None or b'"security":' not in current.body:
        return resource, []
    kept = json.parse(current.body).get("meta", {}).get("security", [])
    meta = resource.get("meta", {})
    given = meta.get("security", [])
    lost = _lacking(kept, given)
    if not lost:
        return resource, []
    repeated = {_name(label): label for label in given}
    labels = [repeated.get(_name(label), label) for label in kept] + _lacking(given, kept)
    sentence = "Security labels that were left out are kept; the operation $meta-delete takes one away"
    warning = Issue("label-kept", sentence, f"{resource['resourceType']}.meta.security", "warning")
    return {**resource, "meta": {**meta, "security": labels}}, [warning]


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
