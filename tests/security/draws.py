"""Requests drawn at random from all that can be asked of the world, the same ones for the same seed."""

import random
from collections.abc import Iterator

from tests.security.asks import Ask, asks
from tests.security.holding import Contents
from tests.security.judge import Versions
from tests.security.world import ANN, BEN, NOBODY, goal, plan, risk

_MAKES = {"CarePlan": plan, "Goal": goal, "RiskAssessment": risk}
_LINKS = {
    "CarePlan": {"goal": "Goal", "part-of": "CarePlan", "supporting-info": "RiskAssessment"},
    "Goal": {"addresses": "RiskAssessment"},
    "RiskAssessment": {},
    "Provenance": {"target": "CarePlan"},
}
_BACK = (("CarePlan", "goal", "Goal"), ("CarePlan", "part-of", "CarePlan"), ("Goal", "addresses", "RiskAssessment"))
_BACK += (("Provenance", "target", "CarePlan"), ("Provenance", "target", "Goal"))
_SORTS = {
    "CarePlan": ("date", "identifier", "_lastUpdated", "_id", "status"),
    "Goal": ("start-date", "description", "_id"),
}
_SORTS |= {"RiskAssessment": ("probability", "date", "risk"), "Provenance": ("recorded", "_lastUpdated")}


class Draws:
    """Draws requests, whose words are those of what is stored."""

    def __init__(self, seed: int, versions: Versions, contents: Contents) -> None:
        self._random = random.Random(seed)
        self._names = list(versions)
        self._words = {name: sorted(_words(contents[name])) for name in _MAKES | {"Provenance": None}}
        self._fixed = [*asks(ANN), *asks(BEN)]

    def many(self, number: int) -> Iterator[Ask]:
        """Yield so many requests."""
        for _ in range(number):
            yield self._random.choice((self._search, self._search, self._search, self._one, self._one, self._fix))()

    def _fix(self) -> Ask:
        return self._random.choice(self._fixed)

    def _one(self) -> Ask:
        """Draw a request at one resource."""
        pick = self._random.choice
        name, resource_id = pick(self._names)
        if self._random.random() < 0.1:
            resource_id = f"{NOBODY}-plan"
        path = f"/{name}/{resource_id}"
        number = self._random.randint(1, 3)
        verb, end = pick(
            (
                ("GET", ""),
                ("GET", f"/_history/{number}"),
                ("GET", "/_history"),
                ("GET", "/$meta"),
                ("GET", "/$validate"),
                ("GET", f"/_history/{number}/$meta"),
                *((("GET", "/$diff"),) if name != "Provenance" else ()),
                *((("GET", "/$everything"),) if name == "CarePlan" else ()),
                *((("PUT", ""), ("DELETE", "")) if name in _MAKES else ()),
            )
        )
        headers = {} if self._random.random() < 0.7 else {"If-Match": f'W/"{number}"'}
        if verb == "GET" and end == "" and self._random.random() < 0.3:
            headers = {"If-None-Match": f'W/"{number}"'}
        body = _MAKES[name](resource_id, pick((ANN, ANN, BEN))) if verb == "PUT" else None
        return Ask(("", verb), 0, path + end, body, headers)

    def _search(self) -> Ask:
        """Draw a search, or a write on a condition."""
        pick, name = self._random.choice, self._random.choice(list(_MAKES | {"Provenance": None}))
        parts = [self._condition(name) for _ in range(self._random.randint(0, 2))]
        if parts and name in _MAKES and self._random.random() < 0.15:
            body = _MAKES[name]("x", ANN)
            del body["id"]
            return pick(
                (
                    Ask(("", "PUT"), 0, f"/{name}?{'&'.join(parts)}", body),
                    Ask(("", "DELETE"), 0, f"/{name}?{'&'.join(parts)}"),
                    Ask(("{type}", "POST"), 0, f"/{name}", body, {"If-None-Exist": "&".join(parts)}),
                )
            )
        parts += self._random.sample(
            (
                "_summary=count",
                "_total=accurate",
                f"_count={self._random.randint(0, 5)}",
                f"_sort={pick(('', '-'))}{pick(_SORTS[name])}",
                *(f"_include={name}:{code}" for code in _LINKS[name]),
                *(f"_revinclude={source}:{code}" for source, code, target in _BACK if target == name),
                *(f"_include:iterate={source}:{code}" for source, code, _ in _BACK),
                f"_contained={pick(('true', 'both'))}",
            ),
            self._random.randint(0, 3),
        )
        path = f"/{name}" if self._random.random() < 0.8 else f"/Patient/{pick((ANN, BEN))}/{name}"
        return Ask(("", "GET"), 0, f"{path}?{'&'.join(dict.fromkeys(parts))}")

    def _condition(self, name: str, depth: int = 2) -> str:
        """Draw one condition on resources of a type, some of them on those to which links lead."""
        chance = self._random.random()
        if depth and chance < 0.2 and _LINKS[name]:
            code, target = self._random.choice(list(_LINKS[name].items()))
            return f"{code}:{target}.{self._condition(target, depth - 1)}"
        back = [(source, code) for source, code, target in _BACK if target == name]
        if depth and chance < 0.4 and back:
            source, code = self._random.choice(back)
            return f"_has:{source}:{code}:{self._condition(source, depth - 1)}"
        if chance < 0.5:
            return self._random.choice(("_security:missing=true", "_security:missing=false", "_lastUpdated=gt2020"))
        if chance < 0.6 and depth == 2:
            return f"_content={self._random.choice((ANN, BEN))}words"
        return self._random.choice(self._words[name])


def _words(documents: list[dict]) -> Iterator[str]:
    """Yield the conditions that documents fulfil, from what is stored to find them by."""
    for document in documents:
        for word in document.get("words", ()):
            code, _, value = word.partition("=")
            if ":" not in code and not code.startswith("_profile") and value and "," not in value and "&" not in value:
                yield f"{code}={value}"
        yield f"_id={document['_id']}"
