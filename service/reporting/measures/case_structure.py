"""What criteria can speak of, so that a misspelt fact is found when they are compiled.

https://hl7.org/fhir/R4/measure.html#criteria
"""

from collections.abc import Iterable, Mapping

from service.conformance.structures import Element, Structure
from service.reporting.measures.facts import LINKS, PARTS, PLAN, WHOLES, Fact


def structure_of_cases(facts: Mapping[str, Iterable[Fact]]) -> Structure:
    """Return what criteria speak of: an object with one member, which is named after the kind of the case.

    Its members are the facts. Those that lead to other cases hold these; ``parts`` and ``plan`` stand beside them.
    """
    of_kind = {kind: Structure(f"Case.{kind}") for kind in facts}
    for kind, structure in of_kind.items():
        links = dict(LINKS[kind])
        for fact in facts[kind]:
            if fact.name not in links:
                _add(structure, fact.name, "boolean" if fact.is_truth else "string", not fact.is_single)
        links[PARTS if kind == PLAN else PLAN] = PLAN
        links.pop(WHOLES, None)
        for name, leads_to in links.items():
            _add(structure, name, "BackboneElement", name != PLAN, of_kind[leads_to])
    case = Structure("Case")
    for kind, structure in of_kind.items():
        _add(case, kind, "BackboneElement", False, structure)
    return case


def _add(of: Structure, name: str, of_type: str, many: bool, below: Structure | None = None) -> None:
    element = Element(name, f"{of.path}.{name}", of_type, many, False, name, structure=below, is_bare=True)
    of.elements[name] = element
    of.choices[name] = [element]
