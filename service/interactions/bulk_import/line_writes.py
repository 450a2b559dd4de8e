"""One line, or some that refer to each other, stored as updates; and what is told of those that are refused."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from service.fhir import json
from service.fhir.entry import Preferences, Request, Response
from service.fhir.outcome import Issue, OutcomeError, located, operation_outcome
from service.fhir.positions import Position, SourceText
from service.fhir.reference import is_id
from service.fhir.touched import Touched
from service.interactions.batch import batch_or_transaction
from service.interactions.bulk_import.lines import Line
from service.interactions.context import Context
from service.interactions.faults import fault
from service.interactions.perform import perform

MISSING = "reference-exists"
"""The rule that a line may come to fulfil, once others are stored."""
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{1,63}")
_MINIMAL = Preferences("minimal")
_UNAVAILABLE = 503


class Unreadable(Exception):  # noqa: N818 - the name says what it is
    """A line holds no resource with a type and an id; ``issues`` say why."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        super().__init__()
        self.issues = tuple(issues)


class Resource(NamedTuple):
    """What a line holds."""

    line: Line
    content: dict[str, Any]

    @property
    def type(self) -> str:
        """The type of the resource."""
        return str(self.content["resourceType"])

    @property
    def name(self) -> str:
        """``Type/id``."""
        return f"{self.type}/{self.content['id']}"

    @property
    def place(self) -> str:
        """Where its id is."""
        return f"{self.type}.id"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a line."""

    line: Line
    asked: str
    """What was asked for, and the status of the answer, such as ``PUT Goal/1 201``."""
    stored: str | None
    """The type of what is stored now as the line says, or None where it was refused."""
    touched: tuple[Touched, ...] = ()
    issues: tuple[Issue, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether nothing is wrong but that resources are not there to which it refers."""
        errors = [issue for issue in self.issues if issue.is_error]
        return bool(errors) and all(issue.rule == MISSING for issue in errors)

    @property
    def outcome(self) -> bytes:
        """The OperationOutcome of a line that was refused; every issue has the number of the line."""
        found = located(list(self.issues), SourceText(self.line.text))
        at_line = [
            replace(issue, position=Position(self.line.number, issue.position.column if issue.position else 1))
            for issue in found
        ]
        return json.dump(operation_outcome(at_line))


def read_line(line: Line) -> Resource:
    """Return what is on a line; raises Unreadable."""
    try:
        content = json.parse(line.text)
    except OutcomeError as error:
        raise Unreadable(error.issues) from None
    issues = []
    name = content.get("resourceType") if isinstance(content, dict) else None
    if not isinstance(name, str) or not _TYPE_NAME.fullmatch(name):
        issues.append(Issue("resource-type", "A line is a resource, and its resourceType says of which type"))
    elif not isinstance(content.get("id"), str) or not is_id(content["id"]):
        sentence = "What is imported keeps its id, which has 1 to 64 of the characters A-Z, a-z, 0-9, '-' and '.'"
        issues.append(Issue("id-format", sentence, f"{name}.id"))
    if issues:
        raise Unreadable(issues)
    return Resource(line, content)


def refused(line: Line, issues: Iterable[Issue], asked: str = "PUT", status: int = 422) -> Result:
    """Return that a line is refused because of ``issues``."""
    return Result(line, f"{asked} {status}", None, (), tuple(issues))


async def store_one(resource: Resource, base: str, context: Context) -> Result:
    """Return what comes of storing a resource; raises OutcomeError 503 where that is not known."""
    request = Request("PUT", (resource.type, resource.content["id"]), base, resource=resource.content)
    request.preferences = _MINIMAL
    try:
        return _stored(resource, await perform(request, context))
    except OutcomeError as error:
        return _refused(resource, error)
    except Exception as error:  # noqa: BLE001 - a fault in one line spoils no other
        return _failed(resource, error)


async def store_circle(circle: list[Resource], base: str, context: Context) -> list[Result]:
    """Return what comes of storing resources that refer to each other: all or none; raises as ``store_one`` does."""
    entries = [{"resource": each.content, "request": {"method": "PUT", "url": each.name}} for each in circle]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    try:
        response = await batch_or_transaction(Request("POST", (), base, resource=bundle, preferences=_MINIMAL), context)
    except OutcomeError as error:
        return [_refused(each, _of_entry(number, error, each)) for number, each in enumerate(circle)]
    except Exception as error:  # noqa: BLE001 - a fault in one circle spoils no other
        return [_failed(each, error) for each in circle]
    first, *others = (Result(each.line, f"PUT {each.name} 200", each.type) for each in circle)
    return [replace(first, touched=response.touched), *others]


def _stored(resource: Resource, response: Response) -> Result:
    return Result(resource.line, f"PUT {resource.name} {response.status}", resource.type, response.touched)


def _refused(resource: Resource, error: OutcomeError) -> Result:
    if error.status == _UNAVAILABLE:
        raise error
    return replace(refused(resource.line, error.issues, f"PUT {resource.name}", error.status), touched=error.touched)


def _failed(resource: Resource, error: Exception) -> Result:
    """Return that the service failed, which its log tells of."""
    outcome = json.parse(fault(error).body or b"{}")
    issue = Issue("internal", outcome["issue"][0]["diagnostics"])
    return refused(resource.line, [issue], f"PUT {resource.name}", issue.status)


def _of_entry(number: int, error: OutcomeError, resource: Resource) -> OutcomeError:
    """Return ``error`` of a transaction as it is told of one entry: what is wrong with that, or else with others."""
    place = f"Bundle.entry[{number}].resource"
    own = [
        replace(issue, expression=issue.expression.replace(place, resource.type, 1))
        for issue in error.issues
        if issue.expression and issue.expression.startswith(place)
    ]
    if own or error.status == _UNAVAILABLE:
        return error.told_as(own or error.issues)
    if not any((issue.expression or "").startswith("Bundle.entry") for issue in error.issues):
        return error
    sentence = "This refers to a resource, and that by way of others back to this, of which one is refused"
    return OutcomeError(Issue(MISSING, sentence))
