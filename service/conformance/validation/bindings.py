"""Codes that have to be, or should be, of a value set (https://hl7.org/fhir/R4/terminologies.html#strength)."""

from collections.abc import Iterable
from typing import Any

from service.conformance.definitions import CANONICAL
from service.conformance.structures import Binding
from service.conformance.terminology import Terminology
from service.conformance.validation.place import Place
from service.conformance.validation.report import Item, Report
from service.conformance.value_sets import Coding
from service.fhir.outcome import LONGEST_VALUE, Issue, did_you_mean, quoted

MOST_LISTED = 20
"""Codes in one sentence."""


class Bindings:
    """Makes the checks of coded elements; nothing where the codes of the value set cannot be listed."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology

    def codes(self, binding: Binding | None) -> frozenset[str] | None:
        """Return the codes that alone are allowed, or None where no list says which."""
        if binding is None or not binding.is_required or not self._terminology.is_enumerable(binding.value_set):
            return None
        return frozenset(code for _, code in self._terminology.codings(binding.value_set))

    def check(self, binding: Binding | None, of_type: str) -> Item | None:
        """Return the check of a value of ``of_type``, or None where there is nothing to check.

        Raises LookupError where a required binding names a value set that is not held.
        """
        if binding is None or not self._terminology.is_enumerable(binding.value_set):
            return None
        if binding.is_required or of_type == "code":
            self._terminology.codings(binding.value_set)
        check = _CHECKS.get(of_type)
        return check(binding, self._terminology) if check else None


def _of_code(binding: Binding, terminology: Terminology) -> Item:
    codes = frozenset(code for _, code in terminology.known_codings(binding.value_set))

    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is str and value not in codes and value == value.strip() != "":
            report.add(_issue(binding, f"{quoted(value)} is {_not_one_of(codes, value)}", place))

    return check


def _of_coding(binding: Binding, terminology: Terminology) -> Item:
    known = terminology.known_codings(binding.value_set)

    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is dict and not _names_one([value], known) and not _is_right([value], binding, terminology):
            report.add(_issue(binding, _sentence([value], binding, terminology), place))

    return check


def _of_concept(binding: Binding, terminology: Terminology) -> Item:
    known = terminology.known_codings(binding.value_set)

    def check(value: Any, place: Place, report: Report) -> None:
        codings = value.get("coding", []) if type(value) is dict else None
        if type(codings) is not list or _names_one(codings, known):
            return
        if all(type(coding) is dict for coding in codings):
            if not codings and not binding.is_required:
                return  # in words only, which an extensible binding allows
            if not _is_right(codings, binding, terminology):
                report.add(_issue(binding, _sentence(codings, binding, terminology), place))

    return check


_CHECKS = {"code": _of_code, "Coding": _of_coding, "CodeableConcept": _of_concept}


def _names_one(codings: list[Any], known: frozenset[Coding]) -> bool:
    """Return whether one of ``codings``, some of them malformed maybe, is certainly right."""
    for coding in codings:
        if type(coding) is dict:
            system, code = coding.get("system"), coding.get("code")
            if type(system) is str and type(code) is str and (system, code) in known:
                return True
    return False


def _is_right(codings: list[dict[str, Any]], binding: Binding, terminology: Terminology) -> bool:
    found = [_allows(coding, binding, terminology) for coding in codings]
    return True in found or None in found


def _allows(coding: dict[str, Any], binding: Binding, terminology: Terminology) -> bool | None:
    system, code = coding.get("system"), coding.get("code")
    if type(code) is not str or type(system) is not str:
        return False if binding.is_required else None  # no code of any system: nothing to compare
    found = terminology.allows(binding.value_set, system, code)
    is_our_extension = found is False and not binding.is_required and _is_ours(system, code, terminology)
    return None if is_our_extension else found


def _is_ours(system: str, code: str, terminology: Terminology) -> bool:
    """Return whether we published the code, which says what no code of an extensible value set does."""
    return system.startswith(f"{CANONICAL}/") and terminology.display(system, code) is not None


def _issue(binding: Binding, sentence: str, place: Place) -> Issue:
    if binding.is_required:
        return Issue("binding", f"{sentence} ({binding.value_set})", str(place))
    return Issue("extensible-binding", f"{sentence} ({binding.value_set})", str(place), "warning")


def _sentence(codings: list[dict[str, Any]], binding: Binding, terminology: Terminology) -> str:
    given = [coding["code"] for coding in codings if type(coding.get("code")) is str]
    codes = {code for _, code in terminology.known_codings(binding.value_set)}
    if not given:
        return f"A code with its system is needed, one of: {listed(codes)}"
    if set(given) & codes:
        systems = {system for system, code in terminology.known_codings(binding.value_set) if code in given}
        return f"The code {quoted(given[0])} needs the system {listed(systems)}"
    return f"{quoted(given[0])} is {_not_one_of(codes, given[0])}"


def _not_one_of(codes: Iterable[str], value: str) -> str:
    return f"not one of: {listed(codes)}{did_you_mean(value[:LONGEST_VALUE], codes)}"


def listed(names: Iterable[str]) -> str:
    """Return the first of ``names``, to be read."""
    every = sorted(names)
    more = len(every) - MOST_LISTED
    return ", ".join(every[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
