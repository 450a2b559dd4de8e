"""Extensions of ours and official ones, as their definitions want them."""

from hypothesis import strategies as st

from tests.support.generated.elements import (
    OFFICIAL,
    OWN,
    PARTIES,
    Resource,
    Values,
    concepts,
    days,
    links,
    references,
    texts,
)

_DEFINITIONS = f"{OWN}/StructureDefinition"


def _complex(url: str, **parts: Values) -> Values:
    """Extensions of ``url`` with a value in each part; a part's name is followed by the type of its value."""

    def made(values: Resource) -> Resource:
        named = [name.rsplit("_", 1) for name in values]
        inside = [
            {"url": part.replace("_", "-"), f"value{kind}": value}
            for (part, kind), value in zip(named, values.values(), strict=True)
            if value is not None
        ]
        return {"url": url, "extension": inside}

    return st.fixed_dictionaries(parts).map(made)


def _simple(name: str, kind: str, values: Values) -> Values:
    return values.map(lambda value: {"url": f"{_DEFINITIONS}/{name}", f"value{kind}": value})


def _perhaps(values: Values) -> Values:
    return st.one_of(st.none(), values)


def _codes(*known: str) -> Values:
    return st.sampled_from(known)


_agreements = _complex(
    f"{_DEFINITIONS}/agreement",
    party_Reference=references("Patient/1", *PARTIES, "Practitioner/1"),
    status_Code=_codes("agree", "disagree", "not-asked"),
    comment_String=_perhaps(texts),
)
_stipulations = _complex(
    f"{_DEFINITIONS}/stipulation",
    text_String=texts,
    standing_Code=_codes("imposed", "agreed"),
    review_by_Date=_perhaps(days),
)
_learnings = _complex(f"{_DEFINITIONS}/learning", kind_Code=_codes("setback", "went-well"), happened_String=texts)
_safety_steps = _complex(f"{_DEFINITIONS}/safety-step", part_CodeableConcept=concepts, text_String=texts)
_legal_bases = _complex(f"{_DEFINITIONS}/legal-basis", instrument_CodeableConcept=concepts)
_decisions = _complex(
    f"{_DEFINITIONS}/decision",
    outcome_Code=_codes("go-ahead", "prevented"),
    decided_by_Code=_codes("person", "shared"),
    rationale_String=_perhaps(texts),
)
_acceptances = _complex(
    f"{OFFICIAL}/goal-acceptance",
    individual_Reference=references("Patient/1", *PARTIES),
    status_Code=_codes("agree", "disagree"),
)
_relationships = _complex(
    f"{OFFICIAL}/goal-relationship", type_CodeableConcept=concepts, target_Reference=links("Goal")
)
_strengths = _simple("strength", "CodeableConcept", concepts)
_reviews = _simple("next-review", "Date", days)
_contributors = _simple("contributor", "Reference", references(*PARTIES, "Practitioner/1"))
_pertaining = links("Goal").map(lambda link: {"url": f"{OFFICIAL}/resource-pertainsToGoal", "valueReference": link})

roles = _simple("contributor-role", "CodeableConcept", concepts).map(lambda item: [item])
kinds = _simple("prediction-kind", "Code", _codes("benefit", "harm", "cost-of-avoiding")).map(lambda item: [item])
results = _complex(
    f"{_DEFINITIONS}/assessment-result",
    instrument_CodeableConcept=concepts,
    rater_Code=_codes("person", "staff"),
    meaning_String=_perhaps(texts),
).map(lambda item: [item])


def _together(many: list[Values], once: list[Values]) -> Values:
    """Lists of extensions, of which those in ``once`` come once at most."""
    several = st.lists(st.one_of(many), min_size=1, max_size=6)
    single = [st.lists(values, max_size=1) for values in once]
    return st.tuples(several, *single).map(lambda parts: [item for part in parts for item in part])


on_plans = _together(
    [_agreements, _agreements, _stipulations, _stipulations, _learnings, _safety_steps, _legal_bases, _strengths],
    [_reviews],
)
on_goals = _together([_acceptances, _relationships, _relationships, _learnings, _legal_bases, _strengths], [])
on_risks = _together(
    [_agreements, _stipulations, _learnings, _strengths, _contributors, _pertaining, _pertaining],
    [_decisions, _reviews],
)
