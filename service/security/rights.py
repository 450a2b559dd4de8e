"""From the scopes of a client to predicates: which resources of each type are within them."""

from collections.abc import Collection, Iterable, Sequence

from service.fhir.outcome import OutcomeError
from service.search import fields
from service.search.predicate import NOTHING, All, LinkedTo, Not, Predicate, all_of, any_of, asks_others
from service.search.request import RESULT_PARAMETERS, SearchParser
from service.security.clearance import EVERY_LABEL, clearance
from service.security.client import ANYBODY, Client
from service.security.compartment import Reach
from service.security.scopes import PERMISSIONS, Criteria, Permission, Scope

_LABELS, _SUBJECT = "_security", "subject"
_FOLLOWED = {"Provenance": "target"}
"""Types that are seen where what they are about is seen, and the parameter that leads there."""
_AUDIT, _AUDITED = "AuditEvent", "patient"
"""What nobody writes or labels, and the parameter that says which patients it is about."""
_READING: tuple[Permission, ...] = ("r", "s")


class Rights:
    """What ``scopes`` give a client within its ``reach``, as predicates over the types of ``parser``.

    The types that are ``published`` are for every client.
    """

    def __init__(
        self,
        client: Client,
        reach: Reach,
        scopes: Sequence[Scope],
        parser: SearchParser,
        published: Collection[str],
    ) -> None:
        self._client = client
        self._reach = reach
        self._scopes = [scope for scope in scopes if scope.level in reach.levels]
        self._parser = parser
        self._published = published
        self._seen: dict[tuple[Permission, str], Predicate | None] = {}
        self._own: dict[tuple[Permission, str], Predicate | None] = {}
        self._used: dict[str, set[str]] = {}
        self._asked: dict[str, frozenset[str]] = {}
        self._demanded: dict[tuple[Criteria, str], Predicate] = {}
        self.types = tuple(name for name in parser.types if name in parser.linked)
        others = (*self.types, *published, _AUDIT)
        self.standing = tuple(name for name in parser.types if name not in others)
        """The types by which clients ask for what goes on: there are none for a patient in context."""
        self.has_full_clearance = reach.is_person or EVERY_LABEL in client.clearances

    def seen(self, permission: Permission, resource_type: str) -> Predicate | None:
        """Return what holds of the resources that ``permission`` is for: None where it is for all, NOTHING for none."""
        key = permission, resource_type
        if key not in self._seen:
            links = self._followed(*key) if resource_type in _FOLLOWED else None
            self._seen[key] = _together(self.own(*key), links)
        return self._seen[key]

    def own(self, permission: Permission, resource_type: str) -> Predicate | None:
        """Return the same of the resources alone, not of what they lead to."""
        key = permission, resource_type
        if key not in self._own:
            self._own[key] = self._decided(*key)
        return self._own[key]

    def asked_of(self, resource_type: str) -> frozenset[str]:
        """Return the codes of the search parameters that the predicates of a type go by."""
        if resource_type not in self._asked:
            for permission in PERMISSIONS:
                self.seen(permission, resource_type)
            self._asked[resource_type] = frozenset(self._used.get(resource_type, ()))
        return self._asked[resource_type]

    def _decided(self, permission: Permission, resource_type: str) -> Predicate | None:
        if resource_type in self._published:
            return None if permission in _READING and self._client != ANYBODY else NOTHING
        if resource_type not in (*self.types, *self.standing, _AUDIT):
            return NOTHING
        is_within = permission in (_READING if resource_type == _AUDIT else PERMISSIONS)
        if not is_within or permission not in self._reach.permissions:
            return NOTHING
        scopes = [scope for scope in self._scopes if scope.is_for(permission, resource_type)]
        granted = _one_of(self._constraint(scope, resource_type) for scope in scopes)
        return _together(granted, self._compartment(resource_type), self._clearance(resource_type))

    def _constraint(self, scope: Scope, resource_type: str) -> Predicate | None:
        """Return what a scope demands."""
        if not scope.constraint:
            return None
        key = scope.constraint, resource_type
        if key not in self._demanded:
            self._demanded[key] = self._demand(*key)
        return self._demanded[key]

    def _demand(self, constraint: Criteria, resource_type: str) -> Predicate:
        """Return what a constraint demands; one that cannot be decided of a resource alone lets none through."""
        if any(name.partition(":")[0] in RESULT_PARAMETERS for name, _ in constraint):
            return NOTHING
        if resource_type not in self._parser.types:
            return NOTHING
        try:
            asked = self._parser.parse(list(constraint), [resource_type])
        except OutcomeError:
            return NOTHING
        predicate = asked.predicates[resource_type]
        if asks_others(predicate):
            return NOTHING
        self._uses(resource_type, *asked.used.get(resource_type, ()))
        return predicate

    def _compartment(self, resource_type: str) -> Predicate | None:
        if self._reach.patients is None or resource_type in _FOLLOWED:
            return None
        code = _AUDITED if resource_type == _AUDIT else _SUBJECT
        about = self._parser.types.get(resource_type, {}).get(code)
        if about is None:
            return NOTHING
        self._uses(resource_type, code)
        return fields.equal(about, self._reach.patients)

    def _clearance(self, resource_type: str) -> Predicate | None:
        if self.has_full_clearance:
            return None
        if resource_type == _AUDIT:  # it names what is labelled, so without a clearance it is for auditors alone
            return None if self._reach.patients is None else NOTHING
        security = self._parser.types[resource_type].get(_LABELS)
        if security is None:
            return NOTHING
        self._uses(resource_type, _LABELS)
        return clearance(security, self._client.clearances)

    def _followed(self, permission: Permission, resource_type: str) -> Predicate | None:
        """Return that the resource leads to one that is seen, and to none that is there and not seen."""
        code = _FOLLOWED[resource_type]
        leading = self._parser.types[resource_type][code]
        asked: Permission = permission if permission in _READING else "r"
        far = {name: self.seen(asked, name) for name in self.types if name not in _FOLLOWED}
        if all(predicate is None for predicate in far.values()):
            return None
        self._uses(resource_type, code)
        seen = [(name, All() if each is None else each) for name, each in far.items() if each != NOTHING]
        kept = [(name, Not(each)) for name, each in far.items() if each is not None]
        leads = fields.link(leading)
        visible = any_of(LinkedTo(*leads, name, part) for name, part in seen)
        return _together(visible, Not(any_of(LinkedTo(*leads, name, part) for name, part in kept)))

    def _uses(self, resource_type: str, *codes: str) -> None:
        self._used.setdefault(resource_type, set()).update(codes)


def _one_of(predicates: Iterable[Predicate | None]) -> Predicate | None:
    """Return that one of ``predicates`` holds, of which None always does: NOTHING where there are none."""
    some = list(predicates)
    return None if None in some else any_of(dict.fromkeys(each for each in some if each is not None))


def _together(*predicates: Predicate | None) -> Predicate | None:
    """Return that all of ``predicates`` hold, of which None always does."""
    some = [each for each in predicates if each is not None]
    if NOTHING in some:
        return NOTHING
    return all_of(some) if some else None
