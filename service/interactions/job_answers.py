"""What is told of every kind of job alike."""

from service.fhir.entry import Request
from service.fhir.outcome import Issue, OutcomeError


def job_address(request: Request, job_id: str) -> str:
    """Return where is told what became of a job that was asked for by ``request``: its Content-Location."""
    return f"{request.base}/$job/{job_id}"


def no_file() -> OutcomeError:
    """Return the outcome 404 for a file that a job does not have."""
    return OutcomeError(Issue("unknown-resource", "This job has no such file, or is not done yet"))
