"""The narrative that the service writes where a client sends none (https://hl7.org/fhir/R4/narrative.html)."""

from collections.abc import Callable
from typing import Any, Literal

from service.fhir import json
from service.fhir.outcome import Issue, OutcomeError
from service.narrative.narrator import DOCUMENTS, Narrator, carries_recovery_fields

Json = dict[str, Any]
Extent = Literal["recovery", "always", "off"]
_BEFORE_TEXT = {"resourceType", "id", "meta", "implicitRules", "_implicitRules", "language", "_language"}


class Narratives:
    """Puts a text of ours into resources that lack one, and keeps it in step; leaves alone what a client wrote."""

    def __init__(self, narrator: Narrator, extent: Extent, knows_profile: Callable[[str], bool]) -> None:
        self._narrator = narrator
        self._extent = extent
        self._knows_profile = knows_profile

    def completed(self, resource: Json) -> Json:
        """Return ``resource`` as it is to be stored: with a new text of ours, unless a client wrote it or none is due.

        A text of ours that comes back counts as none.
        """
        if self._is_by_client(resource):
            return resource
        if self._is_due(resource):
            return _with_text(resource, self._narrator.narrative(resource))
        return {key: value for key, value in resource.items() if key != "text"}

    def as_before(self, resource: Json, before: bytes) -> Json:
        """Return ``resource`` with the text in the JSON ``before``, unless a client wrote the one or the other."""
        if b'"text":' not in before or self._is_by_client(resource):
            return resource
        text = json.parse(before).get("text")
        return _with_text(resource, text) if self._narrator.wrote(text) else resource

    def wrote_text_of(self, resource: Json) -> bool:
        """Return whether the text in ``resource`` is ours."""
        return "text" in resource and not self._is_by_client(resource)

    def after_patch(self, before: Json, after: Json) -> Json:
        """Return ``after`` without a text that told of ``before`` what a patch has changed.

        Raises OutcomeError 422 where that text says more than the rest, so that nobody but its author can mend it.
        """
        text = after.get("text")
        if text is None or text != before.get("text") or self._narrator.wrote(text) or _says_the_same(before, after):
            return after
        if text.get("status") == "additional":
            sentence = (
                "The narrative says more than the rest, and may not fit what the patch changes: patch text with it"
            )
            raise OutcomeError(Issue("narrative-outdated", sentence, f"{after['resourceType']}.text"))
        return {key: value for key, value in after.items() if key != "text"}

    def _is_by_client(self, resource: Json) -> bool:
        return "text" in resource and not self._narrator.wrote(resource["text"])

    def _is_due(self, resource: Json) -> bool:
        if self._extent == "off" or resource["resourceType"] not in DOCUMENTS:
            return False
        return self._extent == "always" or self._claims_profile(resource) or carries_recovery_fields(resource)

    def _claims_profile(self, resource: Json) -> bool:
        return any(map(self._knows_profile, filter(None, resource.get("meta", {}).get("profile", ()))))


def _says_the_same(before: Json, after: Json) -> bool:
    """Return whether two versions differ in nothing that a text tells."""
    told = [{key: value for key, value in each.items() if key not in ("text", "meta")} for each in (before, after)]
    return json.dump_sorted(told[0]) == json.dump_sorted(told[1])


def _with_text(resource: Json, text: Any) -> Json:
    """Return ``resource`` with ``text`` in its place, which is after the first few elements."""
    if "text" in resource:
        return {**resource, "text": text}
    keys = list(resource)
    first = next((number for number, key in enumerate(keys) if key not in _BEFORE_TEXT), len(keys))
    members = list(resource.items())
    return dict([*members[:first], ("text", text), *members[first:]])
