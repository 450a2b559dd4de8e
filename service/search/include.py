"""``_include`` and ``_revinclude``: what else is to come with the matches (https://hl7.org/fhir/R4/search.html#revinclude)."""

from collections.abc import Collection, Iterable
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
    iterate = modifier == _ITERATE
    if not set(searched) <= types.keys():
        raise ValueError(f"{' and '.join(searched)} comes without what it refers to")
    if source == _ALL and not code:
        sources = list(types) if reverse or iterate else list(searched)
        return [Include(each, _references(types[each], _ALL), None, reverse, iterate) for each in sources]
    if source not in types:
        raise ValueError(f"{shown(source)} is not kept here{did_you_mean(source, types)}; the form is Type:parameter")
    if not reverse and not iterate and source not in searched:
        raise ValueError(f"{source} is not what is searched for; :{_ITERATE} follows what was included")
    chosen = _references(types[source], code)
    if not chosen:
        listed = ", ".join(item.code for item in _references(types[source], _ALL))
        raise ValueError(f"{source} has no references under {shown(code)}, only under {listed}, or * for all")
    wanted = [target] if target else types if iterate or not reverse else searched
    if reverse or target:
        _check_leads(f"{source}:{code}", chosen, wanted)
    return [Include(source, chosen, target or None, reverse, iterate)]


def _references(parameters: Parameters, code: str) -> tuple[SearchParameter, ...]:
    references = (item for item in parameters.values() if item.type == "reference")
    return tuple(item for item in references if code in (_ALL, item.code))


def _check_leads(name: str, parameters: Iterable[SearchParameter], wanted: Collection[str]) -> None:
    if all(set(item.targets).isdisjoint(wanted) for item in parameters):
        raise ValueError(f"{name} does not lead to {shown(' or '.join(wanted))}")
