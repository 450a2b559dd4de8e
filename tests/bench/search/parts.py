"""What the resources of several types have in common, with sentinels where one differs from the next."""

from collections.abc import Sequence
from typing import Any

from tests.bench.search import codes
from tests.bench.search.codes import concept, extension
from tests.bench.search.stamp import DAYS, TEXTS
from tests.bench.search.wording import Inventor

Resource = dict[str, Any]

DAY = {name: day.isoformat() for name, day in DAYS.items()}
PERSON = f"Patient/{TEXTS['person']}"
STAFF = [f"Practitioner/{TEXTS[name]}" for name in ("staff-1", "staff-2")]
SUPPORTER = f"RelatedPerson/{TEXTS['supporter']}"
ENDED = ("completed", "revoked", "entered-in-error")
"""Statuses of plans that are no longer lived with."""


def front(of_type: str, profile: str) -> Resource:
    """Return what each resource begins with."""
    return {
        "resourceType": of_type,
        "meta": {
            "profile": [f"{codes.CANONICAL}/StructureDefinition/{profile}"],
            "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}],
            "tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}],
        },
    }


def subject() -> Resource:
    """Return whom a resource is about."""
    return {
        "reference": PERSON,
        "identifier": {"system": codes.PEOPLE, "value": TEXTS["national-number"]},
        "display": f"Invented Person {TEXTS['person-number']}",
    }


def agreements(invent: Inventor) -> Sequence[Resource]:
    """Return what the person, and half the time a worker, say to it."""
    parties = [PERSON, *([STAFF[0]] if invent.random() < 0.5 else [])]
    return [_agreement(party, invent.one_of(codes.AGREED), invent) for party in parties]


def _agreement(party: str, status: str, invent: Inventor) -> Resource:
    return extension(
        "agreement",
        party_valueReference={"reference": party},
        status_valueCode=status,
        date_valueDate=DAY["day"],
        **({"comment_valueString": invent.sentences(1)} if status == "disagree" else {}),
    )


def strengths(invent: Inventor) -> Sequence[Resource]:
    """Return one or two strengths."""
    texts = [invent.sentences(1) for _ in range(invent.choice((1, 1, 2)))]
    return [extension("strength", valueCodeableConcept={"text": text}) for text in texts]


def next_review(invent: Inventor, status: str) -> Sequence[Resource]:
    """Return when it is looked at again: always while it is lived with, else at times."""
    share = 0.3 if status in ENDED else 1
    return [extension("next-review", valueDate=DAY["review"])] if invent.random() < share else []


def stipulations_of(invent: Inventor, *, needed: bool = False) -> Sequence[Resource]:
    """Return up to two stipulations, at least one where it is ``needed``."""
    count = max(invent.choice((0, 0, 0, 1, 2)), int(needed))
    return [
        extension(
            "stipulation",
            text_valueString=invent.sentences(1),
            standing_valueCode=invent.one_of(codes.STANDINGS),
            rationale_valueString=invent.sentences(1),
            review_by_valueDate=DAY["stipulated"],
        )
        for _ in range(count)
    ]


def legal_basis(*, needed: bool) -> Sequence[Resource]:
    """Return a legal basis where it is ``needed``."""
    if not needed:
        return []
    instrument = concept("legal-instrument", "community-treatment-order")
    authority = {"display": "A hospital that is not"}
    return [extension("legal-basis", instrument_valueCodeableConcept=instrument, authority_valueReference=authority)]


def rest_on_law(stipulations: Sequence[Resource]) -> bool:
    """Return whether one of the stipulations does."""
    return any({"url": "standing", "valueCode": "legal"} in each["extension"] for each in stipulations)


def note(invent: Inventor) -> Resource:
    """Return a note in the words of the person."""
    topic = {
        "url": "http://hl7.org/fhir/StructureDefinition/annotationType",
        "valueCodeableConcept": concept("own-words-topic", invent.one_of(codes.TOPICS)),
    }
    return {
        "extension": [topic],
        "authorReference": {"reference": PERSON},
        "time": f"{DAY['day']}T10:11:32+00:00",
        "text": invent.sentences(2),
    }
