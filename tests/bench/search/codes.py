"""The codes of the bench's resources and how many of a hundred have each: frequent ones, and ones that are rare."""

from collections.abc import Mapping
from typing import Any

CANONICAL = "https://w3id.org/recovery-plan"
NUMBERS = "https://plans.bench.example/number"
"""The system of the identifiers of plans."""
PEOPLE = "https://people.bench.example/number"
"""The system of the numbers by which people are known everywhere."""

Shares = Mapping[str, float]

SETTINGS: Shares = {"community": 55, "inpatient": 22, "secure": 18, "prison": 5}
KINDS: Shares = {"recovery-plan": 62, "wellness-recovery-action-plan": 26, "personal-safety-plan": 12}
RARE_KIND = "crisis-plan"
ORIENTATIONS: Shares = {"personal": 73, "clinical": 27}
"""Obligations come beside a goal that they support, and so by place and not by chance."""
CHIME: Shares = {"connectedness": 34, "empowerment": 27, "hope": 20, "identity": 13, "meaning": 6}
FOCUSES: Shares = {"symptom-reduction": 50, "treatment-adherence": 35, "avoiding-hospital": 15}
RARE_FOCUS = "harm-reduction"
DECISIONS: Shares = {
    "go-ahead": 42,
    "go-ahead-with-stipulations": 30,
    "step-by-step": 18,
    "put-off-by-person": 7,
    "not-supported": 3,
}
RARE_DECISION = "prevented"
DECIDED_BY: Shares = {"person": 55, "shared": 35, "service": 8, "legal-authority": 2}
AGREED: Shares = {"agree": 78, "pending": 10, "disagree": 8, "took-no-part": 4}
STANDINGS: Shares = {"agreed": 50, "asked-for-by-person": 22, "imposed": 23, "legal": 5}
SUPPORTS: Shares = {
    "peer-support": 24,
    "psychological-therapy": 18,
    "medication": 16,
    "community-programme": 14,
    "occupation": 10,
    "recovery-college": 8,
    "employment": 6,
    "warm-line": 2,
    "recovery-narrative": 2,
}
SAFETY_PARTS: Shares = {"wellness-tool": 30, "early-sign": 25, "trigger": 20, "in-crisis": 13, "contact": 12}
TOPICS: Shares = {"my-recovery": 35, "what-matters": 30, "hope": 20, "staff-should-know": 15}
ACHIEVEMENTS: Shares = {"in-progress": 60, "improving": 25, "achieved": 15}
LIKELIHOODS: Shares = {"low": 40, "moderate": 35, "high": 25}


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    """Return a CodeableConcept; ``system`` is the id of a code system of ours or an address."""
    address = system if system.startswith("http") else f"{CANONICAL}/CodeSystem/{system}"
    coding = {"system": address, "code": code}
    return {"coding": [coding | {"display": display} if display else coding]}


def extension(name: str, **parts: Any) -> dict[str, Any]:
    """Return an extension of ours with one value, as in ``valueDate``, or with parts, as in ``status_valueCode``."""
    url = f"{CANONICAL}/StructureDefinition/{name}"
    ((first, value), *others) = parts.items()
    if not others and "_" not in first:
        return {"url": url, first: value}
    inner = [(key.rpartition("_"), item) for key, item in parts.items()]
    return {"url": url, "extension": [{"url": part.replace("_", "-"), kind: item} for (part, _, kind), item in inner]}
