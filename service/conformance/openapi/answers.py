"""Answers of operations: what success brings, and the OperationOutcomes that can come with each error."""

from http import HTTPStatus
from typing import Any

from service.conformance.definitions import Definitions
from service.conformance.openapi.samples import Samples
from service.conformance.openapi.tables import Table, fill, in_formats, refer, table
from service.fhir.outcome import RULES, VALIDATION_RULE, Issue, operation_outcome, success_outcome
from service.fhir.positions import Position

_FINDINGS = ("binding", "cpl-3", "extensible-binding")
"""What the example of an answer of $validate finds."""
HEADERS: Table = {
    "Content-Location": {"description": "Where to ask how far it is.", "schema": {"type": "string"}},
    "Expires": {"description": "When it is forgotten.", "schema": {"type": "string"}},
    "X-Progress": {"description": "How far it is, in words.", "schema": {"type": "string"}},
    "ETag": {"description": 'The version, such as `W/"1"`.', "schema": {"type": "string"}},
    "Last-Modified": {"description": "When the version was made.", "schema": {"type": "string"}},
    "Link": {"description": 'With `rel="next"` where to go on.', "schema": {"type": "string"}},
    "Location": {"description": "The address of the new version.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "What is wrong with the token.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "string"}},
}
_HEADERS_OF = {
    "page-expired": "Link",
    "token": "WWW-Authenticate",
    **dict.fromkeys(
        (
            "parameter-not-indexed",
            "database-unavailable",
            "write-conflict",
            "too-many-requests",
            "issuer-unavailable",
            "destination-unavailable",
        ),
        "Retry-After",
    ),
}
"""What comes with an answer that names a rule."""


class Answers:
    """Collects the answers of all operations; the same errors of two operations become one component."""

    def __init__(self, definitions: Definitions, samples: Samples, groups: dict[str, list[str]]) -> None:
        self._groups = groups
        self._concepts = {item["code"]: item for item in definitions.get(VALIDATION_RULE)["concept"]}
        self._example_type = definitions.stored_types[0]
        self._outcomes = table("outcomes")
        self._names: dict[tuple[str, ...], str] = {}
        self.responses: Table = {}
        self.examples: Table = {
            "Done": {"summary": "Done", "value": success_outcome("Deleted")},
            "Findings": {"summary": "What was found", "value": operation_outcome(map(self._issue, _FINDINGS))},
            "CutShort": {"summary": "One plan found, and too much to be included", "value": self._cut_short(samples)},
        }

    def of_operation(self, row: Table, resource_type: str = "") -> Table:
        """Return ``responses`` of the operation that ``row`` describes."""
        good = {status: _success(answer, resource_type) for status, answer in row["success"].items()}
        by_status: dict[int, list[str]] = {}
        for rule in self._rules(row.get("rules", [])):
            by_status.setdefault(RULES[rule].status, []).append(rule)
        bad = {str(status): self._error(row["id"], status, rules) for status, rules in sorted(by_status.items())}
        return good | bad

    def _rules(self, names: list[str]) -> list[str]:
        found = []
        for name in names:
            found += self._rules(self._groups[name[1:]]) if name.startswith("@") else [name]
        return list(dict.fromkeys(found))

    def _error(self, operation: str, status: int, rules: list[str]) -> Table:
        key = tuple(sorted(rules))
        if key not in self._names:
            name = self._names[key] = f"{operation}-{status}"
            cases = "; ".join(self._concepts[rule]["display"] for rule in rules)
            content = {"schema": refer("schemas", "OperationOutcome"), "examples": self._examples(rules)}
            headers = {header: refer("headers", header) for rule in rules if (header := _HEADERS_OF.get(rule))}
            self.responses[name] = {
                "description": f"{HTTPStatus(status).phrase}. {cases}.",
                **({"headers": headers} if headers else {}),
                "content": in_formats(content),
            }
        return refer("responses", self._names[key])

    def _examples(self, rules: list[str]) -> Table:
        for rule in rules:
            outcome = operation_outcome([self._issue(rule)])
            self.examples[rule] = {"summary": self._concepts[rule]["display"], "value": outcome}
        return {rule: refer("examples", rule) for rule in rules}

    def _cut_short(self, samples: Samples) -> Table:
        """Return a searchset that says what it leaves out."""
        found = samples.searchset(self._example_type)
        told = {"resource": operation_outcome([self._issue("include-limit")]), "search": {"mode": "outcome"}}
        return found | {"entry": [*found["entry"], told]}

    def _issue(self, rule: str) -> Issue:
        words = fill(self._outcomes.get(rule, {}), self._example_type)
        sentence = words.get("diagnostics", self._concepts[rule]["definition"])
        position = Position(*words["position"]) if "position" in words else None
        return Issue(rule, sentence, words.get("expression"), words.get("severity", "error"), position)


def _success(answer: Table, resource_type: str) -> Table:
    response: Table = {"description": answer["text"]}
    if "headers" in answer:
        response["headers"] = {name: refer("headers", name) for name in answer["headers"]}
    if "schema" in answer:
        schema: Any = refer("schemas", answer["schema"])
        if "or" in answer:
            schema = {"anyOf": [schema, refer("schemas", answer["or"])]}
        content = {"schema": schema}
        if "example" in answer:
            content["examples"] = {answer["example"]: refer("examples", answer["example"])}
        response["content"] = {answer["media"]: content} if "media" in answer else in_formats(content)
        for media_type in answer.get("also", ()):
            response["content"][media_type] = {"schema": {"type": "string"}}
        if resource_type in answer.get("pages", ()):
            response["content"]["text/html"] = {"schema": {"type": "string", "description": "A page for the person"}}
    for media_type, schema in answer.get("contents", {}).items():
        response.setdefault("content", {})[media_type] = {"schema": schema}
    return response
