"""Any view of any resource, against the algorithm of the specification over another FHIRPath engine.

The rows are those of https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition.html#processing-algorithm, written
down as it stands there; fhirpathpy evaluates the expressions.
"""

import re
from copy import deepcopy
from functools import cache
from itertools import product
from typing import Any

import fhirpathpy
from fhirpathpy.models import models
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.views.made import Json, columns, rows, view

OF_GOAL = (
    "id",
    "lifecycleStatus",
    "description.text",
    "note.count()",
    "category.coding.code.first()",
    "target.exists()",
)
OF_NOTE = ("text", "author.ofType(string)", "time", "extension('urn:a').exists()", "extension.count()")
OF_EXTENSION = ("url", "value.ofType(string)", "value.ofType(code)", "extension('urn:b').value.ofType(code).first()")
ELEMENTS = {
    "Goal": (OF_GOAL, {"note": "Note", "extension": "Extension", "extension('urn:a')": "Extension"}),
    "Note": (OF_NOTE, {"extension": "Extension", "extension.where(url = 'urn:b')": "Extension"}),
    "Extension": (OF_EXTENSION, {"extension": "Extension"}),
}
BY_KEYS = {
    "value.ofType(string)": "(valueString | valueCode)",
    "value.ofType(code)": "valueCode",
    "author.ofType(string)": "authorString",
}

texts = st.sampled_from(["a", "b", "it's so", "=1"])
urls = st.sampled_from(["urn:a", "urn:b"])


def some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Return objects of some of ``members``, as valid resources have them: with one at least."""
    return st.fixed_dictionaries({}, optional=members).filter(bool)


extensions = st.lists(
    st.fixed_dictionaries(
        {"url": urls},
        optional={
            "valueString": texts,
            "extension": st.lists(st.fixed_dictionaries({"url": urls, "valueCode": texts}), min_size=1, max_size=2),
        },
    ),
    min_size=1,
    max_size=3,
)
goals = st.fixed_dictionaries(
    {"resourceType": st.just("Goal"), "id": st.just("1")},
    optional={
        "lifecycleStatus": st.just("active"),
        "description": some(text=texts),
        "category": st.lists(
            st.fixed_dictionaries({"coding": st.lists(some(code=texts), min_size=1, max_size=2)}),
            min_size=1,
            max_size=2,
        ),
        "note": st.lists(
            st.fixed_dictionaries({"text": texts}, optional={"authorString": texts, "extension": extensions}),
            min_size=1,
            max_size=3,
        ),
        "extension": extensions,
    },
)


@st.composite
def selects(draw: st.DrawFn, element: str = "Goal", depth: int = 2) -> Json:
    """Draw a select that is asked of an element; the names of its columns are given later."""
    paths, below = ELEMENTS[element]
    found: Json = {}
    if depth < 2 and draw(st.booleans()):
        path = draw(st.sampled_from(sorted(below)))
        found[draw(st.sampled_from(["forEach", "forEachOrNull"]))] = path
        element = below[path]
        paths = ELEMENTS[element][0]
    found["column"] = [
        {"path": path} for path in draw(st.lists(st.sampled_from([*paths, "%rowIndex"]), min_size=1, max_size=3))
    ]
    if depth:
        found["select"] = draw(st.lists(selects(element, depth - 1), max_size=2))
    return found


def with_names(select: Json, before: str = "c") -> Json:
    """Return a select whose columns have names."""
    named = [{**column, "name": f"{before}{number}"} for number, column in enumerate(select["column"])]
    nested = [with_names(item, f"{before}_{number}c") for number, item in enumerate(select.get("select", []))]
    return {**select, "column": named, "select": nested}


@settings(max_examples=40, deadline=None)
@example(
    {"forEach": "extension", "column": [{"path": "value.ofType(string)"}], "select": []},
    [{"resourceType": "Goal", "id": "1", "extension": [{"url": "urn:a", "valueCode": "a"}]}],
)
@example(
    {
        "forEachOrNull": "extension",
        "column": [{"path": "url"}],
        "select": [{"forEach": "extension", "column": [{"path": "url"}], "select": []}],
    },
    [{"resourceType": "Goal", "id": "1", "extension": [{"url": "urn:a", "valueCode": "a"}]}],
)
@given(selects(), st.lists(goals, min_size=1, max_size=2))
def test_the_rows_are_those_of_the_specification(select: Json, resources: list[Json]) -> None:
    named = with_names(select)
    expected = [row for resource in resources for row in process(named, resource, 0)]
    assert rows(view(named), *resources) == expected


@settings(max_examples=30, deadline=None)
@given(selects(depth=1), st.lists(goals, min_size=1, max_size=2))
def test_a_union_has_the_rows_of_its_branches(select: Json, resources: list[Json]) -> None:
    branch = with_names(select)
    once = rows(view(branch), *resources)
    twice = rows(view({"unionAll": [branch, branch]}), *resources)
    assert sorted(map(str, twice)) == sorted(map(str, [*once, *once]))


def process(select: Json, node: Json, index: int) -> list[Json]:
    """Return the rows of a select, as the specification has it."""
    each = select.get("forEach") or select.get("forEachOrNull")
    foci = evaluated(each, node) if each else [node]
    found = []
    for number, focus in enumerate(foci):
        at = number if each else index
        parts = [[{column["name"]: value(column["path"], focus, at)}] for column in select["column"]]
        parts += [process(nested, focus, at) for nested in select["select"]]
        found += [{name: cell for part in parts for name, cell in part.items()} for parts in product(*parts)]
    if not foci and "forEachOrNull" in select:
        return [nothing(select)]
    return found


def nothing(select: Json) -> Json:
    row = {column["name"]: 0 if column["path"] == "%rowIndex" else None for column in select["column"]}
    return row | {name: cell for nested in select["select"] for name, cell in nothing(nested).items()}


def value(path: str, focus: Json, index: int) -> Any:
    if path == "%rowIndex":
        return index
    found = evaluated(path, focus)
    assert len(found) < 2
    return found[0] if found else None


def evaluated(path: str, node: Json) -> list[Any]:
    # An element by itself does not say of which type its choices are; their keys do, and a code is a string. And
    # extension(url) of fhirpathpy gives equal extensions once.
    path = re.sub(r"extension\(('[a-z:]+')\)", r"extension.where(url = \1)", path)
    for typed, keys in BY_KEYS.items():
        path = path.replace(typed, keys)
    return compiled(path)(deepcopy(node))  # it writes into what it is given


@cache
def compiled(path: str) -> Any:
    return fhirpathpy.compile(path, models["r4"])


def test_an_expression_that_is_shared_is_evaluated_for_each_element_anew() -> None:
    given = view(
        columns(a="note.text.count()", b="note.text.first()", c="extension('urn:a').value.ofType(string).first()"),
        {"forEach": "extension", "column": [{"name": "d", "path": "extension('urn:a').value.ofType(string).first()"}]},
    )
    inner = [{"url": "urn:a", "extension": [{"url": "urn:a", "valueString": text}]} for text in "xy"]
    goal = {"resourceType": "Goal", "extension": [*inner, {"url": "urn:a", "valueString": "z"}]}
    found = rows(given, {**goal, "note": [{"text": "n"}]}, goal)
    assert [(row["a"], row["b"], row["c"], row["d"]) for row in found] == [
        *((1, "n", "z", cell) for cell in ("x", "y", None)),
        *((0, None, "z", cell) for cell in ("x", "y", None)),
    ]
