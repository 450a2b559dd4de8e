"""What was sent comes back, for any Goal that is valid."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.resources import there_and_back


@pytest.fixture
def client(shared_client):
    return shared_client


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
CHARACTERS = st.characters(exclude_categories=("Cs", "Cc"))
STRINGS = st.text(CHARACTERS, min_size=1, max_size=20)
CODES = st.from_regex(r"[a-zA-Z0-9$.]{1,8}( [a-z]{1,4})?", fullmatch=True)
CODINGS = st.fixed_dictionaries({}, optional={"code": CODES, "display": STRINGS, "system": st.just("http://s")}).filter(
    bool
)
CONCEPTS = st.fixed_dictionaries({"text": STRINGS}, optional={"coding": st.lists(CODINGS, min_size=1, max_size=3)})
EXTENSIONS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"url": st.just("http://e/s"), "valueString": STRINGS}),
        st.fixed_dictionaries({"valueDecimal": NUMBERS.map(lambda text: f"<<{text}>>"), "url": st.just("http://e/d")}),
        st.fixed_dictionaries({"url": st.just("http://e/c"), "valueCodeableConcept": CONCEPTS}),
    ),
    min_size=1,
    max_size=4,
)
OPTIONAL = {
    "extension": EXTENSIONS,
    "note": st.lists(st.fixed_dictionaries({"text": STRINGS}), min_size=1, max_size=3),
    "statusDate": st.dates().map(str),
    "startDate": st.dates().map(str),
    "category": st.lists(CONCEPTS, min_size=1, max_size=3),
    "target": st.lists(
        st.fixed_dictionaries({"dueDate": st.dates().map(str)}, optional={"measure": CONCEPTS}), min_size=1
    ),
}
GOALS = st.fixed_dictionaries(
    {
        "resourceType": st.just("Goal"),
        "lifecycleStatus": st.sampled_from(["proposed", "active", "completed"]),
        "description": CONCEPTS,
        "subject": st.just({"reference": "Patient/1"}),
    },
    optional=OPTIONAL,
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=GOALS, shuffled=st.randoms(use_true_random=False), ascii_only=st.booleans())
async def test_any_valid_goal_comes_back_as_sent(client, made, shuffled, ascii_only):
    members = list(made.items())
    shuffled.shuffle(members)
    text = json.dumps(dict(members), ensure_ascii=ascii_only)
    await there_and_back(client, "Goal", re.sub('"<<([-+.0-9eE]+)>>"', r"\1", text))
