"""Values that a query may ask a parameter for: those that some resource has, in every form, and a few that none has."""

from collections.abc import Iterator
from random import Random
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
    PATIENTS,
    SYSTEMS,
    TEAMS,
    TEXTS,
    UCUM,
)
from tests.support.oracle.definitions import Parameter
from tests.support.oracle.terminology import Terminology
from tests.support.oracle.tokens import codings_of, texts_of
from tests.support.oracle.world import World

DIGITS = 24  # of a number that is asked for
PREFIXES = ("", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
QUERY_TEXTS = ("hope", "HOPE and", "Cafe\u0301", "cafe au", "strasse", "elan", "hope springs", "e", "sea", "zorn (")
QUERY_TEXTS += ("istanbul final", "\u03c3\u03b9\u03c3\u03c5\u03c6\u03bf\u03c3", "\u0130STANBUL FI")
VALUE_SETS = (
    f"{OWN}/ValueSet/chime",
    f"{OWN}/ValueSet/plan-kind",
    f"{OWN}/ValueSet/agreement-status",
    f"{OWN}/ValueSet/learning-kind",
    f"{OWN}/ValueSet/stipulation-standing",
    f"{OWN}/ValueSet/decision-outcome",
    f"{OWN}/ValueSet/prediction-kind",
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


def _plain(*texts: str) -> tuple[str, ...]:
    """Return texts that have no parts as values of a query."""
    return tuple(map(escaped, texts))


# Values that may be held or not, by type of the parameter and modifier; else as without a modifier.
_OTHERS: dict[tuple[str, str], tuple[str, ...]] = {
    ("token", ""): ("a", f"{SYSTEMS[0]}|a", "|b", f"{SYSTEMS[0]}|", f"{NULL}|UNK"),
    ("token", "text"): _plain(*TEXTS[:6], *QUERY_TEXTS),
    ("token", "in"): _plain(*VALUE_SETS),
    ("token", "not-in"): _plain(*VALUE_SETS),
    ("token", "above"): tuple("|".join(pair) for pair in HIERARCHIES),
    ("token", "below"): tuple("|".join(pair) for pair in HIERARCHIES),
    ("token", "of-type"): ("http://codes.example.org/two\\,three|MR|a", f"{SYSTEMS[0]}|a\\|b|b"),
    ("reference", ""): _plain(*PATIENTS, *TEAMS, *IDS, f"{BASE}/Group/1", "Patient/3", f"{BASE}/Patient/1/_history/9"),
    ("reference", "identifier"): ("a", f"{SYSTEMS[0]}|a", "http://staff.example.org|7", f"{SYSTEMS[0]}|"),
    ("reference", "below"): (*CANONICALS, "http://a.example.org/PlanDefinition/x|3"),
    ("uri", ""): _plain(*ADDRESSES),
    ("uri", "below"): _plain(*(text for text in ADDRESSES if "urn" not in text)),
    ("uri", "above"): _plain(*(text for text in ADDRESSES if "urn" not in text)),
    ("string", ""): _plain(*TEXTS[:6], *QUERY_TEXTS),
    ("date", ""): (*DAYS, *MOMENTS, "2024-02-29T23:30", "2024-03-01T00:00Z", "2024-02-29T23:30+01:00"),
    ("number", ""): (
        *(number for number in NUMBERS if len(number) < DIGITS),
        "0.5",
        "1E2",
        "-1",
        "1e-1",
        "10e1",
        "0.7500",
        "105",
        "100.5",
    ),
    ("quantity", ""): tuple(
        f"{number}{unit}"
        for number in (*AMOUNTS, "0.0050", "1.50")
        for unit in ("", *(f"|{UCUM}|{code}" for code in ("mg", "g", "h", "min", "%")), "||mg", "||milligram")
    ),
}


def pairs(system: str | None, code: str | None) -> Iterator[str]:
    """Yield the forms of a token that ask for a system, a code, or both."""
    if code is not None:
        yield escaped(code)
        yield f"{escaped(system or '')}|{escaped(code)}"
    if system is not None:
        yield f"{escaped(system)}|"


class Asked:
    """Values to ask for, given what is held in ``world``."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._found: dict[tuple[str, str, str], list[str]] = {}

    def value(self, resource_type: str, parameter: Parameter, modifier: str) -> str:
        """Return a value for a parameter with a modifier, more often one that is held."""
        key = resource_type, parameter.code, modifier
        if key not in self._found:
            held, known = self._held(resource_type, parameter), self._world.definitions.terminology
            self._found[key] = [text for value in held for text in _forms(parameter, value, modifier, known)]
        held = self._found[key] if self._random.random() < 0.85 else []
        text = self._random.choice(held or _others(parameter, modifier))
        if parameter.type not in ("date", "number", "quantity"):
            return text
        # what was written just now is near or not near from one moment to the next
        prefixes = PREFIXES[:-1] if parameter.code == "_lastUpdated" else PREFIXES
        return self._random.choice(prefixes) + text

    def _held(self, resource_type: str, parameter: Parameter) -> list[Any]:
        """Return what the parameter finds in any resource, and in what is contained."""
        resources = [*self._world.held.values()]
        resources += [item for resource in resources for item in resource.get("contained", ())]
        return [
            value
            for resource in resources
            if resource["resourceType"] == resource_type
            for value in self._world.values(resource, parameter.expression)
        ]


def _forms(parameter: Parameter, value: Any, modifier: str, terminology: Terminology) -> Iterator[str]:
    """Yield queries that find ``value``, or just miss it."""
    match parameter.type, modifier:
        case "token", "in" | "not-in":
            there = {*codings_of(parameter, value)}
            yield from (escaped(url) for url in VALUE_SETS if terminology.members(url) & there)
        case "token", "above" | "below":
            for system, code in codings_of(parameter, value):
                if system and code and terminology.holds(system):
                    around = terminology.above if modifier == "below" else terminology.below
                    yield from (f"{system}|{other}" for other in sorted(around(system, code)))
        case "token", "text":
            for text in texts_of(value):
                yield from map(escaped, (text[:190], text[:3].upper(), text[-3:]))
        case "token", "of-type":
            for coding in value.get("type", {}).get("coding", ()):
                parts = coding.get("system", "x"), coding.get("code", "x"), value.get("value", "a")
                yield "|".join(map(escaped, parts))
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
        case "reference", kind if kind[:1].isupper() and kind in value.get("reference", ""):
            yield value["reference"].split("/_history/")[0].rpartition("/")[2]
        case "date", "":
            period = {} if isinstance(value, str) else value.get("repeat", {}).get("boundsPeriod", value)
            events = [value] if isinstance(value, str) else value.get("event", [])
            for text in (*events, period.get("start"), period.get("end")):
                if text and text[0].isdigit():
                    yield from {text, text[:4], text[:7], text[:10]}
        case "number", "":
            for number in _ends(value) if isinstance(value, dict) else [value]:
                yield str(number)[:DIGITS]
        case "quantity", "":
            number, system, code, unit = (value.get(name, "") for name in ("value", "system", "code", "unit"))
            yield str(number)
            if system and code:
                yield "|".join((str(number), escaped(system), escaped(code)))
            yield "|".join((str(number), "", escaped(unit or code or "mg")))
        case "uri", "below" | "above" if "urn" not in value:
            yield escaped(value.partition("|")[0])
        case "uri", "":
            yield from {escaped(value), value.replace(",", "\\,"), escaped(value.partition("|")[0])}
        case "string", _:
            yield from map(escaped, (value, value[:60], value[:4].upper(), value[2:9]))


def _ends(value: Any) -> list[Any]:
    return [value[name]["value"] for name in ("low", "high") if name in value]


def _others(parameter: Parameter, modifier: str) -> list[str]:
    """Return values that may be held or not."""
    if modifier[:1].isupper():
        return list(IDS)
    known = _OTHERS.get((parameter.type, modifier), _OTHERS[parameter.type, ""])
    systems = {system for system, _ in parameter.codes}
    alone = [code for system, code in HIERARCHIES if systems == {system}] if modifier in ("above", "below") else []
    return [*known, *alone]
