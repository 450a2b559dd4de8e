"""Values of a search parameter in a resource, by fhirpathpy: independent of the service's own compiler.

fhirpathpy has three gaps that are stepped around here: it has no ``resolve()``, its ``as`` takes one value only, and
its paths must start with the type's own name.
"""

import copy
import functools
import re
from collections.abc import Callable
from typing import Any

import fhirpathpy
from fhirpathpy.models import models

from tests.support.samples import EXAMPLES

R4 = EXAMPLES.parent
_RESOLVE = re.compile(r"\.where\(resolve\(\) is (\w+)\)$")
_AS = re.compile(r"\((\S+) as (\w+)\)")


def extract(expression: str, resource: dict[str, Any]) -> list[Any]:
    """Return what ``expression`` finds in ``resource``, in document order of each of its parts."""
    return [value for part in _parts(expression, resource["resourceType"]) for value in part(resource)]


@functools.cache
def _parts(expression: str, resource_type: str) -> list[Callable[[Any], list[Any]]]:
    start = re.compile(rf"\(?(Resource|DomainResource|{resource_type})\b")
    parts = [part.strip() for part in expression.split(" | ")]
    return [_compiled(start.sub(_renamed(resource_type), part, count=1)) for part in parts if start.match(part)]


def _renamed(resource_type: str) -> Callable[[re.Match[str]], str]:
    return lambda match: match.group().replace(match.group(1), resource_type)


def _compiled(part: str) -> Callable[[Any], list[Any]]:
    wanted = _RESOLVE.search(part)
    path = _AS.sub(r"\1.ofType(\2)", _RESOLVE.sub("", part))
    evaluate = fhirpathpy.compile(path, model=models["r4"])

    def values(resource: Any) -> list[Any]:
        own = copy.deepcopy(resource)  # fhirpathpy changes what it reads
        found: list[Any] = evaluate(own, {"resource": own})
        return [item for item in found if wanted is None or _leads_to(item, wanted.group(1), resource)]

    return values


def _leads_to(reference: dict[str, Any], resource_type: str, resource: dict[str, Any]) -> bool:
    """Return whether a reference is one to ``resource_type``, as its address, what it contains or its type says."""
    text = reference.get("reference", "")
    for item in resource.get("contained", ()):
        if text == f"#{item['id']}":
            return bool(item["resourceType"] == resource_type)
    segments = text.split("/_history/")[0].split("/")
    if len(segments) >= 2 and segments[-2][:1].isupper():
        return bool(segments[-2] == resource_type)
    return bool(reference.get("type") == resource_type)
