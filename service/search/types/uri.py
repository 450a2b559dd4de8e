"""Search type uri: whole addresses, character by character (https://hl7.org/fhir/R4/search.html#uri).

A canonical with a version is found with it and without.
"""

from service.conformance.search_parameters import SearchParameter
from service.search import fields
from service.search.modifier import Knowledge, Modifier, Modifiers
from service.search.predicate import Predicate, StartsWith, any_of
from service.search.text import unescape


def words_and_keys(value: str) -> tuple[list[str], list[str]]:
    """Return the forms of an address, that of a canonical also without its version, and what it is sorted by."""
    url, bar, _ = value.partition("|")
    return [f"={value}", *([f"={url}"] if bar else [])], [url]


def _plain(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    return fields.equal(parameter, [unescape(text)])


def _below(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    address = _url(text)
    start = f"{address.rstrip('/')}/"
    alone = fields.has_own_field(parameter)
    below = StartsWith(fields.own_field(parameter), start) if alone else fields.starting(parameter, f"={start}")
    return any_of([fields.equal(parameter, [address]), below])


def _above(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    address = _url(text)
    scheme, rest = address.split("://", 1)
    segments = rest.split("/")
    above = [f"{scheme}://{'/'.join(segments[:end])}" for end in range(1, len(segments))]
    return fields.equal(parameter, dict.fromkeys([address, *above, *(f"{each}/" for each in above)]))


MODIFIERS: Modifiers = {"": Modifier(_plain), "below": Modifier(_below), "above": Modifier(_above)}


def _url(text: str) -> str:
    address = unescape(text)
    if "://" not in address:
        raise ValueError("Only URLs have others above and below them, such as http://example.org/fhir")
    return address
