"""Queries over a world: every kind of criterion, alone and together, with orders, includes and compartments."""

import json
from collections.abc import Callable, Iterator
from itertools import cycle
from random import Random
from urllib.parse import quote

from tests.support.generated.asked import Asked
from tests.support.oracle.definitions import Definitions, Parameter
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
_PEOPLE = ("Patient/1", "Patient/2", "Patient/a")
OWNERS = {
    "CarePlan": (*_PEOPLE, "Practitioner/1", "Practitioner/2", "Encounter/1"),
    "Goal": _PEOPLE,
    "RiskAssessment": (*_PEOPLE, "Practitioner/1", "Practitioner/2", "Device/1"),
}
WORDS = ("hope", "HOPE", "sea", "caf\u00e9", "walk", "morning", "evening", "elan", "x", "well-being", "none")

_CODED = ("", "", "not", "in", "not-in", "above", "below", "missing")
_MODIFIERS = {
    "string": ("", "exact", "contains", "missing"),
    "reference": ("", "", "identifier", "missing"),
    "uri": ("", "below", "above", "missing"),
    "date": ("", "", "", "missing"),
    "number": ("", "", "", "missing"),
    "quantity": ("", "", "", "", "missing"),
    "composite": ("", "", "", "missing"),
}
_OPERATORS = {
    "string": ("eq", "ne", "co", "sw"),
    "token": ("eq", "ne"),
    "reference": ("re",),
    "uri": ("eq", "ne"),
    "composite": ("eq", "ne"),
}
_TERMINOLOGICAL = (("in", "in"), ("ni", "in"), ("ss", "below"), ("sb", "above"))
_CONTAINED_TYPES = ([], [("_containedType", "contained")], [("_containedType", "container")])
Criterion = tuple[str, str]
Turn = tuple[str, str, str]  # a type, a parameter of it, and a modifier
Search = tuple[str, list[str], list[Criterion]]  # a path, the types that are searched there, and what is asked for


def modifiers(resource_type: str, parameter: Parameter) -> tuple[str, ...]:
    """Return the modifiers that can be asked of a parameter, those that are worth more often."""
    if parameter.code == "_id":
        return ("", "", "not")
    if parameter.code == "identifier":
        return ("", "", "not", "text", "of-type", "of-type", "missing")
    if parameter.type == "token":
        return _CODED if parameter.codes else (*_CODED, "text", "text")
    if parameter.code == "instantiates-canonical":
        return ("", "below", "below", "missing")
    links = LINKS.get(resource_type, {})
    if parameter.code in links:
        return ("", "", "identifier", "missing", links[parameter.code][0])
    if parameter.code == "subject":
        return ("", "", "identifier", "missing", "Patient", "Group")
    return _MODIFIERS[parameter.type]


def in_turn(definitions: Definitions, random: Random) -> Iterator[Turn]:
    """Yield type, parameter and modifier, each that there is in its turn, for ever."""
    every = [
        (kind, parameter.code, modifier)
        for kind in TYPES
        for parameter in definitions.parameters(kind).values()
        for modifier in sorted({*modifiers(kind, parameter)})
    ]
    random.shuffle(every)
    return cycle(every)


class Queries:
    """Queries over what ``world`` holds, drawn by ``random``; parameters and modifiers also have their ``turns``."""

    def __init__(self, world: World, random: Random, turns: Iterator[Turn]) -> None:
        self._world = world
        self._asked = Asked(world, random)
        self._random = random
        self._choose = random.choice
        self._turns = turns

    def address(self) -> str:
        """Return a whole address: where it searches, what it asks for, in which order, and what with it."""
        place, types, asked = self._choose(WAYS)(self)
        if "_contained" not in dict(asked):
            if self._random.random() < 0.4:
                is_of_all = not place and "_type" not in dict(asked)  # and so of those that no world has, too
                asked.append(("_sort", self._order([*types, "Provenance"] if is_of_all else types)))
            if self._random.random() < 0.4:
                asked += [self._include(types) for _ in range(self._few())]
        return f"{place}?" + "&".join(f"{name}={quote(text, safe='/:|')}" for name, text in asked)

    def published(self, kind: str) -> str:
        """Return an address for a type of published definitions, of which no others are asked."""
        codes = [code for code in self._common([kind]) if code not in ("status", "version")]
        asked = [*self._several(lambda: self._plain(kind, codes)), ("_sort", self._order([kind]))]
        return f"{kind}?" + "&".join(f"{name}={quote(text, safe='/:|')}" for name, text in asked)

    def _whose_turn_it_is(self) -> Search:
        kind, code, modifier = next(self._turns)
        return kind, [kind], [self._with(kind, code, modifier)]

    def _of_a_type(self) -> Search:
        kind = self._choose(TYPES)
        return kind, [kind], self._several(lambda: self._criterion(kind))

    def _of_a_compartment(self) -> Search:
        kind = self._choose(TYPES)
        return f"{self._choose(OWNERS[kind])}/{kind}", [kind], self._several(lambda: self._criterion(kind))

    def _of_a_whole_compartment(self) -> Search:
        owner = self._choose(OWNERS[self._choose(TYPES)])
        types, asked = self._some([kind for kind in TYPES if owner in OWNERS[kind]])
        return f"{owner}/*", types, asked

    def _of_some_types(self) -> Search:
        return "", *self._some([*TYPES])

    def _some(self, known: list[str]) -> tuple[list[str], list[Criterion]]:
        types = self._random.sample(known, self._random.randint(1, len(known)))
        asked = self._several(lambda: self._plain(types[0], self._common(types)))
        return types, [("_type", ",".join(types)), *asked]

    def _of_everything(self) -> Search:
        codes = [code for code in self._common([*TYPES]) if code.startswith("_")]  # R4: those that any resource has
        return "", [*TYPES], self._several(lambda: self._plain(TYPES[0], codes))

    def _of_what_is_contained(self) -> Search:
        kind = self._choose(("Goal", "Goal", *TYPES))
        kept = [("_contained", self._choose(("true", "both"))), *self._choose(_CONTAINED_TYPES)]
        return kind, [kind], kept + self._several(lambda: self._plain(kind))

    def _several(self, one: Callable[[], Criterion]) -> list[Criterion]:
        return [one() for _ in range(self._few())]

    def _few(self) -> int:
        return self._choose((1, 1, 1, 2))

    def _common(self, types: list[str]) -> list[str]:
        """Return the codes of the parameters that all of some types have."""
        return sorted(set.intersection(*(set(self._world.definitions.parameters(name)) for name in types)))

    def _criterion(self, kind: str) -> Criterion:
        ways: list[Callable[[str], Criterion]] = [self._plain, self._linked, self._linked, self._filter, self._words]
        return self._choose(ways)(kind)

    def _plain(self, kind: str, codes: list[str] | None = None) -> Criterion:
        """Return a parameter of the type itself, with any modifier, and one or two values."""
        known = self._world.definitions.parameters(kind)
        parameter = known[self._choose(codes or sorted(known))]
        return self._with(kind, parameter.code, self._choose(modifiers(kind, parameter)))

    def _with(self, kind: str, code: str, modifier: str) -> Criterion:
        name = f"{code}:{modifier}" if modifier else code
        if modifier == "missing":
            return name, self._choose(("true", "false"))
        parameter = self._world.definitions.parameters(kind)[code]
        return name, ",".join(self._value(kind, parameter, modifier) for _ in range(self._few()))

    def _value(self, kind: str, parameter: Parameter, modifier: str) -> str:
        if parameter.type != "composite":
            return self._asked.value(kind, parameter, modifier)
        known = self._world.definitions.parameters(kind)
        return "$".join(self._value(kind, known[part.code], "") for part in parameter.components)

    def _linked(self, kind: str, steps: int = 4) -> Criterion:
        """Return a parameter with chains and ``_has``, nested and mixed; a filter at the end may add the fifth step."""
        if self._random.random() < 0.5:
            target, start = self._step(kind)
        else:
            target, code = self._choose(BACK[kind])
            start = f"_has:{target}:{code}:"
        further = steps > 1 and self._random.random() < 0.3
        name, text = self._linked(target, steps - 1) if further else self._end(target)
        return start + name, text

    def _end(self, kind: str) -> Criterion:
        """Return what a chain ends in."""
        return self._choose([self._plain, self._plain, self._plain, self._plain, self._words, self._filter])(kind)

    def _step(self, kind: str) -> tuple[str, str]:
        """Return a type that a parameter leads to, and the step of a chain that does."""
        code = self._choose(sorted(LINKS[kind]))
        target = self._choose(LINKS[kind][code])
        return target, self._choose((f"{code}:{target}.", f"{code}."))

    def _words(self, _: str) -> Criterion:
        """Return words to look for in narratives or contents."""
        return self._choose(("_text", "_content")), ",".join(self._sequence(2) for _ in range(self._few()))

    def _sequence(self, depth: int) -> str:
        """Return words in a row, of which one at least has to be there."""
        text = self._choose(WORDS)
        if self._random.random() < 0.2:
            text = f"{self._negation()} {text}"
        for _ in range(self._few() - 1 + depth // 2):
            further = f"({self._sequence(depth - 1)})" if depth and self._random.random() < 0.4 else self._choose(WORDS)
            text += self._choose((" ", " ", " OR ", " or ", " and ")) + further
        return f"{text} {self._negation()}" if self._random.random() < 0.3 else text

    def _negation(self) -> str:
        return self._choose(("-{}", "NOT {}", "NOT ({} OR hope)", "-({} sea)")).format(self._choose(WORDS))

    def _filter(self, kind: str) -> Criterion:
        return "_filter", self._expression(kind, 2)

    def _expression(self, kind: str, depth: int) -> str:
        match self._random.randint(0, 3 if depth else 0):
            case 0:
                return self._test(kind)
            case 1:
                return f"not ({self._expression(kind, depth - 1)})"
            case 2:
                return f"({self._expression(kind, depth - 1)})"
        word = self._choose(("and", "or", "AND"))
        return f"{self._expression(kind, depth - 1)} {word} {self._expression(kind, depth - 1)}"

    def _test(self, kind: str) -> str:
        """Return one test of ``_filter``."""
        path = ""
        if self._random.random() < 0.25:
            kind, path = self._step(kind)
        known = self._world.definitions.parameters(kind)
        parameter = self._choose([known[code] for code in sorted(known)])
        path += parameter.code
        if self._random.random() < 0.2:
            return f"{path} pr {self._choose(('true', 'false'))}"
        if parameter.type in ("date", "number", "quantity"):
            value = self._value(kind, parameter, "")
            operator = value[:2] if value[:2].isalpha() else "eq"
            return f"{path} {operator} {_quoted(value.removeprefix(operator))}"
        operator, modifier = self._choose(_OPERATORS[parameter.type]), ""
        if parameter.type == "token" and parameter.code not in ("_id", "identifier") and self._random.random() < 0.4:
            operator, modifier = self._choose(_TERMINOLOGICAL)
        value = self._value(kind, parameter, modifier)
        if parameter.type == "string":  # there every character stands for itself
            value = value.replace("\\", "")
        return f"{path} {operator} {_quoted(value)}"

    def _order(self, types: list[str]) -> str:
        """Return what to sort by."""
        known = self._world.definitions.parameters(types[0])
        sortable = [code for code in self._common(types) if known[code].type != "composite"]
        keys = self._random.sample(sortable, self._random.randint(1, 3))
        return ",".join(self._choose(("", "-")) + key for key in keys)

    def _include(self, types: list[str]) -> Criterion:
        """Return a parameter of inclusion that can lead from, or to, what is searched."""
        if self._random.random() < 0.5:
            name = self._choose(("_include", "_include:iterate"))
            source = self._choose(types if name == "_include" else TYPES)
            code = self._choose((*LINKS[source], "*"))
            targets = [f":{target}" for target in LINKS[source].get(code, ())]
            return name, self._choose((f"{source}:{code}{self._choose(('', '', *targets))}",) * 9 + ("*",))
        name = self._choose(("_revinclude", "_revinclude:iterate"))
        source, code = self._choose(BACK[self._choose(types if name == "_revinclude" else TYPES)])
        return name, f"{source}:{self._choose((code, code, '*'))}"


WAYS = (
    (Queries._whose_turn_it_is,) * 8
    + (Queries._of_a_type,) * 6
    + (
        Queries._of_what_is_contained,
        Queries._of_what_is_contained,
        Queries._of_a_compartment,
        Queries._of_a_whole_compartment,
        Queries._of_some_types,
        Queries._of_everything,
    )
)


def _quoted(value: str) -> str:
    """Return a value of ``_filter``, as a JSON string where it has to be one."""
    return json.dumps(value) if any(letter.isspace() or letter in '()"]' for letter in value) else value
