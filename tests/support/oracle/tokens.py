"""Tokens: codes, Codings, CodeableConcepts and Identifiers (https://hl7.org/fhir/R4/search.html#token)."""

from collections.abc import Iterator
from typing import Any

from tests.support.oracle.definitions import Parameter
from tests.support.oracle.terminology import Code, Terminology
from tests.support.oracle.texts import compared, plain, readable, split


def token_matches(parameter: Parameter, terminology: Terminology, value: Any, modifier: str, text: str) -> bool:
    """Return whether an element is what one value of a token parameter asks."""
    codings = list(codings_of(parameter, value))
    match modifier:
        case "in":
            return any(coding in terminology.members(plain(text)) for coding in codings)
        case "above" | "below":
            return any(coding in related(parameter, terminology, modifier, text) for coding in codings)
        case "of-type":
            return of_type(value, text)
        case "text":
            return any(compared(item).startswith(readable(plain(text))) for item in texts_of(value))
    return coding_matches(codings, text)


def codings_of(parameter: Parameter, value: Any) -> Iterator[tuple[str | None, str | None]]:
    """Yield (system, code) of an element that a token parameter reaches."""
    if isinstance(value, bool):
        yield None, "true" if value else "false"
    elif isinstance(value, str):
        systems = [system for system, code in parameter.codes if code == value]
        for system in systems or [None]:
            yield system, value
    elif "code" in value:
        yield value.get("system"), value["code"]
    elif "value" in value:
        yield value.get("system"), value["value"]
    elif "system" in value:
        yield value["system"], None
    else:
        for coding in value.get("coding", ()):
            yield coding.get("system"), coding.get("code")


def coding_matches(codings: list[tuple[str | None, str | None]], text: str) -> bool:
    """Return whether one of ``codings`` is what ``[code]``, ``[system]|[code]``, ``|[code]`` or ``[system]|`` asks."""
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) == 1:
        return any(code == parts[0] for _, code in codings)
    system, wanted = parts
    if not wanted:
        return any(given == system for given, _ in codings)
    return any(code == wanted and (given or "") == system for given, code in codings)


def related(parameter: Parameter, terminology: Terminology, modifier: str, text: str) -> set[Code]:
    """Return the codes above or below ``[system]|[code]``, or ``[code]`` where the element has one system only."""
    *given, code = [plain(part) for part in split(text, "|")]
    (system,) = given or {system for system, _ in parameter.codes}
    found = terminology.above(system, code) if modifier == "above" else terminology.below(system, code)
    return {(system, other) for other in found}


def of_type(identifier: Any, text: str) -> bool:
    """Return whether an Identifier is what ``[system]|[code]|[value]`` asks: its type and its value."""
    system, code, wanted = (plain(part) for part in split(text, "|"))
    codings = identifier.get("type", {}).get("coding", ())
    return identifier.get("value") == wanted and any(
        coding.get("system") == system and coding.get("code") == code for coding in codings
    )


def texts_of(value: Any) -> list[str]:
    """Return the texts of a CodeableConcept or Coding, or of the type of an Identifier."""
    if "type" in value:
        value = {"text": value["type"].get("text")}
    found = [value.get("text"), value.get("display"), *(coding.get("display") for coding in value.get("coding", ()))]
    return [text for text in found if isinstance(text, str)]
