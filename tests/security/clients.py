"""The clients of the matrix: what their tokens say, and what they ought to see by our own judgement."""

from dataclasses import dataclass, field
from typing import Any

from tests.security.judge import EVERYTHING, Sight
from tests.security.world import ANN, LISTED_BASE, OWN_BASE
from tests.support.issuer import bearer

_WORKER = "Practitioner/worker"


def _all(*types: str) -> dict[str, Any]:
    return dict.fromkeys(types, lambda _: True)


@dataclass(frozen=True)
class Someone:
    """A client: the claims of its token, and what it sees."""

    name: str
    scopes: str
    sight: Sight
    claims: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """What it sends to be known."""
        return bearer(self.scopes, client_id=self.name, sub=self.name, **self.claims)

    def __str__(self) -> str:
        return self.name


_IN_RECORD = {"patient": ANN, "fhirUser": _WORKER}
_OF_ANN = Sight(ANN)

MASTER = Someone("master", "system/*.cruds recovery/labels.lower", EVERYTHING, {"clearance": "*"})
"""May all that can be granted."""
WORKER_IN_RECORD = Someone("worker-in-record", "patient/*.cruds", Sight(ANN, None), {**_IN_RECORD, "clearance": "*"})
"""May read and write all of Ann's record, and nothing else."""

LIMITED = (
    WORKER_IN_RECORD,
    Someone("ann", "patient/*.cruds openid fhirUser", Sight(ANN, None), {"patient": ANN, "fhirUser": f"Patient/{ANN}"}),
    Someone("ann-by-user-scope", "user/*.cruds", Sight(ANN, None), {"fhirUser": f"Patient/{ANN}"}),
    Someone("ann-v1", "patient/*.read patient/*.write", _OF_ANN, {"patient": ANN}),
    Someone("ann-all-v1", "patient/*.*", _OF_ANN, {"patient": f"{LISTED_BASE}/Patient/{ANN}"}),
    Someone("relative", "patient/*.cruds", _OF_ANN, {"patient": ANN, "fhirUser": "RelatedPerson/sister"}),
    Someone("system-in-record", "system/*.cruds user/*.cruds", _OF_ANN, {"patient": f"{OWN_BASE}/Patient/{ANN}"}),
    Someone(
        "cleared-for-some", "patient/*.cruds", Sight(ANN, frozenset({"V", "PSY"})), {**_IN_RECORD, "clearance": "V PSY"}
    ),
    Someone("ward", "user/*.cruds", Sight(), {"fhirUser": _WORKER}),
    Someone(
        "ward-sud", "user/*.rs", Sight(None, frozenset({"SUD", "R"})), {"fhirUser": _WORKER, "clearance": ["SUD", "R"]}
    ),
    Someone(
        "ward-own-label",
        "user/*.read",
        Sight(None, frozenset({"https://labels.example.org/own|family-secret"})),
        {"fhirUser": "PractitionerRole/worker", "clearance": ["https://labels.example.org/own|family-secret"]},
    ),
    Someone(
        "plans-only", "user/CarePlan.rs", Sight(None, None, _all("CarePlan")), {"fhirUser": _WORKER, "clearance": "*"}
    ),
    Someone(
        "goals-and-risks-of-ann",
        "patient/Goal.rs patient/RiskAssessment.read",
        Sight(ANN, None, _all("Goal", "RiskAssessment")),
        {**_IN_RECORD, "clearance": "*"},
    ),
    Someone(
        "active-plans",
        "user/CarePlan.rs?status=active user/Provenance.rs",
        Sight(None, None, {"CarePlan": lambda each: each["status"] == "active", "Provenance": lambda _: True}),
        {"fhirUser": _WORKER, "clearance": "*"},
    ),
    Someone(
        "export",
        "system/CarePlan.rs system/Goal.rs",
        Sight(None, frozenset({"ETH"}), _all("CarePlan", "Goal")),
        {"clearance": "ETH"},
    ),
)
"""Clients that see some of what there is."""

POWERLESS = (
    Someone("patient-scope-without-patient", "patient/*.cruds", Sight(types={}), {"fhirUser": _WORKER}),
    Someone("user-scope-without-user", "user/*.cruds", Sight(types={})),
    Someone("patients-differ", "patient/*.cruds", Sight(types={}), {"patient": ANN, "fhirUser": "Patient/ben77"}),
    Someone("no-scopes", "openid fhirUser launch/patient offline_access", Sight(types={}), _IN_RECORD),
    Someone("constraint-unknown", "user/*.cruds?colour=red", Sight(types={}), {"fhirUser": _WORKER}),
    Someone("constraint-chained", "user/CarePlan.cruds?goal.identifier=x", Sight(types={}), {"fhirUser": _WORKER}),
    Someone("constraint-reverse", "user/Goal.rs?_has:CarePlan:goal:_id=x", Sight(types={}), {"fhirUser": _WORKER}),
    Someone("constraint-malformed", "user/CarePlan.rs?status", Sight(types={}), {"fhirUser": _WORKER}),
    Someone("constraint-repeated", "user/CarePlan.rs?status:colour=active", Sight(types={}), {"fhirUser": _WORKER}),
    Someone("letters-in-disorder", "user/*.sdurc", Sight(types={}), {"fhirUser": _WORKER}),
    Someone("scope-of-nothing", "user/*. system/.rs user/ patient/* */*.cruds USER/*.RS", Sight(types={}), _IN_RECORD),
    Someone("relative-without-patient", "user/*.cruds", Sight(types={}), {"fhirUser": "RelatedPerson/sister"}),
    Someone("user-of-another-kind", "user/*.cruds", Sight(types={}), {"fhirUser": "Group/ward"}),
    Someone(
        "user-elsewhere", "user/*.cruds", Sight(types={}), {"fhirUser": "https://other.example.net/fhir/Patient/ann77"}
    ),
    Someone(
        "patient-elsewhere",
        "patient/*.cruds",
        Sight(types={}),
        {"patient": "https://other.example.net/fhir/Patient/ann77"},
    ),
)
"""Clients whose token is good, and to whom nothing is granted."""
