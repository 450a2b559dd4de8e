"""``_include`` and ``_revinclude``: what else is to come with the matches (https://hl7.org/fhir/R4/search.html#revinclude)."""

from collections.abc import Collection
from dataclasses import dataclass

from service.conformance.search_parameters import SearchParameter
from service.fhir.outcome import did_you_mean, shown
from service.search.criteria import Parameters, UnknownParameterError

INCLUDES = ("_include", "_revinclude")
MOST_INCLUDES = 50
"""Include parameters of one search."""
_ITERATE = "iterate"
_ALL = "*"


@dataclass(frozen=True, slots=True)
class Include:
    """Resources that references of ``parameters`` of ``type`` lead to, or for a ``reverse`` one, come from."""

    type: str
    parameters: tuple[SearchParameter, ...]
    target: str | None
    """The one type that is led to, or None for any."""
    reverse: bool
    iterate: bool
    """Whether it is followed from what was included, too."""


def read_include(name: str, text: str, types: dict[str, Parameters], searched: Collection[str]) -> list[Include]:
    """Return what ``name`` with the value ``text`` asks for; raises ValueError or UnknownParameterError."""
    reverse, modifier = name.startswith("_revinclude"), name.partition(":")[2]
    if modifier not in ("", _ITERATE):
        raise UnknownParameterError(f"{name.partition(':')[0]} has only the modifier :{_ITERATE}")
    source, code, target = [*text.split(":", 2), "", ""][:3]
    if source == _ALL and not code:
        sources = list(types) if reverse else list(searched)
        return [_include(each, _ALL, "", types, reverse, bool(modifier)) for each in sources]
    if source not in types:
        raise ValueError(f"{shown(source)} is not kept here{did_you_mean(source, types)}; the form is Type:parameter")
    if not reverse and not modifier and source not in searched:
        raise ValueError(f"{source} is not what is searched for; :{_ITERATE} follows what was included")
    return [_include(source, code, target, types, reverse, bool(modifier))]


def _include(
    source: str, code: str, target: str, types: dict[str, Parameters], reverse: bool, iterate: bool
) -> Include:
    references = {item.code: item for item in types[source].values() if item.type == "reference"}
    if code not in references and code != _ALL:
        listed = ", ".join(references)
        raise ValueError(f"{source} has no references under {shown(code)}, only under {listed}, or * for all")
    chosen = tuple(references.values()) if code == _ALL else (references[code],)
    if target and not any(target in item.targets for item in chosen):
        raise ValueError(f"{source}:{code} does not lead to {shown(target)}")
    return Include(source, chosen, target or None, reverse, iterate)
