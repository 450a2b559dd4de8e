"""Which resources are about people (https://hl7.org/fhir/R4/compartmentdefinition-patient.html).

The people themselves are kept elsewhere. A resource is about somebody whom its subject names, by a reference or by an
identifier; what has no subject, such as Provenance, is about what it refers to.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from service.fhir import json
from service.fhir.reference import Addresses
from service.interactions.bulk.export import PERSON, Export, People
from service.interactions.context import Context
from service.search import fields
from service.search.predicate import OneOf, Predicate, any_of
from service.search.types.token import query_form
from service.store.document import Stored
from service.store.state import StateOf

BESIDE = {"Provenance": "target"}
"""The types that are about what they refer to, and the element that does; nobody deletes a resource of them."""
_SUBJECT, _PATIENT = "subject", "patient"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def types_about_people(context: Context) -> list[str]:
    """Return the types of which there are resources about people."""
    stored = context.definitions.stored_types
    return [
        name for name in stored if name in BESIDE or context.search_parser.types[name].keys() >= {_SUBJECT, _PATIENT}
    ]


def codes_of_people(resource_type: str) -> set[str]:
    """Return the search parameters that say about whom the resources of a type are."""
    return set() if resource_type in BESIDE else {_SUBJECT, _PATIENT}


def about(people: People, resource_type: str, base: str, context: Context) -> Predicate:
    """Return the predicate that a resource is about one of ``people``, or about somebody where nobody is named."""
    subject, patient = (context.search_parser.types[resource_type][code] for code in (_SUBJECT, _PATIENT))
    if people == People():
        return any_of([fields.present(patient), fields.starting(subject, ":identifier=")])
    references = _normal(people, base, context)
    words = [fields.word(subject, f":identifier={query_form(token)[0]}") for token in people.identifiers]
    return any_of([fields.equal(subject, references), OneOf(fields.WORDS, tuple(words))])


async def are_beside(
    versions: list[Stored], export: Export, people: People, at: datetime, context: Context
) -> list[Stored]:
    """Return those of ``versions`` that refer to one of ``people``, or to what was about one of them at a moment."""
    named = [_referred_to(version, export.base, context) for version in versions]
    by_type: dict[str, set[str]] = {}
    for name in set().union(*named):
        resource_type, _, resource_id = name.rpartition("/")
        by_type.setdefault(resource_type, set()).add(resource_id)
    wanted = _wanted_people(people, set().union(*named), export.base, context)
    for resource_type in by_type.keys() & set(types_about_people(context)) - BESIDE.keys():
        predicate = about(people, resource_type, export.base, context)
        asked = StateOf(resource_type, at, _EVER, predicate, ids=tuple(sorted(by_type[resource_type])))
        async for found in context.store.state(asked):
            wanted.update(f"{resource_type}/{item.id}" for item in found)
    return [version for version, names in zip(versions, named, strict=True) if wanted & names]


def _wanted_people(people: People, named: set[str], base: str, context: Context) -> set[str]:
    if people != People():
        return set(_normal(people, base, context))
    return {name for name in named if name.split("/")[-2:-1] == [PERSON]}


def _referred_to(version: Stored, base: str, context: Context) -> set[str]:
    """Return what a version, which is no deletion, refers to; what it names by version counts as the resource."""
    if version.body is None:
        return set()
    addresses = _addresses(base, context)
    targets: list[Mapping[str, object]] = json.parse(version.body)[BESIDE[version.type]]
    return {addresses.normal(text) for item in targets if isinstance(text := item.get("reference"), str)}


def _normal(people: People, base: str, context: Context) -> list[str]:
    addresses = _addresses(base, context)
    return [addresses.normal(text) for text in people.references]


def _addresses(base: str, context: Context) -> Addresses:
    return Addresses(context.pages.addresses.bases | {base})
