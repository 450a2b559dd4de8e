"""FHIR resources made of what was drawn: each in one of the forms in which systems write the same thing."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.measures.traits import Assessment, Drawn, Goal, Lesson, Limit, Plan

Json = dict[str, Any]

OWN = "https://w3id.org/recovery-plan"
HL7 = "http://hl7.org/fhir/StructureDefinition"
BASE = "https://recovery.example/fhir/R4"
"""Where this server is: below it an address means what the relative one means."""
PERIOD = ("2026-10-01", "2026-10-31")
IN_PERIOD = ("2026-10-01", "2026-10-17T09:30:00+02:00", "2026-10-31T23:59:59-05:00", "2026-10")
OUTSIDE = ("2026-09-30T23:59:59Z", "2026-11-01T00:30:00+02:00", "2025-10-15", "2026", "2026-09")
PAST, AHEAD = ("2026-10-30", "2025-12", "2026-09"), ("2026-10-31", "2027-01-15", "2026-10", "2026")
"""Dates before the last day of the period, and dates of which that cannot be said."""


def part(url: str, key: str, value: Any) -> Json:
    """Return a part of an extension."""
    return {"url": url, key: value}


def own(name: str, *parts: Json) -> Json:
    """Return one of our complex extensions."""
    return {"url": f"{OWN}/StructureDefinition/{name}", "extension": list(parts)}


def concept(system: str, *codes: str) -> Json:
    """Return a CodeableConcept with codes of one of our systems."""
    return {"coding": [{"system": f"{OWN}/CodeSystem/{system}", "code": code} for code in codes]}


class Writer:
    """Writes resources."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def resources(self, drawn: Drawn) -> Iterator[Json]:
        """Yield the resources of all that was drawn."""
        yield from map(self.goal, drawn.goals)
        yield from map(self.assessment, drawn.assessments)
        yield from map(self.plan, drawn.plans)

    def _is(self, probability: float) -> bool:
        return self._random.random() < probability

    def reference(self, text: str, **members: Any) -> Json:
        """Return a Reference in any of its forms: relative, absolute, or to a version."""
        form = self._random.choice(("{}", "{}", "{}", BASE + "/{}", "{}/_history/2"))
        return {"reference": form.format(text), **members}

    def _agreement(self, party: str, status: str) -> Json:
        return own(
            "agreement", part("party", "valueReference", self.reference(party)), part("status", "valueCode", status)
        )

    def _limit(self, limit: Limit) -> Json:
        parts = [part("text", "valueString", "An invented condition"), part("standing", "valueCode", limit.standing)]
        if limit.is_past_review or self._is(0.5):
            parts.append(part("review-by", "valueDate", self._random.choice(PAST if limit.is_past_review else AHEAD)))
        return own("stipulation", *parts)

    def _lesson(self, lesson: Lesson) -> Json:
        learned = [part("learned", "valueString", "An invented lesson")] if lesson.is_learned_from else []
        return own(
            "learning", part("kind", "valueCode", lesson.kind), part("happened", "valueString", "Invented"), *learned
        )

    def _strength(self) -> Json:
        return {"url": f"{OWN}/StructureDefinition/strength", "valueCodeableConcept": {"text": "An invented strength"}}

    def _law(self) -> Json:
        return own(
            "legal-basis", part("instrument", "valueCodeableConcept", concept("legal-instrument", "hospital-order"))
        )

    def _results(self, of: str, raters: list[str], meaning: str | None = None) -> list[Json]:
        """Return References that carry DUNDRUM results, beside one of another instrument."""
        results = []
        for number, rater in enumerate(raters):
            parts = [
                part("instrument", "valueCodeableConcept", concept("assessment-instrument", f"dundrum-{number + 3}"))
            ]
            parts.append(part("rater", "valueCode", rater))
            if meaning and not number:
                parts.append(part("meaning", "valueString", meaning))
            results.append({"display": "Invented", "extension": [own("assessment-result", *parts)]})
        if self._is(0.2):
            other = part(
                "instrument", "valueCodeableConcept", concept("assessment-instrument", "recovery-outcome-measure")
            )
            said = (part("rater", "valueCode", "together"), part("meaning", "valueString", "Of something else"))
            results.append({"display": "Invented", "extension": [own("assessment-result", other, *said)]})
        return results

    def goal(self, goal: Goal) -> Json:
        """Return a Goal."""
        acceptances = [
            {
                "url": f"{HL7}/goal-acceptance",
                "extension": [
                    part("individual", "valueReference", self.reference(who)),
                    part("status", "valueCode", answer),
                ],
            }
            for who, answer in [(goal.person, answer) for answer in goal.answers] + [("Practitioner/x", "agree")]
        ]
        links = [
            {"url": f"{HL7}/goal-relationship", "extension": [
                part("type", "valueCodeableConcept", concept("goal-link", "supports")),
                part("target", "valueReference", self.reference(f"Goal/{other.id}")),
            ]}
            for other in goal.related
        ]  # fmt: skip
        protecting = {
            "url": f"{HL7}/workflow-protectiveFactor",
            "extension": [
                part(f"{HL7}/_datatype", "valueString", "CodeableReference"),
                part("concept", "valueCodeableConcept", {"text": "Invented"}),
            ],
        }
        codes = [("goal-orientation", goal.orientation)] if goal.orientation else []
        codes += [("chime", process) for process in goal.chime]
        codes += [("clinical-focus", "abstinence")] if goal.is_abstinence else [("clinical-focus", "harm-reduction")]
        made: Json = {
            "resourceType": "Goal",
            "id": goal.id,
            "extension": [
                *acceptances, *links, *map(self._lesson, goal.lessons),
                *([self._random.choice((self._strength(), protecting))] if goal.has_strength else []),
                *([self._law()] if goal.has_law else []),
            ],
            "lifecycleStatus": goal.status,
            "category": [concept(*code) for code in codes],
            "description": {"text": "An invented goal"},
            "subject": self.reference(goal.person),
            "addresses": self._results("Observation", goal.dundrum, "Invented" if goal.has_meaning else None),
        }  # fmt: skip
        if goal.is_expressed_by_person:
            made["expressedBy"] = self.reference(goal.person)
        elif self._is(0.5):
            made["expressedBy"] = self.reference("Practitioner/x")
        if goal.achievement:
            system = "http://terminology.hl7.org/CodeSystem/goal-achievement"
            made["achievementStatus"] = {"coding": [{"system": system, "code": goal.achievement}]}
        return _without_gaps(made)

    def assessment(self, assessment: Assessment) -> Json:
        """Return a RiskAssessment."""
        predictions = []
        for kind, viewpoint in zip(assessment.predictions, assessment.viewpoints, strict=True):
            marks = [{"url": f"{OWN}/StructureDefinition/prediction-kind", "valueCode": kind}]
            if viewpoint:
                marks.append({"url": f"{OWN}/StructureDefinition/viewpoint", "valueCode": viewpoint})
            predictions.append({"extension": marks, "outcome": {"text": "Invented"}})
        keys = {"informed": "valueBoolean"}
        told = [(name, value) for name, value in (assessment.decision or {}).items() if value is not None]
        decision = (
            [own("decision", *(part(name, keys.get(name, "valueCode"), value) for name, value in told))] if told else []
        )
        about = [
            {"url": f"{HL7}/resource-pertainsToGoal", "valueReference": self.reference(f"Goal/{goal.id}")}
            for goal in assessment.goals
        ]
        return _without_gaps({
            "resourceType": "RiskAssessment",
            "id": assessment.id,
            "extension": [
                *decision, *about,
                *(self._agreement(party, "disagree") for party in assessment.disagreeing),
                *([self._agreement("Practitioner/x", "agree")] if self._is(0.3) else []),
                *([self._strength()] if assessment.has_strength else []),
                *([own("support", part("what", "valueString", "Invented"))] if assessment.has_support else []),
                *map(self._limit, assessment.limits), *map(self._lesson, assessment.lessons),
            ],
            "status": assessment.status,
            "subject": self.reference(assessment.person),
            "occurrenceDateTime": self._random.choice(IN_PERIOD if assessment.is_in_period else OUTSIDE),
            "basis": self._results("Observation", assessment.dundrum),
            "prediction": predictions,
        })  # fmt: skip

    def plan(self, plan: Plan) -> Json:
        """Return a CarePlan."""
        made: Json = {
            "resourceType": "CarePlan",
            "id": plan.id,
            "meta": {"profile": [f"{OWN}/StructureDefinition/RecoveryCarePlan" + self._random.choice(("", "|0.1.0"))]},
            "extension": [
                *(self._agreement(plan.person, answer) for answer in plan.answers),
                *([self._agreement("Practitioner/x", "disagree")] if self._is(0.3) else []),
                *([self._strength()] if plan.has_strength else []),
                *([own("safety-step", *self._step())] if plan.has_step else []),
                *([self._law()] if plan.has_law else []),
                *map(self._limit, plan.limits), *map(self._lesson, plan.lessons),
            ],
            "status": plan.status,
            "intent": "plan",
            "category": [concept("plan-kind", "recovery-plan")] if "category" in plan.marks else [{"text": "A plan"}],
            "subject": self.reference(plan.person),
            "contributor": [self._contributor(who, plan.person) for who in plan.contributors],
            "goal": [self.reference(f"Goal/{goal.id}") for goal in plan.goals],
            "supportingInfo": [
                *(self.reference(f"RiskAssessment/{assessment.id}") for assessment in plan.assessments),
                *self._results("Observation", plan.dundrum),
            ],
            "activity": [*map(self._activity, plan.supports), *(self._not_done(support) for support in plan.not_done)],
            "note": [self._note(plan.person if plan.has_own_note else "Practitioner/x")],
        }  # fmt: skip
        if "profile" not in plan.marks:
            made["meta"] = {"profile": ["https://hospital.example/StructureDefinition/Plan"]}
        if plan.setting:
            made["category"].append(concept("care-setting", plan.setting))
        if plan.review != "none":
            date = self._random.choice(PAST if plan.review == "past" else AHEAD)
            made["extension"].append({"url": f"{OWN}/StructureDefinition/next-review", "valueDate": date})
        if plan.service:
            made["author"] = self.reference(plan.service, display=f"{plan.service} (invented)")
        if plan.part_of:
            made["partOf"] = [self.reference(f"CarePlan/{plan.part_of.id}")]
        self._add_conditions(made, plan.is_about_substances)
        return _without_gaps(made)

    def _step(self) -> tuple[Json, Json]:
        which = concept("safety-part", "wellness-tool")
        return part("part", "valueCodeableConcept", which), part("text", "valueString", "Invented")

    def _note(self, author: str) -> Json:
        return {"authorReference": self.reference(author), "text": "Invented"}

    def _contributor(self, who: str, person: str) -> Json:
        by_role = {
            "person": "person",
            "family": "family-or-friend",
            "peer": "peer-support-worker",
            "clinician": "clinician",
        }
        who_it_is = {
            "person": person,
            "family": "RelatedPerson/z",
            "peer": "Practitioner/p",
            "clinician": "Practitioner/x",
        }
        if who == "device":
            return {"reference": "Device/invented"}
        if who == "family" and self._is(0.5):
            return {"display": "An invented brother"}
        role = [
            {
                "url": f"{OWN}/StructureDefinition/contributor-role",
                "valueCodeableConcept": concept("contributor-role", by_role[who]),
            }
        ]
        return self.reference(who_it_is[who], **({"extension": role} if who == "peer" or self._is(0.5) else {}))

    def _activity(self, support: str) -> Json:
        if support == "uncoded":
            return {"detail": {"status": "in-progress", "description": "Invented"}}
        if support == "other":
            code = {"coding": [{"system": "http://snomed.info/sct", "code": "461481000124109"}]}
        else:
            code = concept("recovery-support", support)
            if self._is(0.3):
                code["coding"].append({"system": "https://hospital.example/activities", "code": "A1"})
        return {"detail": {"status": "in-progress", "code": code}}

    def _not_done(self, support: str) -> Json:
        why: Json = self._random.choice(
            ({"status": "cancelled"}, {"status": "entered-in-error"}, {"status": "not-started", "doNotPerform": True})
        )
        return {"detail": {**why, "code": concept("recovery-support", support)}}

    def _add_conditions(self, plan: Json, is_about_substances: bool) -> None:
        """Add what the plan addresses: where it is about substances, in one of the ways in which that is said."""
        sud = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SUD"}
        other = {"type": "Condition", "display": "An invented low mood"}
        icd = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "F10.2"}]}
        form = self._random.choice(("named", "contained", "labelled")) if is_about_substances else "none"
        if form == "named":
            plan["addresses"] = [other, {"type": "Condition", "display": "Alcohol use"}]
        elif form == "contained":
            plan["contained"] = [{"resourceType": "Condition", "id": "c", "subject": plan["subject"], "code": icd}]
            plan["addresses"] = [{"reference": "#c"}]
        elif form == "labelled":
            plan["addresses"] = [other]
            plan["meta"]["security"] = [sud]
        elif self._is(0.5):
            plan["addresses"] = [other]
        elif self._is(0.3):
            plan["meta"]["security"] = [sud]  # of a plan that addresses no condition it says nothing about diagnoses


def _without_gaps(resource: Json) -> Json:
    """Return the resource without empty lists, which JSON in FHIR has none of."""
    return {key: value for key, value in resource.items() if value != []}


def body(resource: Json) -> bytes:
    """Return the JSON text of a resource."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()
