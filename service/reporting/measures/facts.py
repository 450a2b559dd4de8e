"""Facts of a resource: its part in a measure, by FHIRPath (http://hl7.org/fhir/StructureDefinition/variable).

A measure names them ``plan.answer``, ``goal.chime``: the kind of case that they belong to, and what they are called
there. They are taken out of each resource once; criteria are then asked about them, and never about resources.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from service.conformance.fhirpath.collection import Collection, EvaluationError, Get, Scope, this
from service.conformance.fhirpath.kinds import SYSTEM, Kinds
from service.conformance.fhirpath.syntax import Node, parse
from service.fhir.reference import Addresses
from service.reporting.measures.extensions import FactsCompiler
from service.reporting.views.sharing import parts_of

VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"
LANGUAGE = "text/fhirpath"
KINDS_OF_CASE = {"plan": "CarePlan", "goal": "Goal", "assessment": "RiskAssessment"}
"""Each kind of case by the name that criteria have for it, and the type of resource that it is made of."""
LINKS = {
    "plan": {"goals": "goal", "assessments": "assessment", "wholes": "plan"},
    "goal": {"related": "goal"},
    "assessment": {"goals": "goal"},
}
"""The facts that lead from one case to others, and to which kind."""
PARTS, WHOLES, PLAN, ACTIVE = "parts", "wholes", "plan", "active"
"""Plans by what they are part of, the other way round; the plan that a goal or an assessment stands in, if active."""

NOT_TO_BE_READ = (EvaluationError, ArithmeticError)
"""What is raised where a resource says something that cannot be evaluated, such as two values for one."""
Facts = dict[str, Any]
"""A truth value, a text or texts by the name of the fact; without what there is nothing of."""
Read = Callable[[Any, Scope], Any]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact, compiled."""

    name: str
    read: Read
    """Returns a truth value, a text, or a tuple of texts; None where there is nothing. Raises `NOT_TO_BE_READ`."""
    is_truth: bool
    is_single: bool


class FactCompiler:
    """Compiles the facts of a Measure.

    ``addresses`` tells which references lead to resources that are stored here, ``persons`` which name the same person.
    ``names`` is filled with what resources call those that they refer to.
    """

    def __init__(
        self,
        kinds: Kinds,
        addresses: Addresses,
        persons: Addresses,
        variables: Mapping[str, Collection],
        names: dict[str, str],
    ) -> None:
        self._kinds = kinds
        self._addresses = addresses
        self._persons = persons
        self._variables = variables
        self._names = names

    def facts(self, measure: Mapping[str, Any]) -> dict[str, list[Fact]]:
        """Return the facts that ``measure`` defines, by the kind of case; raises ValueError where one is wrong."""
        trees: dict[str, dict[str, Node]] = {kind: {} for kind in KINDS_OF_CASE}
        for expression in _variables(measure):
            name = expression.get("name", "")
            kind, _, fact = name.partition(".")
            if kind not in trees or not fact.isidentifier():
                raise ValueError(f"the name of a variable is {', '.join(trees)} and after a dot its own, not {name!r}")
            if fact in trees[kind]:
                raise ValueError(f"there are two variables {name}")
            trees[kind][fact] = _told(name, partial(_tree, expression))
        found = {kind: self._of_kind(kind, of_kind) for kind, of_kind in trees.items()}
        _refuse_gaps(found)
        return found

    def _of_kind(self, kind: str, trees: Mapping[str, Node]) -> list[Fact]:
        resource = self._kinds.named(KINDS_OF_CASE[kind])
        times = Counter(part for tree in trees.values() for part in parts_of(tree))
        compiler = FactsCompiler(
            *(times, self._kinds, this((resource,)), resource, self._persons.same_reference, self._variables),
            self._addresses.local,
        )
        return [
            _told(f"{kind}.{name}", partial(self._fact, kind, name, tree, compiler)) for name, tree in trees.items()
        ]

    def _fact(self, kind: str, name: str, tree: Node, compiler: FactsCompiler) -> Fact:
        collection = compiler.about_element(tree)
        is_reference = {each.name for each in collection.kinds} == {"Reference"}
        if name in LINKS[kind] and not is_reference:
            raise ValueError("it leads to other resources, so it has to give References")
        if collection.systems == {"Boolean"}:
            return Fact(name, collection.truth, True, True)
        if not is_reference and collection.systems != {"String"}:
            raise ValueError("it gives neither true or false, nor texts, nor References")
        is_single = collection.is_single and name not in LINKS[kind]
        if is_reference:
            collection = Collection((SYSTEM["String"],), items=self._keys(collection.items, name not in LINKS[kind]))
        return Fact(name, collection.value if is_single else _texts(collection), False, is_single)

    def _keys(self, items: Get, are_named: bool) -> Get:
        def keys(focus: Any, scope: Scope) -> list[str]:
            found = []
            for reference in items(focus, scope):
                key = _key(reference, self._addresses)
                if key is not None:
                    found.append(key)
                    if are_named and isinstance(reference.get("display"), str):
                        self._names[key] = reference["display"]
            return found

        return keys


def _told(name: str, compiled: Callable[[], Made]) -> Made:
    try:
        return compiled()
    except (ValueError, LookupError) as error:
        raise ValueError(f"{name}: {error}") from None


def _variables(measure: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    extensions = [item for item in measure.get("extension", ()) if item.get("url") == VARIABLE]
    return [item.get("valueExpression", {}) for item in extensions]


def _tree(expression: Mapping[str, Any]) -> Node:
    return parse(text_of(expression))


def text_of(expression: Mapping[str, Any]) -> str:
    """Return the text of a FHIR Expression; raises ValueError where it is in another language than FHIRPath."""
    if expression.get("language") != LANGUAGE:
        raise ValueError(f"the language of an expression is {LANGUAGE}, not {expression.get('language')!r}")
    return str(expression.get("expression", ""))


def _texts(collection: Collection) -> Read:
    items, read = collection.items, collection.read

    def texts(focus: Any, scope: Scope) -> tuple[str, ...] | None:
        found = items(focus, scope)
        if not found:
            return None
        told = [item if type(item) is str else read(item) for item in found]
        return tuple([text for text in told if text is not None]) or None

    return texts


def _key(reference: dict[str, Any], addresses: Addresses) -> str | None:
    """Return the text that is equal for References to the same: the address in its normal form, or the identifier."""
    text = reference.get("reference")
    if isinstance(text, str):
        return addresses.normal(text)
    identifier = reference.get("identifier", {})
    value = identifier.get("value")
    return None if value is None else f"{identifier.get('system', '')}|{value}"


def _refuse_gaps(found: Mapping[str, list[Fact]]) -> None:
    for kind, links in LINKS.items():
        needed = {*links, *([ACTIVE] if kind == PLAN else [])}
        missing = sorted(needed - {fact.name for fact in found[kind]})
        if missing:
            raise ValueError(f"the variable {kind}.{missing[0]} is missing")
    if not next(fact for fact in found[PLAN] if fact.name == ACTIVE).is_truth:
        raise ValueError(f"{PLAN}.{ACTIVE} has to be true or false")
