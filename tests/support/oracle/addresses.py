"""References, canonicals and uris (https://hl7.org/fhir/R4/search.html#reference and #uri)."""

from typing import Any

from tests.support.oracle.definitions import Parameter
from tests.support.oracle.texts import plain
from tests.support.oracle.tokens import coding_matches, codings_of


def local(reference: str, base: str) -> str:
    """Return a reference without version, and without the server where that is the one at ``base``."""
    return reference.split("/_history/")[0].removeprefix(f"{base}/")


def reference_matches(parameter: Parameter, value: Any, modifier: str, text: str, base: str) -> bool:
    """Return whether a Reference or canonical is what one value of a reference parameter asks."""
    wanted = plain(text)
    if isinstance(value, str):
        return canonical_matches(value, modifier, wanted)
    if modifier == "identifier":
        return "identifier" in value and coding_matches(list(codings_of(parameter, value["identifier"])), text)
    target = local(value.get("reference", "#"), base)
    if target.startswith("#"):
        return False
    if modifier:
        return target == f"{modifier}/{wanted}"
    if "/" not in wanted and ":" not in wanted:
        return target.count("/") == 1 and target.split("/")[1] == wanted
    version = wanted.partition("/_history/")[2]
    return target == local(wanted, base) and (not version or value["reference"].endswith(f"/_history/{version}"))


def canonical_matches(value: str, modifier: str, wanted: str) -> bool:
    """Return whether a canonical, with or without its version, is the one that is asked for, or a version below it."""
    url, _, version = value.partition("|")
    asked, _, line = wanted.partition("|")
    if modifier == "below" and line:
        return url == asked and (version == line or version.startswith(f"{line}."))
    return wanted in (value, url)


def uri_matches(value: str, modifier: str, text: str) -> bool:
    """Return whether a uri is the one that is asked for, or stands below or above it by whole segments.

    A canonical with its version is asked for with or without it.
    """
    wanted, url = plain(text), value.partition("|")[0]
    match modifier:
        case "below":
            return _is_below(url, wanted)
        case "above":
            return _is_below(wanted, url)
    return wanted in (value, url)


def _is_below(address: str, other: str) -> bool:
    return address == other or address.startswith(other.removesuffix("/") + "/")
