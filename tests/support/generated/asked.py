"""Values that a query may ask a parameter for: those that some resource has, in every form, and a few that none has."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.support.generated.elements import (
    ADDRESSES,
    AMOUNTS,
    BASE,
    CANONICALS,
    CHIME,
    CONFIDENTIALITY,
    DAYS,
    IDS,
    MOMENTS,
    NULL,
    NUMBERS,
    OWN,
    PARTIES,
    PATIENTS,
    SYSTEMS,
    TEAMS,
    TEXTS,
    UCUM,
)
from tests.support.oracle.definitions import Parameter
from tests.support.oracle.tokens import codings_of, texts_of
from tests.support.oracle.world import World

PREFIXES = ("", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
QUERY_DATES = (
    *DAYS,
    *MOMENTS,
    "2024-02-29T23:30",
    "2024-02-29T23:30:00",
    "2024-03-01T00:00Z",
    "2024-02-29T23:30+01:00",
)
QUERY_NUMBERS = (*NUMBERS, "0.5", "1E2", "-1", "1e-1", "10e1", "0.7500", "105", "100.5")
QUERY_REFERENCES = (*PATIENTS, *PARTIES, *TEAMS, *IDS, f"{BASE}/Group/1", "Patient/3", f"{BASE}/Patient/1/_history/9")
QUERY_CANONICALS = (*CANONICALS, f"{BASE}/PlanDefinition/x", "http://a.example.org/PlanDefinition/x|3")
QUERY_TEXTS = (
    "hope",
    "HOPE and",
    "Cafe\u0301",
    "cafe au",
    "strasse",
    "elan",
    "hope springs",
    "e",
    "sea",
    "zorn (",
    "[a-z]",
)
VALUE_SETS = (
    f"{OWN}/ValueSet/chime",
    f"{OWN}/ValueSet/plan-kind",
    f"{OWN}/ValueSet/agreement-status",
    "http://hl7.org/fhir/ValueSet/request-status",
    "http://hl7.org/fhir/ValueSet/care-plan-intent",
    "http://hl7.org/fhir/ValueSet/goal-status",
    "http://terminology.hl7.org/ValueSet/v3-ConfidentialityClassification",
    "http://hl7.org/fhir/ValueSet/all-types",
    "http://hl7.org/fhir/ValueSet/marital-status",
)
HIERARCHIES = (
    *((NULL, code) for code in ("NI", "UNK", "ASKU", "NAV", "NAVU", "OTH")),
    (CONFIDENTIALITY, "_Confidentiality"),
    (CHIME, "hope"),
    ("http://hl7.org/fhir/goal-status", "accepted"),
    ("http://hl7.org/fhir/goal-status", "active"),
    ("http://hl7.org/fhir/request-intent", "order"),
)


def escaped(text: str) -> str:
    """Return ``text`` with a backslash before what separates in a query."""
    return "".join(f"\\{letter}" if letter in "\\,|$" else letter for letter in text)


def pairs(system: str | None, code: str | None) -> Iterator[str]:
    """Yield the forms of a token that ask for a system, a code, or both."""
    if code is not None:
        yield escaped(code)
        yield f"{escaped(system or '')}|{escaped(code)}"
    if system is not None:
        yield f"{escaped(system)}|"


class Asked:
    """Values to ask for, given what is held in ``world``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._found: dict[tuple[str, str, str], list[str]] = {}

    def values(self, resource_type: str, parameter: Parameter, modifier: str) -> list[str]:
        """Return values for a parameter with a modifier, the same one a list for the same world."""
        key = resource_type, parameter.code, modifier
        if key not in self._found:
            there = [
                text for value in self.held(resource_type, parameter) for text in _forms(parameter, value, modifier)
            ]
            self._found[key] = list(dict.fromkeys([*there, *there, *_others(parameter, modifier)]))
        return self._found[key]

    def held(self, resource_type: str, parameter: Parameter) -> list[Any]:
        """Return what the parameter finds in any resource, and in what is contained."""
        resources = [*self._world.held.values()]
        resources += [item for resource in resources for item in resource.get("contained", ())]
        return [
            value
            for resource in resources
            if resource["resourceType"] == resource_type
            for value in self._world.values(resource, parameter.expression)
        ]


def _forms(parameter: Parameter, value: Any, modifier: str) -> Iterator[str]:
    """Yield queries that find ``value``, or just miss it."""
    match parameter.type, modifier:
        case "token", "text":
            for text in texts_of(value):
                yield from map(escaped, (text[:60], text[:3].upper(), text[-3:]))
        case "token", "of-type":
            for coding in value.get("type", {}).get("coding", ()):
                yield (
                    "|".join(escaped(coding.get(part, "x")) for part in ("system", "code"))
                    + "|"
                    + escaped(value.get("value", "a"))
                )
        case "token", "" | "not":
            for system, code in codings_of(parameter, value):
                yield from pairs(system, code)
        case "reference", "identifier":
            if "identifier" in value:
                for system, code in codings_of(parameter, value["identifier"]):
                    yield from pairs(system, code)
        case "reference", "":
            text = value if isinstance(value, str) else value.get("reference", "#")
            if not text.startswith("#"):
                yield escaped(text)
                yield escaped(text.split("/_history/")[0].removeprefix(f"{BASE}/"))
        case "quantity", "":
            number, system, code, unit = (value.get(name, "") for name in ("value", "system", "code", "unit"))
            yield str(number)
            yield "|".join((str(number), escaped(system), escaped(code)))
            yield "|".join((str(number), "", escaped(unit or code or "mg")))
        case "string", _:
            yield from map(escaped, (value[:60], value[:4].upper(), value[2:9]))


def _others(parameter: Parameter, modifier: str) -> list[str]:
    """Return values that may be held or not."""
    others: dict[tuple[str, str], Callable[[], list[str]]] = {
        ("token", "text"): lambda: [escaped(text) for text in (*TEXTS[:6], *QUERY_TEXTS)],
        ("token", "in"): lambda: [*map(escaped, VALUE_SETS)],
        ("token", "not-in"): lambda: [*map(escaped, VALUE_SETS)],
        ("token", "above"): lambda: _hierarchies(parameter),
        ("token", "below"): lambda: _hierarchies(parameter),
        ("token", "of-type"): lambda: [f"{escaped(SYSTEMS[1])}|MR|a", f"{SYSTEMS[0]}|a\\|b|b"],
        ("reference", "identifier"): lambda: ["a", f"{SYSTEMS[0]}|a", "http://staff.example.org|7", f"{SYSTEMS[0]}|"],
        ("reference", "below"): lambda: [*map(str, QUERY_CANONICALS)],
        ("uri", "below"): lambda: [escaped(text) for text in ADDRESSES if "urn" not in text],
        ("uri", "above"): lambda: [escaped(text) for text in ADDRESSES if "urn" not in text],
        ("date", ""): lambda: [prefix + text for prefix in PREFIXES for text in QUERY_DATES],
        ("number", ""): lambda: [prefix + text for prefix in PREFIXES for text in QUERY_NUMBERS],
        ("string", "contains"): lambda: [*map(escaped, QUERY_TEXTS)],
    }
    if modifier[:1].isupper():
        return list(IDS)
    plain = {
        "token": [
            "a",
            f"{SYSTEMS[0]}|a",
            "|b",
            f"{SYSTEMS[0]}|",
            f"{NULL}|UNK",
            "http://hl7.org/fhir/goal-status|active",
        ],
        "reference": [escaped(text) for text in QUERY_REFERENCES],
        "uri": [escaped(text) for text in ADDRESSES],
        "quantity": _quantities(),
        "string": [escaped(text) for text in (*TEXTS[:6], *QUERY_TEXTS)],
    }
    made = others.get((parameter.type, modifier))
    return made() if made else plain[parameter.type]


def _hierarchies(parameter: Parameter) -> list[str]:
    """Return codes that have others above or below them; alone where the system goes without saying."""
    systems = {system for system, _ in parameter.codes}
    known = [f"{system}|{code}" for system, code in HIERARCHIES]
    return known + [code for system, code in HIERARCHIES if systems == {system}]


def _quantities() -> list[str]:
    units = ("", f"|{UCUM}|mg", f"|{UCUM}|g", f"|{UCUM}|h", f"|{UCUM}|min", "||mg", "||milligram", f"|{UCUM}|%", "||h")
    return [
        f"{prefix}{number}{unit}" for prefix in PREFIXES for number in (*AMOUNTS, "0.0050", "1.50") for unit in units
    ]
