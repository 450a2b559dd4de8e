"""The audit counted again, in plain Python, from the lines of an export: what is said in words.

It shares nothing with the service but the words: neither code nor FHIRPath, and no Measure. It counts one indicator
after the other, over everything each time, for it is to be right and not fast.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

Json = dict[str, Any]
OWN = "https://w3id.org/recovery-plan"
HL7 = "http://hl7.org/fhir/StructureDefinition"
SUBSTANCES = re.compile(
    "alcohol|substance|drug|opioid|opiate|heroin|methadone|cannabis|cocaine|amphetamine|stimulant|benzodiazepine"
    "|inhalant|addict"
)
CONNECTING = [
    "peer-support",
    "giving-peer-support",
    "recovery-college",
    "warm-line",
    "community-programme",
    "occupation",
    "employment",
]
CLINICAL = ["psychological-therapy", "medication", "risk-programme"]
AHEAD = ["go-ahead", "go-ahead-with-stipulations", "step-by-step"]


class Recount:
    """The resources of an export, and the days of a period."""

    def __init__(self, lines: Iterable[bytes], base: str, start: date, end: date, maps: Iterable[Json]) -> None:
        self.base, self.start, self.end = base, start, end
        self.of: dict[str, dict[str, Json]] = {"CarePlan": {}, "Goal": {}, "RiskAssessment": {}}
        for line in lines:
            resource = json.loads(line)
            if "entered-in-error" not in (resource.get("status"), resource.get("lifecycleStatus")):
                self.of[resource["resourceType"]][resource["id"]] = resource
        self.dimensions: dict[str, set[str]] = {}
        for element in (element for item in maps for group in item["group"] for element in group["element"]):
            for target in element["target"]:
                self.dimensions.setdefault(target["code"], set()).add(element["code"])
        self.active = [plan for _, plan in sorted(self.of["CarePlan"].items()) if self.is_plan(plan)]
        self.plan_of = self._plans()
        self.parts_of: dict[str, list[Json]] = {}
        for plan in self.active:
            for reference in plan.get("partOf", ()):
                self.parts_of.setdefault(self.key(reference) or "", []).append(plan)

    # What things are

    def key(self, reference: Json) -> str | None:
        """Return the same text for References to the same."""
        if "reference" not in reference:
            identifier = reference.get("identifier")
            return f"{identifier.get('system', '')}|{identifier['value']}" if identifier else None
        address = reference["reference"].split("/_history/")[0]
        return address.removeprefix(self.base + "/")

    def follow(self, reference: Json, kind: str) -> Json | None:
        """Return the resource of a kind that a Reference leads to, if it is in the export."""
        key = self.key(reference) or ""
        return self.of[kind].get(key.removeprefix(kind + "/")) if key.startswith(kind + "/") else None

    def is_person(self, reference: Json | None, resource: Json) -> bool:
        """Return whether a Reference is to the person whom the resource is about."""
        return bool(reference) and self.key(reference) == self.key(resource["subject"])

    def plans(self) -> list[Json]:
        """Return the plans: recovery plans that are active."""
        return self.active

    def is_plan(self, plan: Json) -> bool:
        """Return whether it is an active recovery plan, by the profile that it claims or by its kind."""
        claims = any(
            f"{OWN}/StructureDefinition/RecoveryCarePlan" in url for url in plan.get("meta", {}).get("profile", ())
        )
        return plan["status"] == "active" and (claims or bool(codes(plan.get("category"), "plan-kind")))

    def goals(self, plan: Json) -> list[Json]:
        """Return the goals that a plan lists."""
        found = [self.follow(reference, "Goal") for reference in plan.get("goal", ())]
        return [goal for goal in found if goal]

    def in_force(self, plan: Json) -> list[Json]:
        return [goal for goal in self.goals(plan) if is_in_force(goal)]

    def risks(self, plan: Json) -> list[Json]:
        """Return the risk assessments that a plan rests on."""
        found = [self.follow(reference, "RiskAssessment") for reference in plan.get("supportingInfo", ())]
        return [risk for risk in found if risk]

    def assessments(self) -> list[Json]:
        """Return the risk assessments: finished, and about a day in the period."""
        return [risk for risk in self.of["RiskAssessment"].values() if is_finished(risk) and self.is_in_period(risk)]

    def is_in_period(self, risk: Json) -> bool:
        month = risk.get("occurrenceDateTime", "")[:7]
        return len(month) == 7 and self.start.isoformat()[:7] <= month <= self.end.isoformat()[:7]

    def is_before_end(self, day: str) -> bool:
        """Return whether a date, as far as it is given, is certainly before the last day of the period."""
        return day < self.end.isoformat()[: len(day)]

    def answer(self, resource: Json, url: str, who: str) -> str | None:
        """Return the person's last answer."""
        given = [parts(item) for item in extensions(resource, url)]
        told = [item["status"] for item in given if "status" in item and self.is_person(item.get(who), resource)]
        return told[-1] if told else None

    def agreement(self, plan: Json) -> str | None:
        return self.answer(plan, f"{OWN}/StructureDefinition/agreement", "party")

    def _plans(self) -> dict[str, Json]:
        """Return the plan that each goal and risk assessment stands in: the first by id that lists it."""
        found: dict[str, Json] = {}
        for plan in self.plans():
            for reference in (*plan.get("goal", ()), *plan.get("supportingInfo", ())):
                found.setdefault(self.key(reference) or "", plan)
        for key, risk in self.of["RiskAssessment"].items():
            goals = [item["valueReference"] for item in extensions(risk, f"{HL7}/resource-pertainsToGoal")]
            plans = [
                found[each]
                for goal in goals
                if (each := self.key(goal)) and self.follow(goal, "Goal") and each in found
            ]
            if plans:
                found.setdefault(f"RiskAssessment/{key}", min(plans, key=lambda plan: str(plan["id"])))
        return found

    # What is counted

    def counts(self) -> Counter[tuple[str, str, str, int]]:
        """Return every count that is not 0, by stratifier, value, indicator and population."""
        counted: Counter[tuple[str, str, str, int]] = Counter()
        for indicator, base, within, is_so in self.indicators():
            for resource, units in base():
                found = [units, [unit for unit in units if within(unit)]]
                found.append([unit for unit in found[1] if is_so(unit)])
                for stratum in (("", ""), *self.strata(resource)):
                    for population, some in enumerate(found):
                        if some:
                            counted[*stratum, indicator, population] += len(some)
        return counted

    def strata(self, resource: Json) -> list[tuple[str, str]]:
        plan = resource
        if resource["resourceType"] != "CarePlan":
            found = self.plan_of.get(f"{resource['resourceType']}/{resource['id']}")
            if found is None:
                return [(name, "none") for name in ("custodian", "care-setting", "dual-diagnosis", "legal-status")]
            plan = found
        author = plan.get("author", {})
        kind = (
            author["reference"].removeprefix(self.base + "/").split("/")[0]
            if "reference" in author
            else author.get("type")
        )
        is_legal = any(extensions(item, f"{OWN}/StructureDefinition/legal-basis") for item in (plan, *self.goals(plan)))
        return [
            ("custodian", (kind in ("Organization", "CareTeam") and self.key(author)) or "none"),
            ("care-setting", next(iter(codes(plan.get("category"), "care-setting")), "none")),
            ("dual-diagnosis", "yes" if is_about_substances(plan) else "no"),
            ("legal-status", "yes" if is_legal else "no"),
        ]

    def indicators(self) -> Iterator[tuple[str, Any, Callable[[Any], Any], Callable[[Any], Any]]]:
        """Yield each indicator: its units, which of them are in the denominator, and which of these count."""
        yield from self.of_plans()
        yield from self.of_goals()
        yield from self.of_assessments()
        yield from self.of_parts()

    def of_plans(self) -> Iterator[tuple[str, Any, Callable[[Json], Any], Callable[[Json], Any]]]:
        def every() -> Iterator[tuple[Json, list[Json]]]:
            yield from ((plan, [plan]) for plan in self.plans())

        def always(plan: Json) -> bool:
            return True

        def roles(plan: Json) -> list[str]:
            given = [
                item
                for who in plan.get("contributor", ())
                for item in extensions(who, f"{OWN}/StructureDefinition/contributor-role")
            ]
            return codes([item["valueCodeableConcept"] for item in given], "contributor-role")

        def made_together(plan: Json) -> bool:
            who = plan.get("contributor", ())
            others = [
                each
                for each in who
                if not self.is_person(each, plan) and not (self.key(each) or "").startswith("Device/")
            ]
            return any(self.is_person(each, plan) for each in who) and bool(others) and self.agreement(plan) == "agree"

        def own_words(plan: Json) -> bool:
            said = any(self.is_person(note.get("authorReference"), plan) for note in plan.get("note", ()))
            return said or any(
                orientation(goal) == "personal" and self.is_person(goal.get("expressedBy"), goal)
                for goal in self.goals(plan)
            )

        def nothing_personal(plan: Json) -> bool:
            kinds = {orientation(goal) for goal in self.in_force(plan)}
            return bool(kinds) and kinds <= {"clinical", "obligation"}

        def processes(plan: Json) -> set[str]:
            return {code for goal in self.in_force(plan) for code in codes(goal.get("category"), "chime")}

        def strong(plan: Json) -> bool:
            return any(has_strength(item) for item in (plan, *plan.get("activity", ()), *self.goals(plan)))

        def overdue(plan: Json) -> bool:
            dates = [item["valueDate"] for item in extensions(plan, f"{OWN}/StructureDefinition/next-review")]
            return not dates or self.is_before_end(dates[0])

        def kinds_of_learning(plan: Json) -> list[str]:
            return [parts(item)["kind"] for item in extensions(plan, f"{OWN}/StructureDefinition/learning")]

        def raters(plan: Json) -> set[str]:
            held = [*plan.get("supportingInfo", ())]
            held += [reference for goal in self.goals(plan) for reference in goal.get("addresses", ())]
            held += [reference for risk in self.risks(plan) for reference in risk.get("basis", ())]
            return {result["rater"] for reference in held for result in dundrum(reference)}

        def is_secure(plan: Json) -> bool:
            return codes(plan.get("category"), "care-setting")[:1] == ["secure"] and bool(raters(plan))

        def shared_goal(plan: Json) -> bool:
            found = (
                result for goal in self.goals(plan) for ref in goal.get("addresses", ()) for result in dundrum(ref)
            )
            return any("meaning" in result for result in found)

        def safe(plan: Json) -> bool:
            children = self.parts_of.get(f"CarePlan/{plan['id']}", [])
            steps = any(extensions(each, f"{OWN}/StructureDefinition/safety-step") for each in (plan, *children))
            return steps and self.agreement(plan) == "agree"

        yield "M1", every, always, made_together
        yield "M2", every, always, lambda plan: self.agreement(plan) is not None
        for status in ("agree", "disagree", "pending", "not-asked", "took-no-part"):
            yield f"M2-{status}", every, always, lambda plan, status=status: self.agreement(plan) == status
        yield "M3", every, always, lambda plan: "peer-support-worker" in roles(plan)
        yield "M4", every, always, own_words
        yield "M7", every, lambda plan: plan.get("goal"), nothing_personal
        yield "M9", every, always, lambda plan: len(processes(plan)) > 2
        for process in ("connectedness", "hope", "identity", "meaning", "empowerment"):
            yield f"M9-{process}", every, always, lambda plan, process=process: process in processes(plan)
        for number, sources in self.dimensions.items():
            yield f"M9-dimension-{number}", every, always, lambda plan, sources=sources: sources & processes(plan)
        yield "M10", every, always, strong
        yield "M18", every, always, overdue
        yield "M19b", every, kinds_of_learning, lambda plan: "went-well" in kinds_of_learning(plan)
        yield "M20", every, is_secure, shared_goal
        yield "M20b", every, is_secure, lambda plan: "together" in raters(plan) or {"person", "staff"} <= raters(plan)
        yield "M22", every, always, safe
        yield (
            "M23",
            every,
            always,
            lambda plan: set(CONNECTING) & {code for act in done(plan) for code in supports(act)},
        )

    def of_goals(self) -> Iterator[tuple[str, Any, Callable[[Json], Any], Callable[[Json], Any]]]:
        def those(is_one: Callable[[Json], Any]) -> Callable[[], Iterator[tuple[Json, list[Json]]]]:
            return lambda: ((goal, [goal]) for goal in self.of["Goal"].values() if is_one(goal))

        def leads_to_personal(goal: Json) -> bool:
            targets = [parts(item).get("target", {}) for item in extensions(goal, f"{HL7}/goal-relationship")]
            found = [self.follow(target, "Goal") for target in targets]
            return any(orientation(other) == "personal" for other in found if other)

        def has_setback(goal: Json) -> bool:
            learned = extensions(goal, f"{OWN}/StructureDefinition/learning")
            return any(parts(item)["kind"] == "setback" for item in learned)

        def is_kept(goal: Json) -> bool:
            achieved = {coding["code"] for coding in goal.get("achievementStatus", {}).get("coding", ())}
            return is_in_force(goal) or bool(achieved & {"achieved", "sustaining"})

        def always(goal: Json) -> bool:
            return True

        def is_chosen(goal: Json) -> bool:
            return orientation(goal) != "obligation"

        acceptance = f"{HL7}/goal-acceptance"
        yield "M5", those(is_in_force), is_chosen, lambda goal: self.is_person(goal.get("expressedBy"), goal)
        yield "M6", those(is_in_force), is_chosen, lambda goal: self.answer(goal, acceptance, "individual") == "agree"
        abstinence = those(
            lambda goal: is_in_force(goal) and "abstinence" in codes(goal.get("category"), "clinical-focus")
        )
        yield "M8", abstinence, always, lambda goal: not leads_to_personal(goal)
        yield (
            "M21",
            those(lambda goal: is_in_force(goal) and orientation(goal) == "obligation"),
            always,
            leads_to_personal,
        )
        yield "M25", those(has_setback), always, is_kept

    def of_assessments(self) -> Iterator[tuple[str, Any, Callable[[Json], Any], Callable[[Json], Any]]]:
        def every() -> Iterator[tuple[Json, list[Json]]]:
            yield from ((risk, [risk]) for risk in self.assessments())

        def always(risk: Json) -> bool:
            return True

        def of_predictions(risk: Json, name: str) -> list[str]:
            given = risk.get("prediction", ())
            return [
                item["valueCode"] for each in given for item in extensions(each, f"{OWN}/StructureDefinition/{name}")
            ]

        def decision(risk: Json) -> Json:
            given = extensions(risk, f"{OWN}/StructureDefinition/decision")
            return parts(given[0]) if given else {}

        def opposed(risk: Json) -> bool:
            given = [parts(item) for item in extensions(risk, f"{OWN}/StructureDefinition/agreement")]
            parties = [self.key(item["party"]) or "" for item in given if item["status"] == "disagree"]
            staff = ("Practitioner/", "PractitionerRole/", "CareTeam/", "Organization/")
            return (
                any(party.startswith(staff) for party in parties) and decision(risk).get("capacity") != "lacks-capacity"
            )

        def own_choice(risk: Json) -> bool:
            return decision(risk).get("decided-by") in ("person", "shared") and decision(risk).get("informed") is True

        yield (
            "M11",
            every,
            always,
            lambda risk: "benefit" in of_predictions(risk, "prediction-kind") and has_strength(risk),
        )
        yield "M11b", every, always, lambda risk: "cost-of-avoiding" in of_predictions(risk, "prediction-kind")
        yield "M11c", every, always, lambda risk: set(of_predictions(risk, "prediction-kind")) == {"harm"}
        yield "M12", every, always, lambda risk: {"person", "shared"} & set(of_predictions(risk, "viewpoint"))
        yield "M13", every, decision, own_choice
        yield "M14", every, opposed, lambda risk: decision(risk).get("outcome") in (*AHEAD, "put-off-by-person")
        supported = f"{OWN}/StructureDefinition/support"
        yield (
            "M17",
            every,
            lambda risk: decision(risk).get("outcome") in AHEAD,
            lambda risk: extensions(risk, supported),
        )

    def of_parts(self) -> Iterator[tuple[str, Any, Callable[[Any], Any], Callable[[Any], Any]]]:
        def limits() -> Iterator[tuple[Json, list[Json]]]:
            finished = [risk for risk in self.of["RiskAssessment"].values() if is_finished(risk)]
            for resource in (*self.plans(), *finished):
                yield resource, [parts(item) for item in extensions(resource, f"{OWN}/StructureDefinition/stipulation")]

        def setbacks() -> Iterator[tuple[Json, list[Json]]]:
            for resource in (item for of_type in self.of.values() for item in of_type.values()):
                told = [parts(item) for item in extensions(resource, f"{OWN}/StructureDefinition/learning")]
                yield resource, [item for item in told if item["kind"] == "setback"]

        def activities() -> Iterator[tuple[Json, list[Json]]]:
            for plan in self.plans():
                yield plan, [act for act in done(plan) if act["detail"].get("code", {}).get("coding")]

        def always(unit: Json) -> bool:
            return True

        chosen = ("asked-for-by-person", "agreed")
        yield "M15", limits, lambda limit: limit["standing"] != "legal", lambda limit: limit["standing"] in chosen
        yield "M15-legal", limits, always, lambda limit: limit["standing"] == "legal"
        imposed = "imposed"
        yield (
            *("M16", limits, lambda limit: limit["standing"] == imposed),
            lambda limit: "review-by" in limit and self.is_before_end(limit["review-by"]),
        )
        yield "M19", setbacks, always, lambda lesson: "learned" in lesson
        yield "M24", activities, always, lambda act: set(CLINICAL) & set(supports(act))


def extensions(element: Json, url: str) -> list[Json]:
    return [item for item in element.get("extension", ()) if item["url"] == url]


def parts(extension: Json) -> Json:
    """Return the values of the parts of a complex extension by their names."""
    told = {}
    for item in extension.get("extension", ()):
        values = [value for key, value in item.items() if key.startswith("value")]
        if values:
            told[item["url"]] = values[0]
    return told


def codes(concepts: list[Json] | None, system: str) -> list[str]:
    codings = [coding for concept in concepts or () for coding in concept.get("coding", ())]
    return [coding["code"] for coding in codings if coding.get("system") == f"{OWN}/CodeSystem/{system}"]


def orientation(goal: Json) -> str | None:
    return next(iter(codes(goal.get("category"), "goal-orientation")), None)


def is_in_force(goal: Json) -> bool:
    return goal["lifecycleStatus"] in ("accepted", "active", "on-hold")


def is_finished(risk: Json) -> bool:
    return risk["status"] in ("final", "amended", "corrected")


def has_strength(element: Json) -> bool:
    return bool(
        extensions(element, f"{OWN}/StructureDefinition/strength")
        or extensions(element, f"{HL7}/workflow-protectiveFactor")
    )


def dundrum(reference: Json) -> list[Json]:
    results = [parts(item) for item in extensions(reference, f"{OWN}/StructureDefinition/assessment-result")]
    return [
        result
        for result in results
        if any(code.startswith("dundrum-") for code in codes([result["instrument"]], "assessment-instrument"))
    ]


def done(plan: Json) -> list[Json]:
    """Return the activities that are not called off; they all tell their detail here."""
    off = ("cancelled", "entered-in-error")
    told = [item for item in plan.get("activity", ()) if "detail" in item]
    return [item for item in told if item["detail"]["status"] not in off and not item["detail"].get("doNotPerform")]


def supports(activity: Json) -> list[str]:
    return codes([activity["detail"].get("code", {})], "recovery-support")


def is_about_substances(plan: Json) -> bool:
    conditions = plan.get("addresses", [])
    inside = {f"#{item['id']}": item for item in plan.get("contained", ()) if item["resourceType"] == "Condition"}
    for reference in conditions:
        code = inside.get(reference.get("reference", ""), {}).get("code", {})
        names = [
            reference.get("display", ""),
            code.get("text", ""),
            *(coding.get("display", "") for coding in code.get("coding", ())),
        ]
        icd = [coding["code"] for coding in code.get("coding", ()) if "icd-10" in coding.get("system", "")]
        if any(SUBSTANCES.search(name.lower()) for name in names) or any(re.match("F1[0-9]", each) for each in icd):
            return True
    labels = [label.get("code") for label in plan.get("meta", {}).get("security", ())]
    return bool(conditions) and "SUD" in labels
