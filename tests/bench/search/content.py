"""The resources of the bench, each in one of the styles of its type."""

from tests.bench.search.care_plan import care_plan
from tests.bench.search.goal import goal
from tests.bench.search.parts import Resource
from tests.bench.search.risk_assessment import risk_assessment
from tests.bench.search.style import Style

_OF_TYPE = {"CarePlan": care_plan, "Goal": goal, "RiskAssessment": risk_assessment}


def resource(style: Style) -> Resource:
    """Return the resource of this style, with sentinels where one differs from the next."""
    return _OF_TYPE[style.type](style)
