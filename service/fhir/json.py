"""JSON as FHIR needs it: each number keeps the digits it was written in (https://hl7.org/fhir/R4/json.html)."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from json import JSONDecodeError, JSONDecoder
from typing import Any

import orjson

from service.fhir.outcome import Issue, OutcomeError
from service.fhir.positions import Position, SourceText

LARGEST_INTEGER = 2**63 - 1


class Number(Decimal):
    """A number that remembers how it was written; equal to the decimal of that value."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Number":
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __copy__(self) -> "Number":
        """Return itself, as of all that never changes; a Decimal's own copy would lose the text."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Number":
        """Return itself."""
        return self


def parse(body: bytes) -> Any:
    """Return the JSON value in ``body``: objects as dict, whole numbers as int, others as `Number`.

    Raises OutcomeError when it is not JSON, names a key twice, or holds characters that no FHIR text may.
    """
    try:
        return _parsed(body)
    except RecursionError:
        raise OutcomeError(Issue("nesting", "The body is nested too deeply to be read")) from None


def _parsed(body: bytes) -> Any:
    try:
        value = _decoder.decode(body.decode())
    except _DuplicateKeyError as error:
        raise OutcomeError(_duplicate_key(body, error.args[0])) from None
    except UnicodeDecodeError as error:
        before = body[: error.start]
        where = SourceText(before).position(len(before.decode()))
        raise OutcomeError(_not_json(f"byte {error.start} is not UTF-8", where)) from None
    except JSONDecodeError as error:
        raise OutcomeError(_misspelt(error)) from None
    except (InvalidOperation, ValueError):
        reason = "a number is not one that JSON and FHIR allow (NaN, Infinity or an endless exponent)"
        raise OutcomeError(_not_json(reason)) from None
    if b"\\u" in body:
        _refuse_forbidden_characters(value)
    return value


def dump(value: Any) -> bytes:
    """Return ``value`` as compact UTF-8 JSON, each `Number` in its own digits."""
    return orjson.dumps(value, default=_digits)


def dump_pretty(value: Any) -> bytes:
    """Return ``value`` as JSON indented by two spaces."""
    return orjson.dumps(value, default=_digits, option=orjson.OPT_INDENT_2)


def dump_sorted(value: Any) -> bytes:
    """Return ``value`` as JSON with sorted keys: equal for values that differ only in the order of members."""
    return orjson.dumps(value, default=_digits, option=orjson.OPT_SORT_KEYS)


def _digits(value: Any) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is not JSON")


class _DuplicateKeyError(Exception):
    """Carries the key; no ValueError, which the decoder's callers take for bad syntax."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        times = Counter(name for name, _ in pairs)
        raise _DuplicateKeyError(next(name for name in times if times[name] > 1))
    return members


def _integer(text: str) -> int | Number:
    if len(text) < 19:
        number = int(text)
        return number if number or text == "0" else Number(text)  # "-0" keeps its sign
    return int(text) if abs(Decimal(text)) <= LARGEST_INTEGER else Number(text)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_decoder = JSONDecoder(
    object_pairs_hook=_unique_keys, parse_float=Number, parse_int=_integer, parse_constant=_refuse_constant
)


def _misspelt(error: JSONDecodeError) -> Issue:
    where = Position(error.lineno, error.colno)
    return _not_json(f"{error.msg} at line {where.line} column {where.column}", where)


def _not_json(reason: str, where: Position | None = None) -> Issue:
    return Issue("not-json", f"The body is not JSON: {reason}", position=where)


class _Pairs(list[tuple[str, Any]]):
    """An object whose members are kept as they came, duplicates included."""


def _duplicate_key(body: bytes, key: str) -> Issue:
    try:
        tree = JSONDecoder(object_pairs_hook=_Pairs, parse_float=str, parse_int=str).decode(body.decode())
    except JSONDecodeError as error:  # what follows the object with the key twice
        return _misspelt(error)
    place = next((path for path in _places_of_duplicates(tree, "")), "")
    last = f"{place}.{key}"
    sentence = f"The key {key[:64]!a} is given twice in one object"
    return Issue("duplicate-key", sentence, place or None, position=SourceText(body).positions([last])[last])


def _places_of_duplicates(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        names = [name for name, _ in value]
        start = path or next((str(item) for name, item in value if name == "resourceType"), "")
        if len(set(names)) != len(names):
            yield start
        for name, item in value:
            yield from _places_of_duplicates(item, f"{start}.{name}" if start else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places_of_duplicates(item, f"{path}[{index}]")


def _refuse_forbidden_characters(value: Any) -> None:
    start = value.get("resourceType", "") if isinstance(value, dict) else ""
    places = list(_places_of_forbidden_characters(value, start if isinstance(start, str) else ""))
    if places:
        sentence = "The text holds a control character or half of a surrogate pair; FHIR texts hold neither"
        raise OutcomeError(*(Issue("characters", sentence, place) for place in places[:20]))


def _places_of_forbidden_characters(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        if not value.isprintable() and any(map(_is_forbidden, value)):
            yield path
    elif isinstance(value, dict):
        for name, item in value.items():
            if not name.isprintable() and any(map(_is_forbidden, name)):
                yield path
            else:
                yield from _places_of_forbidden_characters(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places_of_forbidden_characters(item, f"{path}[{index}]")


def _is_forbidden(character: str) -> bool:
    return "\ud800" <= character <= "\udfff" or (character < " " and character not in "\t\n\r")
