"""OperationOutcome: what went wrong, where, by which rule (https://hl7.org/fhir/R4/operationoutcome.html).

The rules are the published CodeSystem ``validation-rule``: each row says which issue type and which HTTP status
belong to it. A key that is not in it is the key of an invariant, of a definition that was added.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal

from service.fhir.positions import Position, SourceText, steps_of
from service.fhir.touched import Touched
from service.fhir.versions import R4

VALIDATION_RULE = "https://w3id.org/recovery-plan/CodeSystem/validation-rule"

_LINE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
_COLUMN = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"

MOST_SHOWN = 100
"""Issues in one answer."""
LONGEST_NAME = 128
LONGEST_VALUE = 64
"""Characters of what a client sent that a sentence repeats."""
_MOST_NEAR = 3
_SHORT_WORD = re.compile(rf"[!-@\[-~]{{1,{LONGEST_VALUE}}}|[!-`{{-~]{{1,{LONGEST_VALUE}}}")
"""A code, never a name: without capitals, or with nothing but capitals."""

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
        rules[concept["code"]] = Rule(
            values["issue-type"]["valueCoding"]["code"], values["http-status"]["valueInteger"]
        )
    return rules


RULES = _read_rules()
_INVARIANT = Rule("invariant", 422)
_NO_TEXT = dict.fromkeys((*range(32), *range(127, 160), *range(0xD800, 0xE000)), "\ufffd")
"""Characters that no text of FHIR holds."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong: the rule's key, a sentence to act on, and its place as a FHIRPath expression."""

    rule: str
    diagnostics: str
    expression: str | None = None
    severity: Severity = "error"
    position: Position | None = None
    """Where it is in the text that was sent, if that cannot be told by the expression."""

    @property
    def is_error(self) -> bool:
        """Whether it stands in the way of what was asked for; a warning or a piece of information does not."""
        return self.severity in ("fatal", "error")

    @property
    def status(self) -> int:
        """The HTTP status that goes with the rule."""
        return RULES.get(self.rule, _INVARIANT).status

    @property
    def is_in_body(self) -> bool:
        """Whether the place is one in a resource that was sent, and not in the head of the request."""
        return self.expression is not None and not self.expression.startswith("http.")

    def as_json(self) -> dict[str, Any]:
        """Return the element ``OperationOutcome.issue``."""
        issue: dict[str, Any] = {
            "severity": self.severity,
            "code": RULES.get(self.rule, _INVARIANT).issue_type,
            "details": {"coding": [{"system": VALIDATION_RULE, "code": self.rule}]},
            "diagnostics": self.diagnostics,
        }
        if self.position:
            line, column = self.position
            issue["extension"] = [{"url": _LINE, "valueInteger": line}, {"url": _COLUMN, "valueString": str(column)}]
            issue["location"] = [f"Line[{line}] Col[{column}]"]
        if self.expression:
            issue["expression"] = [self.expression.translate(_NO_TEXT)]  # names in it may be a client's
        return issue


class OutcomeError(Exception):
    """A request that cannot be done; carries every issue found. The status is that of the gravest issue.

    ``touched`` are the versions that the issues or the headers tell of, for the audit.
    """

    def __init__(
        self, *issues: Issue, headers: dict[str, str] | None = None, touched: tuple[Touched, ...] = ()
    ) -> None:
        super().__init__("; ".join(issue.rule for issue in issues))
        self.issues = issues
        self.headers = headers or {}
        self.touched = touched

    def told_as(self, issues: Iterable[Issue]) -> "OutcomeError":
        """Return the same outcome with ``issues``, which tell of the same at other places."""
        return OutcomeError(*issues, headers=self.headers, touched=self.touched)

    @property
    def status(self) -> int:
        """400 where anything is malformed, else the status of the first error; warnings play no role."""
        statuses = [issue.status for issue in self.issues if issue.is_error]
        return 400 if 400 in statuses else statuses[0]


def shown(name: str) -> str:
    """Return a name that a client sent as it can be told back: its first 128 characters, all of them plain ASCII."""
    return ascii(name[:LONGEST_NAME])[1:-1]


def quoted(value: Any) -> str:
    """Return a value of a resource as a sentence may show it, which never repeats what a person wrote.

    A short word without white space, a number, true or false are shown (``'banana'``, ``5``); of all else its kind.
    """
    if isinstance(value, str):
        return f"'{value}'" if _SHORT_WORD.fullmatch(value) else _text_of(len(value))
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, Decimal)):
        digits = getattr(value, "text", None) or str(value)
        return digits if len(digits) <= LONGEST_VALUE else f"a number of {len(digits)} digits"
    return "a list" if isinstance(value, list) else "an object"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about ``name``, which names nothing: the nearest of ``known``, or nothing.

    Where none is written alike, near are those of which it is a part, as ``status`` is of ``lifecycle-status``.
    """
    names, text = list(known), name[:LONGEST_NAME]
    near = get_close_matches(text, names, 1) or [item for item in names if text in item.split("-")][:_MOST_NEAR]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _text_of(length: int) -> str:
    return f"a text of {length} character{'s' if length > 1 else ''}" if length else "an empty text"


def operation_outcome(issues: Iterable[Issue], text: SourceText | None = None) -> dict[str, Any]:
    """Return an OperationOutcome resource that lists ``issues`` by their places, of a great many the first errors.

    What is mere information stands last. ``text`` is the JSON in which the places are; with it each issue says line and
    column.
    """
    every = sorted(issues, key=_by_place)
    gravest = sorted(every, key=lambda issue: not issue.is_error)[:MOST_SHOWN]
    told = sorted(gravest, key=_by_place)
    listed = [issue.as_json() for issue in (located(told, text) if text else told)]
    if len(every) > MOST_SHOWN:
        listed.append(_information(f"There are more issues than the first {MOST_SHOWN}; mend these and ask again"))
    return {"resourceType": "OperationOutcome", "issue": listed}


def _by_place(issue: Issue) -> tuple[bool, list[tuple[str, int]], bool, str]:
    steps = steps_of(issue.expression or "")
    place = [(step, -1) if isinstance(step, str) else ("", step) for step in steps]
    return issue.severity == "information", place, not issue.is_error, issue.rule


def located(issues: list[Issue], text: SourceText) -> list[Issue]:
    """Return ``issues`` with line and column in ``text`` where they have a place in it."""
    places = {issue.expression for issue in issues if issue.is_in_body and issue.position is None}
    found = text.positions(place for place in places if place)
    return [replace(issue, position=issue.position or found.get(issue.expression or "")) for issue in issues]


def success_outcome(sentence: str) -> dict[str, Any]:
    """Return an OperationOutcome that says a request was done."""
    return {"resourceType": "OperationOutcome", "issue": [_information(sentence)]}


def _information(sentence: str) -> dict[str, Any]:
    return {"severity": "information", "code": "informational", "diagnostics": sentence}
