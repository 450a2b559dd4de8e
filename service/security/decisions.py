"""What each interaction and operation takes of a client, before any resource is looked at.

The letters are SMART's (https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html). What is not in
the table is refused.
"""

from enum import Enum

from service.fhir.outcome import Issue, OutcomeError
from service.search.predicate import NOTHING
from service.security.access import Access
from service.security.audit_event import TYPE as AUDIT_EVENT
from service.security.refusal import CHALLENGE
from service.security.scopes import LEVELS, PERMISSIONS, READ_REPORTS, Permission, Scope


class Needs(Enum):
    """What an interaction takes that is not a matter of scopes for its type."""

    PUBLIC = "nothing, not even a token"
    TOKEN = "any valid token"  # noqa: S105 - not a secret
    ALL = "that every resource of the type may be searched for, because the answer cannot be limited"
    REPORTS = "the right to read what is published over the whole service"


NEEDED: dict[str, str | Needs] = {
    "capabilities": Needs.PUBLIC,
    "batch": Needs.TOKEN,  # each entry is decided by itself
    "transaction": Needs.TOKEN,
    "read": "r",
    "vread": "r",
    "history-instance": "r",
    "history-type": "s",
    "history-system": "s",
    "search-type": "s",
    "search-system": "s",
    "create": "c",
    "conditional-create": "cs",
    "update": "u",
    "conditional-update": "us",
    "patch": "u",
    "conditional-patch": "us",
    "delete": "d",
    "conditional-delete": "ds",
    "$validate": Needs.TOKEN,
    "$everything": "s",
    "$export": "rs",
    "$viewdefinition-run": "rs",
    "$meta": Needs.ALL,
    "$meta-add": "u",
    "$meta-delete": "u",
    "_explain": Needs.ALL,
    "$import": "u",  # each line is decided by itself
    "$evaluate-measure": Needs.TOKEN,  # what the report takes follows from its type: one of the next three
    "report-summary": Needs.REPORTS,
    "$report": Needs.REPORTS,
    "report-individual": "rs",
    "report-subject-list": Needs.ALL,
    **dict.fromkeys(("job-status", "job-cancel", "job-file"), Needs.TOKEN),  # a job is there for who asked for it alone
}
"""By the code that a CapabilityStatement has for it."""
NEEDED_OF_INSTANCE: dict[str, str | Needs] = {"$validate": "r", "$meta": "r", "$diff": "r"}
"""Operations that take something else, or are there only, where they are about one resource."""


def require(code: str, resource_type: str | None, access: Access, *, of_instance: bool = False) -> None:
    """Raise OutcomeError 403 where ``access`` has nothing of what the interaction ``code`` takes.

    ``resource_type`` is None for the whole system, where one type will do; a type that is not stored, such as that of
    a compartment, stands for the whole system in $everything. Which resources are within the access is not asked here.
    """
    needed = (NEEDED_OF_INSTANCE.get(code) if of_instance else None) or NEEDED.get(code)
    if needed is None:
        raise _forbidden("It is not decided whom this is for, so it is for nobody")
    is_unlimited = not access.is_limited and resource_type != AUDIT_EVENT  # which a scope has to name
    if is_unlimited or needed is Needs.PUBLIC or needed is Needs.TOKEN:
        return
    if needed is Needs.REPORTS:
        if not access.may_read_reports:
            raise _forbidden(f"This takes the scope {READ_REPORTS}")
        return
    of_system = resource_type is None or (code == "$everything" and resource_type not in access.types)
    types = [*access.types] if of_system else [str(resource_type)]
    named = "*" if of_system else str(resource_type)
    if isinstance(needed, Needs):
        if not all(map(access.sees_all, types)):
            raise _forbidden(
                f"The answer cannot be limited, so this takes the scope user/{named}.s or system/{named}.s, no patient "
                "in context, and clearance for every label"
            )
        return
    for permission in PERMISSIONS:
        if permission in needed and all(access.seen(permission, name) == NOTHING for name in types):
            raise _forbidden(_lacking(permission, named, access))


def is_public(code: str) -> bool:
    """Return whether the interaction ``code`` takes no token."""
    return NEEDED.get(code) is Needs.PUBLIC


def _lacking(permission: Permission, named: str, access: Access) -> str:
    if access.writes_contributions_only and permission in "cd":
        return (
            "In the context of a patient, a client that no practitioner uses may add a note, an agreement or a "
            "disagreement, and write nothing else"
        )
    *scopes, last = [str(Scope(level, named, permission)) for level in LEVELS]
    return f"This takes the scope {', '.join(scopes)} or {last}, and the claims that such a scope goes by"


def _forbidden(sentence: str) -> OutcomeError:
    return OutcomeError(
        Issue("forbidden", sentence), headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope"'}
    )
