"""What keeps a view from being run: each fault has its place in the ViewDefinition."""

from service.fhir.outcome import Issue


class ViewError(Exception):
    """A ViewDefinition that cannot be run, or a resource of which it cannot make rows; carries every issue found."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(f"{issue.expression}: {issue.diagnostics}" for issue in issues))
        self.issues = issues
