"""Validation by the typed models of fhir.resources, for contained resources whose definition is not held.

R4 4.0.1 is read with the R4B models (https://pypi.org/project/fhir.resources/); they differ in types that no care plan
contains. Slower than the compiled rules, and rarely needed.
"""

import re
from typing import Any

from pydantic import ValidationError

from service.fhir.outcome import Issue

_NAME = re.compile(r"[A-Za-z]{1,64}")


def model_issues(resource: dict[str, Any], resource_type: str, place: str) -> list[Issue]:
    """Return what the model of ``resource_type`` refuses in ``resource``, which stands at ``place``."""
    from fhir.resources.R4B import get_fhir_model_class  # importing it takes a while: only where it is needed
    from fhir.resources.R4B.domainresource import DomainResource
    from fhir.resources.R4B.resource import Resource

    try:
        model = get_fhir_model_class(resource_type) if _NAME.fullmatch(resource_type) else None
    except (KeyError, ValueError):
        model = None
    if model is None or not issubclass(model, Resource) or model in (Resource, DomainResource):
        return [Issue("resource-type", "FHIR R4 has no such resource type", f"{place}.resourceType")]
    try:
        model.model_validate(resource)
    except ValidationError as error:
        return [Issue("format", item["msg"], _join(place, item["loc"])) for item in error.errors(include_input=False)]
    return []


def _join(place: str, location: tuple[int | str, ...]) -> str:
    return place + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
