"""When something is to happen, in words (https://hl7.org/fhir/R4/datatypes.html#timing)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.narrative.values import Values

Element = dict[str, Any]


def timing(say: "Values", timing: Element) -> str:
    """Return the moments of a Timing, what is repeated, and the name of the pattern."""
    said = [say.date(moment) for moment in filter(None, timing.get("event", ()))]
    said += _repeat(say, timing.get("repeat", {}))
    said += [say.concept(timing["code"])] if "code" in timing else []
    return ", ".join(filter(None, said))


def _repeat(say: "Values", repeat: Element) -> Iterator[str]:
    yield _frequency(say, repeat)
    yield from map(say.day, filter(None, repeat.get("dayOfWeek", ())))
    yield from (say.word("day-time", time[:5]) for time in filter(None, repeat.get("timeOfDay", ())))
    yield from map(say.event, filter(None, repeat.get("when", ())))
    if "offset" in repeat:
        yield say.word("offset", _length(say, repeat["offset"], None, "min"))
    if "duration" in repeat:
        length = _length(say, repeat["duration"], repeat.get("durationMax"), repeat.get("durationUnit"))
        yield say.word("for-each", length)
    if "count" in repeat:
        yield say.word("in-all", _span(say, repeat["count"], repeat.get("countMax")))
    yield say.value(repeat, "bounds") or ""


def _frequency(say: "Values", repeat: Element) -> str:
    said = []
    if "frequency" in repeat:
        times = _span(say, repeat["frequency"], repeat.get("frequencyMax"))
        said.append(say.word("time") if times == "1" else say.word("times", times))
    if "period" in repeat:
        length = _length(say, repeat["period"], repeat.get("periodMax"), repeat.get("periodUnit"))
        said.append(say.word("every", length))
    return " ".join(said)


def _span(say: "Values", least: Any, most: Any) -> str:
    return say.plain(least) if most is None else say.word("from-until", say.plain(least), say.plain(most))


def _length(say: "Values", least: Any, most: Any, unit: Any) -> str:
    span = _span(say, least, most)
    if not say.has_word(f"units.{unit}"):
        return f"{span} {unit or ''}".strip()
    return say.word(f"unit.{unit}") if span == "1" else say.word(f"units.{unit}", span)
