"""Scopes of SMART App Launch, versions 2 and 1 (https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html)."""

import re
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import parse_qsl, quote

Permission = Literal["c", "r", "u", "d", "s"]
"""create, read, update, delete, search: as SMART's scopes name them."""
Level = Literal["patient", "user", "system"]
Criteria = tuple[tuple[str, str], ...]
"""Names and values of search parameters."""

LEVELS: tuple[Level, ...] = ("patient", "user", "system")
PERMISSIONS: tuple[Permission, ...] = ("c", "r", "u", "d", "s")
LOWER_LABELS = "recovery/labels.lower"
"""Our own scope: to remove a security label, or to replace it by a lower one."""
READ_REPORTS = "recovery/reports.read"
"""Our own scope: to read what is published over the whole service, rounded and without small counts."""
MOST_PARAMETERS = 50
"""Parameters in the constraint of one scope."""

_EVERY_TYPE = "*"
_NAMED_ONLY = frozenset({"AuditEvent"})
"""Types that a scope has to name: for all others ``*`` will do."""
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}
_SCOPE = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})"
    r"\.(?:(?P<old>read|write|\*)|(?P<letters>(?=[cruds])c?r?u?d?s?)(?:\?(?P<constraint>.+))?)"
)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Scope:
    """What one scope is for."""

    level: Level
    type: str
    """A resource type, or ``*``."""
    permissions: str
    """Letters out of ``cruds``, in this order."""
    constraint: Criteria = ()
    """What a resource has to fulfil."""

    def __str__(self) -> str:
        criteria = "&".join(f"{quote(name, safe=':')}={quote(value, safe='/:|,')}" for name, value in self.constraint)
        return f"{self.level}/{self.type}.{self.permissions}" + (f"?{criteria}" if criteria else "")

    def is_for(self, permission: Permission, resource_type: str) -> bool:
        """Return whether the scope gives ``permission`` for resources of a type, within its constraint."""
        named = self.type == resource_type or (self.type == _EVERY_TYPE and resource_type not in _NAMED_ONLY)
        return named and permission in self.permissions


def read_scope(text: str) -> Scope | None:
    """Return what ``text`` is for, or None where it is no scope for resources, or not one that can be understood."""
    found = _SCOPE.fullmatch(text)
    if found is None:
        return None
    letters = found["letters"] or _VERSION_1[found["old"]]
    constraint = _constraint(found["constraint"]) if found["constraint"] else ()
    return None if constraint is None else Scope(cast(Level, found["level"]), found["type"], letters, constraint)


def _constraint(text: str) -> Criteria | None:
    """Return the parameters in ``text``, or None where it has another form than ``name=value&name=value``."""
    if _BAD_ESCAPE.search(text):
        return None
    try:
        items = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:  # which UnicodeDecodeError is, too
        return None
    return tuple(items) if all(name and value for name, value in items) else None
