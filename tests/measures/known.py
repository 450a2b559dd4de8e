"""What an audit has to count of people who do not exist: known from what was drawn of them, not from any resource."""

from collections import Counter
from collections.abc import Iterator

from tests.measures.traits import ANSWERS, CHIME, Assessment, Drawn, Goal, Lesson, Limit, Plan

Answer = tuple[int, int, int]
"""How many one resource adds to the initial population, the denominator and the numerator."""
Counted = Counter[tuple[str, str, str, int]]
"""By stratifier, value, indicator and population."""
_DIMENSIONS = {
    "1": "hope",
    "2": "empowerment",
    "3": "connectedness",
    "4": "identity",
    "5": "connectedness",
    "6": "meaning",
}
_CONNECTING = {
    *("peer-support", "giving-peer-support", "recovery-college", "warm-line", "community-programme"),
    *("occupation", "employment"),
}
_CLINICAL = {"psychological-therapy", "medication", "risk-programme"}
_AHEAD = {"go-ahead", "go-ahead-with-stipulations", "step-by-step"}


def known(drawn: Drawn) -> Counted:
    """Return every count that is not 0."""
    counted: Counted = Counter()
    home = _homes(drawn)
    parts = {id(plan): [other for other in drawn.plans if other.part_of is plan] for plan in _wholes(drawn)}
    for plan in drawn.plans:
        _add(
            counted,
            plan,
            {
                **_of_plan(plan, parts.get(id(plan), [])),
                **_of_record(plan.limits, plan.lessons, plan.is_active, plan.status),
            },
        )
    for goal in drawn.goals:
        _add(counted, home.get(goal.id), {**_of_goal(goal), **_of_record([], goal.lessons, True, goal.status)})
    for assessment in drawn.assessments:
        of_record = _of_record(assessment.limits, assessment.lessons, assessment.is_finished, assessment.status)
        _add(counted, _home_of(assessment, home), {**_of_assessment(assessment), **of_record})
    return Counter({key: count for key, count in counted.items() if count})


def _wholes(drawn: Drawn) -> Iterator[Plan]:
    yield from (plan.part_of for plan in drawn.plans if plan.part_of)


def _homes(drawn: Drawn) -> dict[str, Plan]:
    """Return the plan that each goal and assessment stands in: the active one with the least id that lists it."""
    found: dict[str, Plan] = {}
    for plan in sorted(drawn.plans, key=lambda plan: plan.id, reverse=True):
        if plan.is_active:
            goals = [goal for goal in plan.goals if goal.is_record]
            found.update(dict.fromkeys((item.id for item in (*goals, *plan.assessments)), plan))
    return found


def _home_of(assessment: Assessment, home: dict[str, Plan]) -> Plan | None:
    by_goals = [home[goal.id] for goal in assessment.goals if goal.id in home]
    return home.get(assessment.id) or min(by_goals, key=lambda plan: plan.id, default=None)


def _add(counted: Counted, plan: Plan | None, answers: dict[str, Answer]) -> None:
    for indicator, answer in answers.items():
        for population, count in enumerate(answer):
            if answer[0] and (population < 2 or answer[1]):
                for stratum in (("", ""), *_strata(plan)):
                    counted[*stratum, indicator, population] += count


def _strata(plan: Plan | None) -> list[tuple[str, str]]:
    if plan is None:
        return [(code, "none") for code in ("custodian", "care-setting", "dual-diagnosis", "legal-status")]
    is_service = plan.service is not None and not plan.service.startswith("Practitioner")
    is_legal = plan.has_law or any(goal.is_record and goal.has_law for goal in plan.goals)
    return [
        ("custodian", plan.service or "" if is_service else "none"),
        ("care-setting", plan.setting or "none"),
        ("dual-diagnosis", "yes" if plan.is_about_substances else "no"),
        ("legal-status", "yes" if is_legal else "no"),
    ]


def _among(of: bool, is_so: bool, base: bool | None = None) -> Answer:
    """Return what something adds that is ``of`` the population, in the denominator if ``base``, and counts if so."""
    within = of and (base is None or base)
    return int(of), int(within), int(within and is_so)


def _of_plan(plan: Plan, parts: list[Plan]) -> dict[str, Answer]:
    is_so = plan.is_active
    answer = plan.answers[-1] if plan.answers else None
    records, in_force = (
        [goal for goal in plan.goals if goal.is_record],
        [goal for goal in plan.goals if goal.in_force],
    )
    served = {process for goal in in_force for process in goal.chime}
    others = {"family", "peer", "clinician"} & set(plan.contributors)
    risks = [assessment for assessment in plan.assessments if assessment.status != "entered-in-error"]
    raters = {*plan.dundrum, *(rater for item in (*records, *risks) for rater in item.dundrum)}
    is_theirs = [goal.orientation in ("clinical", "obligation") for goal in in_force]
    coded = [support for support in plan.supports if support != "uncoded"]
    steps = plan.has_step or any(part.is_active and part.has_step for part in parts)
    kinds = [lesson.kind for lesson in plan.lessons]
    secure = plan.setting == "secure" and bool(raters)
    return {
        "M1": _among(is_so, "person" in plan.contributors and bool(others) and answer == "agree"),
        "M2": _among(is_so, answer is not None),
        **{f"M2-{code}": _among(is_so, answer == code) for code in ANSWERS},
        "M3": _among(is_so, "peer" in plan.contributors),
        "M4": _among(
            is_so, plan.has_own_note or any(g.orientation == "personal" and g.is_expressed_by_person for g in records)
        ),
        "M7": _among(is_so, bool(is_theirs) and all(is_theirs), bool(plan.goals)),
        "M9": _among(is_so, len(served) >= 3),
        **{f"M9-{process}": _among(is_so, process in served) for process in CHIME},
        **{f"M9-dimension-{number}": _among(is_so, process in served) for number, process in _DIMENSIONS.items()},
        "M10": _among(is_so, plan.has_strength or any(goal.has_strength for goal in records)),
        "M18": _among(is_so, plan.review != "ahead"),
        "M19b": _among(is_so, "went-well" in kinds, bool(kinds)),
        "M20": _among(is_so, any(goal.has_meaning for goal in records), secure),
        "M20b": _among(is_so, "together" in raters or {"person", "staff"} <= raters, secure),
        "M22": _among(is_so, answer == "agree" and steps),
        "M23": _among(is_so, bool(_CONNECTING & set(plan.supports))),
        "M24": (len(coded), len(coded), sum(support in _CLINICAL for support in coded)) if is_so else (0, 0, 0),
    }


def _of_goal(goal: Goal) -> dict[str, Answer]:
    is_chosen = goal.orientation != "obligation"
    leads = any(other.is_record and other.orientation == "personal" for other in goal.related)
    has_setback = any(lesson.kind == "setback" for lesson in goal.lessons)
    return {
        "M5": _among(goal.in_force, goal.is_expressed_by_person, is_chosen),
        "M6": _among(goal.in_force, bool(goal.answers) and goal.answers[-1] == "agree", is_chosen),
        "M8": _among(goal.in_force and goal.is_abstinence, not leads),
        "M21": _among(goal.in_force and goal.orientation == "obligation", leads),
        "M25": _among(goal.is_record and has_setback, goal.in_force or goal.achievement in ("achieved", "sustaining")),
    }


def _of_assessment(assessment: Assessment) -> dict[str, Answer]:
    is_so = assessment.is_finished and assessment.is_in_period
    decision = assessment.decision or {}
    outcome, kinds = decision.get("outcome"), set(assessment.predictions)
    staff = any(party.startswith(("Practitioner", "CareTeam")) for party in assessment.disagreeing)
    return {
        "M11": _among(is_so, "benefit" in kinds and assessment.has_strength),
        "M11b": _among(is_so, "cost-of-avoiding" in kinds),
        "M11c": _among(is_so, kinds == {"harm"}),
        "M12": _among(is_so, bool({"person", "shared"} & set(assessment.viewpoints))),
        "M13": _among(
            is_so, decision.get("decided-by") in ("person", "shared") and decision["informed"] is True, bool(decision)
        ),
        "M14": _among(
            is_so, outcome in {*_AHEAD, "put-off-by-person"}, staff and decision.get("capacity") != "lacks-capacity"
        ),
        "M17": _among(is_so, assessment.has_support, outcome in _AHEAD),
    }


def _of_record(limits: list[Limit], lessons: list[Lesson], is_in_force: bool, status: str) -> dict[str, Answer]:
    standing = [limit for limit in limits if is_in_force]
    chosen = sum(limit.standing in ("asked-for-by-person", "agreed") for limit in standing)
    legal = sum(limit.standing == "legal" for limit in standing)
    imposed = [limit for limit in standing if limit.standing == "imposed"]
    setbacks = [lesson for lesson in lessons if lesson.kind == "setback" and status != "entered-in-error"]
    learned = sum(lesson.is_learned_from for lesson in setbacks)
    every = len(standing)
    return {
        "M15": (every, every - legal, chosen),
        "M15-legal": (every, every, legal),
        "M16": (every, len(imposed), sum(limit.is_past_review for limit in imposed)),
        "M19": (len(setbacks), len(setbacks), learned),
    }
