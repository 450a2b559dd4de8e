"""What is told of an export that is done (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status)."""

from typing import Any

from service.fhir.datetimes import instant
from service.fhir.entry import Request
from service.interactions.bulk.export import Export
from service.interactions.bulk.messages import messages
from service.interactions.bulk.plan import MESSAGES, Plan
from service.interactions.job_answers import job_address
from service.security.client import ANYBODY
from service.store.jobs import Job


def export_manifest(job: Job, request: Request) -> dict[str, Any]:
    """Return the manifest, with addresses as who asks for it reaches this service."""
    export, plan = Export.from_json(job.asked), Plan.from_json(job.result)

    here = job_address(request, job.id) if plan.to is None else plan.to

    def item(resource_type: str, name: str, count: int) -> dict[str, Any]:
        return {"type": resource_type, "url": f"{here}/{name}", "count": count}

    said = len(messages(export))
    return {
        "transactionTime": instant(plan.at),
        "request": export.url,
        "requiresAccessToken": plan.to is None and job.client != ANYBODY,
        "output": [item(file.type, file.name, file.count) for file in plan.output],
        "deleted": [item("Bundle", file.name, file.count) for file in plan.deleted],
        "error": [item("OperationOutcome", MESSAGES, said)] if said else [],
    }
