"""The indexes of a collection, derived from the search parameters of its type.

An index leaves out the documents that lack what it is for. MongoDB takes it for a search which can only find
documents that have the field: one that asks there for a value, a range, a member of a list, or `{$ne: null}`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pymongo import ASCENDING, IndexModel

from service.conformance.combinations import Combination
from service.conformance.search_parameters import COMPOSITE, SearchParameter
from service.search import fields

BUDGET = 40
"""Most indexes of a collection; MongoDB itself allows 64."""
DEFINITIONS = "definitions"
"""The field that says by which definitions a document is indexed; a tombstone lacks it."""
DELETED = "deleted"
"""The field that is true in a tombstone."""
_THERE: dict[str, bool] = {DELETED: True}
"""What a field has to be that every document has."""
LAST_UPDATED = "lastUpdated"
"""The field that every version has: when it came to be."""


@dataclass(frozen=True, slots=True)
class Index:
    """An ascending index over ``keys``, of the documents that have every field of ``having``, DELETED as true."""

    keys: tuple[str, ...]
    having: tuple[str, ...]

    @property
    def model(self) -> IndexModel:
        """The index as the driver takes it; its name says all of it, so that another form has another name."""
        return IndexModel(
            [(key, ASCENDING) for key in self.keys],
            name=f"{' '.join(self.keys)} having {' '.join(self.having)}",
            partialFilterExpression={field: _THERE.get(field, {"$exists": True}) for field in self.having},
        )


WORDS_INDEX = Index((fields.WORDS, "_id"), (fields.WORDS,))
_SHARED = (
    WORDS_INDEX,
    Index((fields.TERMS,), (fields.TERMS,)),  # an id in each of the many keys would double what is stored
    Index((f"{fields.CONTAINED}.type", f"{fields.CONTAINED}.words", "_id"), (fields.CONTAINED,)),
    Index((DEFINITIONS,), (DEFINITIONS,)),
    Index((LAST_UPDATED, "_id"), (DELETED,)),  # histories have the rest in order by search._lastUpdated
)
"""Of every type: what several parameters share, and what tells which documents wait to be indexed anew."""
OF_HISTORY = IndexModel([(LAST_UPDATED, ASCENDING), ("_id", ASCENDING)], name=f"{LAST_UPDATED} _id")
"""Of the collection of earlier versions, to have them of all resources in order."""
_ENDS = (("lo", "hi"), ("hi", "lo"))
"""A prefix demands something of one end of a stretch or of both."""


def indexes(parameters: Iterable[SearchParameter], combinations: Iterable[Combination]) -> list[Index]:
    """Return the indexes that serve ``parameters``; raises ValueError where they are more than the budget."""
    by_code = {parameter.code: parameter for parameter in parameters if parameter.code != "_id"}
    found = dict.fromkeys(_SHARED)
    for parameter in by_code.values():
        found.update(dict.fromkeys(_of_one(parameter)))
    for combination in combinations:
        found.update(dict.fromkeys(_of_several(combination, by_code)))
    if len(found) > BUDGET:
        raise ValueError(f"{len(found)} indexes are needed, and the budget is {BUDGET}")
    return list(found)


def _of_one(parameter: SearchParameter) -> Iterator[Index]:
    field = fields.own_field(parameter)
    if fields.has_own_field(parameter):
        yield Index((field, "_id"), (field,))
    elif fields.is_one_span(parameter):
        for one, other in _ENDS:
            yield Index((f"{field}.{one}", "_id", f"{field}.{other}"), (f"{field}.{one}",))
    elif fields.is_bounded(parameter):
        yield from _of_list(parameter)
    elif parameter.type == COMPOSITE:
        yield Index((*(f"{field}.{name}" for name in _in_members(parameter)), "_id"), (field,))


def _of_list(parameter: SearchParameter) -> Iterator[Index]:
    """Yield the indexes of a list of stretches: by what one member can be asked for, and by the extremes of all."""
    field = fields.own_field(parameter)
    yield Index((f"{field}.lo", f"{field}.hi"), (field,))
    if parameter.type == "quantity":
        yield Index((f"{field}.hi", f"{field}.lo"), (field,))
        for one, other in _ENDS:
            yield Index((f"{field}.units", f"{field}.{one}", f"{field}.{other}"), (field,))
            yield Index(tuple(f"{field}.canonical.{part}" for part in ("unit", one, other)), (field,))
    for name in (fields.LEAST, fields.MOST, fields.LAST):
        extreme = fields.extreme(parameter, name)
        yield Index((extreme, "_id"), (extreme,))


def _in_members(composite: SearchParameter) -> Sequence[str]:
    """Return the fields of a member of ``composite`` by which an index finds it.

    They are those of the components with one plain value each, or where there are none, one field.
    """
    single = [fields.own_field(item) for item in composite.components if fields.has_own_field(item)]
    if single:
        return single  # what is equal, so that the ids that follow are in order
    lists = [_entrance(item) if fields.is_bounded(item) else fields.WORDS for item in composite.components]
    return sorted(lists, key=lambda field: field != fields.WORDS)[:1]


def _entrance(parameter: SearchParameter) -> str:
    field = fields.own_field(parameter)
    return f"{field}.lo" if fields.is_bounded(parameter) else field


def _of_several(codes: Combination, parameters: Mapping[str, SearchParameter]) -> Iterator[Index]:
    """Yield the indexes of a combination: plain values in their order, then at most one parameter of another kind."""
    *plain, last = (parameters[code] for code in codes)
    if not all(map(fields.has_own_field, plain)):
        raise ValueError(f"Only the last of {', '.join(codes)} can have more than one plain value")
    having = tuple(map(fields.own_field, plain))
    field = fields.own_field(last)
    if fields.has_own_field(last):
        yield Index((*having, field, "_id"), (*having, field))
    elif fields.is_bounded(last):
        yield Index((*having, f"{field}.lo", "_id", f"{field}.hi"), having)
        if not fields.is_one_span(last):
            yield Index((*having, fields.sort_field(last, descending=False), "_id"), having)
    else:
        yield Index((*having, fields.WORDS, "_id"), having)
