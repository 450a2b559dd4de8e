"""Queries over a world: every kind of criterion, alone and together, with orders, includes and compartments."""

import json
from urllib.parse import quote

from hypothesis import strategies as st

from tests.support.generated.asked import Asked
from tests.support.oracle.definitions import Parameter
from tests.support.oracle.world import TYPES, World

# The reference parameters that lead to resources of this server, with the types they lead to.
LINKS = {
    "CarePlan": {
        "goal": ("Goal",),
        "part-of": ("CarePlan",),
        "based-on": ("CarePlan",),
        "replaces": ("CarePlan",),
        "supporting-info": TYPES,
    },
    "Goal": {"addresses": ("RiskAssessment",), "related-goal": ("Goal",)},
    "RiskAssessment": {"pertains-to-goal": ("Goal",)},
}
BACK = {
    target: [(name, code) for name, links in LINKS.items() for code, targets in links.items() if target in targets]
    for target in TYPES
}
OWNERS = ("Patient/1", "Patient/2", "Patient/a", "Practitioner/1", "Practitioner/2")
WORDS = ("hope", "HOPE", "sea", "caf\u00e9", "walk", "morning", "evening", "elan", "x", "none")
MODIFIERS = {
    "string": ("", "exact", "contains", "missing"),
    "reference": ("", "", "identifier", "missing"),
    "uri": ("", "below", "above", "missing"),
    "date": ("", "", "", "missing"),
    "number": ("", "", "", "missing"),
    "quantity": ("", "", "", "", "missing"),
    "composite": ("", "", "", "missing"),
}
CODED = ("", "", "not", "in", "not-in", "above", "below", "missing")
_FILTERED = {
    "string": ("eq", "ne", "co", "sw"),
    "token": ("eq", "ne"),
    "reference": ("re",),
    "uri": ("eq", "ne"),
    "composite": ("eq", "ne"),
}
_ORDERED = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
Criterion = tuple[str, str]
_flags = st.sampled_from(("true", "false"))


def modifiers(resource_type: str, parameter: Parameter) -> tuple[str, ...]:
    """Return the modifiers that can be asked of a parameter, those that are worth more often."""
    if parameter.code == "_id":
        return ("", "", "not")
    if parameter.code == "identifier":
        return ("", "", "not", "text", "of-type", "of-type", "missing")
    if parameter.type == "token":
        return CODED if parameter.codes else (*CODED, "text", "text")
    if parameter.code == "instantiates-canonical":
        return ("", "below", "below", "missing")
    if parameter.code in ("subject", "patient", "supporting-info", *LINKS[resource_type]):
        kinds = LINKS[resource_type].get(parameter.code, ("Patient", "Group"))
        return ("", "", "identifier", "missing", *kinds[:1])
    return MODIFIERS[parameter.type]


class Queries:
    """Strategies of queries over what ``world`` holds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked = Asked(world)

    def plain(self, resource_type: str, codes: list[str] | None = None) -> st.SearchStrategy[Criterion]:
        """Criteria with a parameter of the type itself, of any modifier, with one or two values."""

        @st.composite
        def drawn(draw: st.DrawFn) -> Criterion:
            known = self._world.definitions.parameters(resource_type)
            parameter = known[draw(st.sampled_from(codes or sorted(known)))]
            modifier = draw(st.sampled_from(modifiers(resource_type, parameter)))
            name = f"{parameter.code}:{modifier}" if modifier else parameter.code
            if modifier == "missing":
                return name, draw(_flags)
            several = st.lists(self._value(resource_type, parameter, modifier), min_size=1, max_size=2)
            return name, ",".join(draw(several))

        return drawn()

    def _value(self, resource_type: str, parameter: Parameter, modifier: str) -> st.SearchStrategy[str]:
        if parameter.type != "composite":
            return st.sampled_from(self._asked.values(resource_type, parameter, modifier))
        known = self._world.definitions.parameters(resource_type)
        parts = [self._value(resource_type, known[part.code], "") for part in parameter.components]
        return st.tuples(*parts).map("$".join)

    def linked(self, resource_type: str, depth: int = 2) -> st.SearchStrategy[Criterion]:
        """Criteria with chains and ``_has``, nested and mixed."""

        @st.composite
        def drawn(draw: st.DrawFn) -> Criterion:
            if draw(st.booleans()):
                code = draw(st.sampled_from(sorted(LINKS[resource_type])))
                targets = LINKS[resource_type][code]
                target = draw(st.sampled_from(targets))
                typed = draw(st.booleans())
                start = f"{code}:{target}." if typed else f"{code}."
            else:
                target, code = draw(st.sampled_from(BACK[resource_type]))
                start = f"_has:{target}:{code}:"
            rest = self.linked(target, depth - 1) if depth and draw(st.integers(0, 2)) == 0 else self.plain(target)
            name, text = draw(rest)
            return start + name, text

        return drawn()

    def worded(self) -> st.SearchStrategy[Criterion]:
        """Criteria with words in narratives and contents."""
        words = st.sampled_from(WORDS)
        queries = st.recursive(
            words,
            lambda inner: st.one_of(
                st.tuples(inner, inner).map(" ".join),
                st.tuples(inner, inner).map(" OR ".join).map("({})".format),
                inner.map("NOT {}".format),
                words.map("-{}".format),
            ),
            max_leaves=4,
        )
        return st.tuples(st.sampled_from(("_text", "_content")), queries)

    def filtered(self, resource_type: str) -> st.SearchStrategy[Criterion]:
        """Criteria with ``_filter``."""
        tests = st.recursive(
            self._test(resource_type),
            lambda inner: st.one_of(
                st.tuples(inner, st.sampled_from(("and", "or", "AND")), inner).map(" ".join),
                inner.map("({})".format),
                inner.map("not ({})".format),
            ),
            max_leaves=3,
        )
        return tests.map(lambda text: ("_filter", text))

    def _test(self, resource_type: str) -> st.SearchStrategy[str]:
        @st.composite
        def drawn(draw: st.DrawFn) -> str:
            path, kind = "", resource_type
            if draw(st.integers(0, 3)) == 0:
                code = draw(st.sampled_from(sorted(LINKS[resource_type])))
                kind = draw(st.sampled_from(LINKS[resource_type][code]))
                path = f"{code}:{kind}."
            known = self._world.definitions.parameters(kind)
            parameter = known[draw(st.sampled_from(sorted(known)))]
            path += parameter.code
            if draw(st.integers(0, 4)) == 0:
                return f"{path} pr {draw(_flags)}"
            if parameter.type in ("date", "number", "quantity"):
                value = draw(self._value(kind, parameter, ""))
                operator = value[:2] if value[:2].isalpha() else "eq"
                return f"{path} {operator} {_quoted(value.removeprefix(operator))}"
            if parameter.type == "token" and parameter.code not in ("_id", "identifier") and draw(st.booleans()):
                operator, modifier = draw(
                    st.sampled_from((("in", "in"), ("ni", "in"), ("ss", "below"), ("sb", "above")))
                )
            else:
                operator, modifier = draw(st.sampled_from(_FILTERED[parameter.type])), ""
            value = draw(self._value(kind, parameter, modifier))
            if parameter.type == "string":
                value = value.replace("\\", "")
            return f"{path} {operator} {_quoted(value)}"

        return drawn()

    def criteria(self, resource_type: str) -> st.SearchStrategy[Criterion]:
        """Criteria of every kind."""
        plain = self.plain(resource_type)
        return st.one_of(plain, plain, plain, self.linked(resource_type), self.worded(), self.filtered(resource_type))

    def orders(self, resource_type: str, codes: list[str] | None = None) -> st.SearchStrategy[str]:
        """Values of ``_sort``."""
        known = self._world.definitions.parameters(resource_type)
        sortable = [code for code in codes or sorted(known) if known[code].type != "composite"]
        key = st.tuples(st.sampled_from(("", "-")), st.sampled_from(sortable)).map("".join)
        return st.lists(key, min_size=1, max_size=3, unique_by=lambda text: text.strip("-")).map(",".join)

    def includes(self) -> st.SearchStrategy[Criterion]:
        """Parameters of inclusion."""
        forms = [f"{name}:{code}" for name, links in LINKS.items() for code in links]
        forms += [f"{name}:*" for name in TYPES] + [
            "CarePlan:supporting-info:Goal",
            "CarePlan:supporting-info:CarePlan",
        ]
        names = ("_include", "_revinclude", "_include:iterate", "_revinclude:iterate")
        return st.tuples(st.sampled_from(names), st.sampled_from(forms))

    def shared(self, types: list[str]) -> list[str]:
        """Return the codes of the parameters that all of some types have."""
        return sorted(set.intersection(*(set(self._world.definitions.parameters(name)) for name in types)))

    def addresses(self) -> st.SearchStrategy[str]:
        """Whole addresses: of a type, of the system, of a compartment; what they ask for, and in which order."""

        @st.composite
        def drawn(draw: st.DrawFn) -> str:
            form = draw(st.sampled_from(("type", "type", "type", "type", "contained", "system", "compartment")))
            kind = draw(st.sampled_from(TYPES))
            place, asked, codes = kind, [], None
            if form == "contained":
                place = kind = "Goal"
                asked = [("_contained", draw(st.sampled_from(("true", "both"))))]
                asked += draw(
                    st.sampled_from(([], [("_containedType", "contained")], [("_containedType", "container")]))
                )
            if form == "compartment":
                place = f"{draw(st.sampled_from(OWNERS))}/{kind}"
            if form == "system":
                types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True))
                place, kind, codes = "", types[0], self.shared(types)
                asked = [("_type", ",".join(types))]
            if form in ("contained", "system"):
                asked += draw(st.lists(self.plain(kind, codes), min_size=1, max_size=2))
            else:
                asked += draw(st.lists(self.criteria(kind), min_size=1, max_size=2))
            if form != "contained" and draw(st.integers(0, 2)) == 0:
                asked.append(("_sort", draw(self.orders(kind, codes))))
            if form != "contained" and draw(st.integers(0, 2)) == 0:
                asked += draw(st.lists(self.includes(), min_size=1, max_size=2))
            return f"{place}?" + "&".join(f"{name}={quote(text, safe='/:|')}" for name, text in asked)

        return drawn()


def _quoted(value: str) -> str:
    """Return a value of ``_filter``, as a JSON string where it has to be one."""
    return json.dumps(value) if any(letter in value for letter in ' ()"]') or value[:1] in '"' else value
