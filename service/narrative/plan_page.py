"""What stands on the page of a plan: the plan, and in it the goals, risk decisions and plans that belong to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.fhir.reference import Addresses
from service.narrative.added import added_words
from service.narrative.care_plan import in_order, is_risk_assessment
from service.narrative.document import Document, Section, Statement
from service.narrative.narrator import DOCUMENTS, Narrator
from service.narrative.record import Record
from service.narrative.wording import WORDS

Resource = dict[str, Any]
Reference = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Related:
    """What belongs on the page of a plan beside the plan itself."""

    resources: Mapping[str, Resource] = field(default_factory=dict)
    """The goals and risk assessments that were found, by the normal form of a reference to each."""
    plans: Sequence[Resource] = ()
    """The plans that are part of this one."""
    is_complete: bool = True
    """Whether nothing that belongs here was left out because there is too much of it."""


def goals_named(plan: Resource) -> list[Reference]:
    """Return the references of a plan to goals."""
    return list(plan.get("goal", ()))


def risk_assessments_named(resource: Resource) -> Iterator[Reference]:
    """Yield the references of a plan or a goal to risk assessments."""
    yield from filter(is_risk_assessment, (*resource.get("supportingInfo", ()), *resource.get("addresses", ())))


class PlanPage:
    """Puts together what stands on the page of one plan; a goal or risk decision stands there in full once."""

    def __init__(self, plan: Resource, related: Related, narrator: Narrator, addresses: Addresses) -> None:
        self._plan = plan
        self._related = related
        self._narrator = narrator
        self._addresses = addresses
        self._shown: set[str] = set()

    def document(self) -> Document:
        """Return all that is to be read."""
        page = self._of_plan(self._plan)
        parts = [self._of_plan(part) for part in self._related.plans]
        for part, document in zip(self._related.plans, parts, strict=True):
            document.address = f"../CarePlan/{part['id']}"
        plans = Section("other-plans", WORDS["section.other-plans"], documents=parts)
        page.sections = in_order(self._plan, [*page.sections, plans])
        if not self._related.is_complete:
            page.alert = f"{page.alert} {WORDS['alert.more']}".strip()
        return page

    def _of_plan(self, plan: Resource) -> Document:
        """Return the document of a plan, with the documents of its goals and risk decisions in it."""
        record = self._narrator.record(plan)
        document = self._of(record)
        goals = goals_named(plan)
        named = [plan, *(found for goal in goals if (found := self._find(record, goal)))]
        risks = [reference for resource in named for reference in risk_assessments_named(resource)]
        resolved = [self._resolved(record, "goals", goals), self._resolved(record, "risk-decisions", risks)]
        others = [section for section in document.sections if section.key not in ("goals", "risk-decisions")]
        document.sections = in_order(plan, [*others, *resolved])
        return document

    def _of(self, record: Record) -> Document:
        document = DOCUMENTS[record.type](record)
        words = added_words(record.resource.get("text"))
        if words:
            added = Section("added", WORDS["section.added"], [Statement(words, tone="others")])
            document.sections = [*document.sections, added]
        return document

    def _resolved(self, record: Record, key: str, references: Iterable[Reference]) -> Section:
        section = Section(key, WORDS[f"section.{key}"])
        statements: list[Statement] = []
        documents: list[Document] = []
        by_target = {self._target(reference): reference for reference in references}
        for target, reference in by_target.items():
            found = self._find(record, reference)
            if found is None:
                statements.append(Statement(record.reference(reference), tag=WORDS["elsewhere"]))
            elif not self._is_about_same_person(found):
                statements.append(Statement(record.reference(reference), tag=WORDS["somebody-else"]))
            elif target in self._shown:
                statements.append(Statement(record.reference(reference)))
            else:
                self._shown.add(target)
                documents.append(self._of(self._narrator.record(found)))
        section.statements, section.documents = statements, documents
        return section

    def _find(self, record: Record, reference: Reference) -> Resource | None:
        found = record.contained(reference) or self._related.resources.get(self._target(reference))
        return found if found and found["resourceType"] in DOCUMENTS else None

    def _target(self, reference: Reference) -> str:
        return self._addresses.normal(reference.get("reference", "")) or str(reference)

    def _is_about_same_person(self, resource: Resource) -> bool:
        """Return whether ``resource`` is about the person of the plan, as far as the two can be compared."""
        mine, theirs = self._plan.get("subject", {}), resource.get("subject", {})
        comparable = any(key in mine and key in theirs for key in ("reference", "identifier"))
        return self._addresses.same_reference(mine, theirs) or not comparable
