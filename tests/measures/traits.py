"""People who do not exist, and what is true of their plans: drawn at random, before any resource is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

T = TypeVar("T")

STANDINGS = ("asked-for-by-person", "agreed", "imposed", "legal")
ANSWERS = ("agree", "disagree", "pending", "not-asked", "took-no-part")
CHIME = ("connectedness", "hope", "identity", "meaning", "empowerment")
SUPPORTS = (
    *("peer-support", "giving-peer-support", "recovery-college", "warm-line", "recovery-narrative", "occupation"),
    *("employment", "community-programme", "psychosocial-rehabilitation", "psychological-therapy", "medication"),
    "risk-programme",
)
OUTCOMES = ("go-ahead", "go-ahead-with-stipulations", "step-by-step", "put-off-by-person", "not-supported", "prevented")
SETTINGS = ("community", "inpatient", "secure", "prison")
SERVICES = ("Organization/invented-harbour", "Organization/invented-fell", "CareTeam/invented-mill")
RATERS = ("person", "staff", "together")


@dataclass
class Limit:
    """A condition (stipulation)."""

    standing: str
    is_past_review: bool


@dataclass
class Lesson:
    """An event that is recorded as learning."""

    kind: str
    is_learned_from: bool


@dataclass
class Goal:
    """What is true of a goal."""

    id: str
    person: str
    status: str
    orientation: str | None
    chime: list[str]
    is_abstinence: bool
    is_expressed_by_person: bool
    answers: list[str]
    has_strength: bool
    lessons: list[Lesson]
    dundrum: list[str]
    has_meaning: bool
    has_law: bool
    achievement: str | None
    related: "list[Goal]" = field(default_factory=list)

    @property
    def in_force(self) -> bool:
        return self.status in ("accepted", "active", "on-hold")

    @property
    def is_record(self) -> bool:
        return self.status != "entered-in-error"


@dataclass
class Assessment:
    """What is true of a risk assessment."""

    id: str
    person: str
    status: str
    is_in_period: bool
    predictions: list[str]
    viewpoints: list[str]
    has_strength: bool
    decision: dict[str, str | bool | None] | None
    disagreeing: list[str]
    has_support: bool
    limits: list[Limit]
    lessons: list[Lesson]
    dundrum: list[str]
    goals: list[Goal]

    @property
    def is_finished(self) -> bool:
        return self.status in ("final", "amended", "corrected")


@dataclass
class Plan:
    """What is true of a plan."""

    id: str
    person: str
    status: str
    marks: tuple[str, ...]
    """By what it is known as a recovery plan: profile, category, or neither."""
    answers: list[str]
    contributors: list[str]
    has_own_note: bool
    has_strength: bool
    review: str
    """ahead, past, or none."""
    has_step: bool
    supports: list[str]
    """Kinds of support; "other" for a code of another system, "uncoded" for an activity without one."""
    not_done: list[str]
    limits: list[Limit]
    lessons: list[Lesson]
    dundrum: list[str]
    has_law: bool
    setting: str | None
    service: str | None
    is_about_substances: bool
    goals: list[Goal]
    assessments: list[Assessment]
    part_of: "Plan | None" = None

    @property
    def is_active(self) -> bool:
        return self.status == "active" and bool(self.marks)


class Drawn:
    """Plans, goals and assessments of invented people, each with an id that no other has."""

    def __init__(self, seed: int, people: int) -> None:
        self._random = Random(seed)
        self.plans: list[Plan] = []
        self.goals: list[Goal] = []
        self.assessments: list[Assessment] = []
        for number in range(people):
            self._draw(f"Patient/invented-{number:06}")

    def _draw(self, person: str) -> None:
        goals = [self._goal(person) for _ in range(self._random.choice((0, 1, 2, 3, 3, 4, 5)))]
        for goal in goals:
            if self._is(0.4):
                goal.related = self._some(goals, 2)
        assessments = [self._assessment(person, goals) for _ in range(self._random.choice((0, 1, 1, 2)))]
        self.goals += goals
        self.assessments += assessments
        plan = self._plan(person, self._some(goals, 5), self._some(assessments, 2))
        self.plans.append(plan)
        if self._is(0.3):
            part = self._plan(person, self._some(goals, 1), self._some(assessments, 1))
            part.part_of = plan
            self.plans.append(part)

    def _is(self, probability: float) -> bool:
        return self._random.random() < probability

    def _one(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _some(self, choices: Sequence[T], most: int) -> list[T]:
        return self._random.sample(choices, self._random.randint(0, min(most, len(choices))))

    def _id(self) -> str:
        """Ids whose order tells nothing of the order in which they are drawn."""
        return f"invented-{self._random.getrandbits(48):012x}"

    def _limits(self) -> list[Limit]:
        return [Limit(self._one(*STANDINGS), self._is(0.4)) for _ in range(self._random.choice((0, 0, 1, 3)))]

    def _lessons(self) -> list[Lesson]:
        kinds = [self._one("setback", "went-well") for _ in range(self._random.choice((0, 0, 1, 2)))]
        return [Lesson(kind, self._is(0.6)) for kind in kinds]

    def _goal(self, person: str) -> Goal:
        status = self._one("proposed", "accepted", "active", "active", "active", "on-hold", "completed", "cancelled")
        orientation = self._one("personal", "personal", "clinical", "obligation", "")
        dundrum = self._some(RATERS, 2) if self._is(0.3) else []
        return Goal(
            *(self._id(), person, "entered-in-error" if self._is(0.03) else status, orientation or None),
            *(self._some(CHIME, 3), self._is(0.2), self._is(0.6)),
            answers=[
                self._one("agree", "agree", "disagree", "pending") for _ in range(self._random.choice((0, 1, 1, 2)))
            ],
            has_strength=self._is(0.3),
            lessons=self._lessons(),
            dundrum=dundrum,
            has_meaning=bool(dundrum) and self._is(0.5),
            has_law=orientation == "obligation" or self._is(0.05),
            achievement=self._one("", "in-progress", "achieved", "sustaining", "not-achieved") or None,
        )

    def _assessment(self, person: str, goals: list[Goal]) -> Assessment:
        predictions = [
            self._one("benefit", "harm", "harm", "cost-of-avoiding") for _ in range(self._random.choice((0, 1, 2, 3)))
        ]
        decision: dict[str, str | bool | None] = {
            "outcome": self._one(*OUTCOMES),
            "decided-by": self._one("person", "shared", "substitute", "service", "legal-authority"),
            "informed": self._random.choice((True, True, False, None)),
            "capacity": self._one("", "presumed", "has-capacity", "lacks-capacity") or None,
        }
        return Assessment(
            *(
                self._id(),
                person,
                self._one("final", "final", "amended", "corrected", "preliminary", "entered-in-error"),
            ),
            is_in_period=self._is(0.7),
            predictions=predictions,
            viewpoints=[self._one("person", "supporter", "staff", "shared", "") for _ in predictions],
            has_strength=self._is(0.6),
            decision=decision if self._is(0.7) else None,
            disagreeing=self._some(("Practitioner/x", "CareTeam/y", "RelatedPerson/z", person), 2)
            if self._is(0.6)
            else [],
            has_support=self._is(0.5),
            limits=self._limits(),
            lessons=self._lessons(),
            dundrum=self._some(RATERS, 2) if self._is(0.2) else [],
            goals=self._some(goals, 2),
        )

    def _plan(self, person: str, goals: list[Goal], assessments: list[Assessment]) -> Plan:
        status = self._one("draft", "active", "active", "active", "active", "active", "on-hold", "completed", "revoked")
        marks = self._random.choice((("profile", "category"), ("profile",), ("category",), ()))
        return Plan(
            *(self._id(), person, "entered-in-error" if self._is(0.03) else status, marks),
            answers=[self._one(*ANSWERS, "agree", "agree") for _ in range(self._random.choice((0, 1, 1, 1, 2)))],
            contributors=self._some(("person", "family", "peer", "clinician", "device"), 4),
            has_own_note=self._is(0.4),
            has_strength=self._is(0.3),
            review=self._one("ahead", "ahead", "past", "none"),
            has_step=self._is(0.4),
            supports=self._some((*SUPPORTS, "other", "uncoded"), 4),
            not_done=self._some(SUPPORTS, 1),
            limits=self._limits(),
            lessons=self._lessons(),
            dundrum=self._some(RATERS, 2) if self._is(0.3) else [],
            has_law=self._is(0.2),
            setting=self._one(*SETTINGS, "secure", "") or None,
            service=self._one(*SERVICES, "Practitioner/x", "") or None,
            is_about_substances=self._is(0.3),
            goals=goals,
            assessments=assessments,
        )
