"""OperationOutcome: what went wrong, where, by which rule (https://hl7.org/fhir/R4/operationoutcome.html).

The rules are the published CodeSystem ``validation-rule``: each row says which issue type and which HTTP status
belong to it. A key that is not in it is the key of a FHIR invariant, such as ``cpl-3``.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from service.fhir.versions import R4

VALIDATION_RULE = "https://w3id.org/recovery-plan/CodeSystem/validation-rule"

MOST_SHOWN = 100
"""Issues in one answer."""

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the CodeSystem: the issue type, and the HTTP status of an answer whose worst issue this is."""

    issue_type: str
    status: int


def _read_rules() -> dict[str, Rule]:
    table = json.loads((R4.definitions / "CodeSystem-validation-rule.json").read_bytes())
    rules = {}
    for concept in table["concept"]:
        values = {item["code"]: item for item in concept["property"]}
        rules[concept["code"]] = Rule(values["issue-type"]["valueCode"], values["status"]["valueInteger"])
    return rules


RULES = _read_rules()
_INVARIANT = Rule("invariant", 422)


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong: the rule's key, a sentence to act on, and its place as a FHIRPath expression."""

    rule: str
    diagnostics: str
    expression: str | None = None
    severity: Severity = "error"

    @property
    def status(self) -> int:
        """The HTTP status that goes with the rule."""
        return RULES.get(self.rule, _INVARIANT).status

    def as_json(self) -> dict[str, Any]:
        """Return the element ``OperationOutcome.issue``."""
        issue: dict[str, Any] = {
            "severity": self.severity,
            "code": RULES.get(self.rule, _INVARIANT).issue_type,
            "details": {"coding": [{"system": VALIDATION_RULE, "code": self.rule}]},
            "diagnostics": self.diagnostics,
        }
        if self.expression:
            issue["expression"] = [self.expression]
        return issue


class OutcomeError(Exception):
    """A request that cannot be done; carries every issue found. The status is that of the gravest issue."""

    def __init__(self, *issues: Issue, headers: dict[str, str] | None = None) -> None:
        super().__init__("; ".join(issue.rule for issue in issues))
        self.issues = issues
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """400 where anything is malformed, else the status of the first issue."""
        statuses = [issue.status for issue in self.issues]
        return 400 if 400 in statuses else statuses[0]


def shown(name: str) -> str:
    """Return a name that a client sent as it can be told back: 64 characters at most, all of them plain ASCII."""
    return ascii(name[:64])[1:-1]


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """Return an OperationOutcome resource that lists ``issues``, of a great many the first."""
    every = list(issues)
    shown = [issue.as_json() for issue in every[:MOST_SHOWN]]
    if len(every) > MOST_SHOWN:
        shown.append(_information(f"There are more issues than the first {MOST_SHOWN}; mend these and ask again"))
    return {"resourceType": "OperationOutcome", "issue": shown}


def success_outcome(sentence: str) -> dict[str, Any]:
    """Return an OperationOutcome that says a request was done."""
    return {"resourceType": "OperationOutcome", "issue": [_information(sentence)]}


def _information(sentence: str) -> dict[str, Any]:
    return {"severity": "information", "code": "informational", "diagnostics": sentence}
