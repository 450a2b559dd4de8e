"""Whatever a patch asks for, the answer is a resource or an outcome, and the resource that it was asked of stays."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.xml import Xml
from service.fhir.json import dump, parse
from service.fhir.outcome import OutcomeError
from service.fhir.versions import R4
from service.patch.fhirpath_patch import fhirpath_patched
from service.patch.json_patch import json_patched
from service.patch.xml_patch import xml_patched
from tests.support.recovery import goal

STRUCTURES = Structures(Definitions(R4))
XML = Xml(STRUCTURES)
BODY = dump({**goal(), "id": "g", "_lifecycleStatus": {"id": "s"}, "note": [{"text": "a"}, {"text": "b"}]})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "2026-01-01", "#x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["text", "url", "id"]), inner),
    max_leaves=4,
)
NAMES = st.sampled_from(
    ["note", "text", "extension", "_lifecycleStatus", "lifecycleStatus", "meta", "id", "target", "x"]
)
STEPS = NAMES | st.sampled_from(["0", "1", "-", "-1", "01", ""])
POINTERS = st.lists(STEPS, max_size=4).map(lambda steps: "".join(f"/{step}" for step in steps)) | st.text(max_size=5)
CALLS = st.sampled_from(
    [
        *("[0]", "[9]", "[1 + 1]", ".first()", ".tail()", ".value", ".extension('x')", ".resolve()", " | x"),
        *(".where(text = 'a')", ".where($index = 1)", ".where(true)", ".where(1)", ".where(", ".ofType(string)"),
    ]
)
PATHS = st.builds(
    lambda *parts: "Goal." + "".join(parts), NAMES, CALLS | st.just(""), st.just(".") | st.just(""), NAMES
)
ANY_PATH = PATHS | st.lists(CALLS | NAMES, max_size=4).map("".join) | st.text(max_size=6)
PARTS = st.fixed_dictionaries(
    {"name": st.sampled_from(["type", "path", "name", "value", "index", "source", "destination", "text", "url"])},
    optional={
        "valueCode": st.sampled_from(["add", "insert", "delete", "replace", "move"]),
        "valueString": ANY_PATH,
        "valueInteger": st.integers(-1, 3),
        "valueQuantity": st.just({"value": 1}),
    },
)
KINDS = st.sampled_from(["add", "insert", "delete", "replace", "move"])


@st.composite
def fhirpath_operations(draw: st.DrawFn) -> dict[str, Any]:
    """Return an operation that has the parts it needs, whether they fit or not, and perhaps others."""
    kind = draw(KINDS)
    parts: list[Any] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": draw(ANY_PATH)}]
    if kind == "add":
        parts.append({"name": "name", "valueString": draw(NAMES | st.just("detail"))})
    if kind in ("add", "insert", "replace"):
        parts.append({**draw(PARTS | st.just({"part": [{"name": "text", "valueString": "x"}]})), "name": "value"})
    for name in {"insert": ["index"], "move": ["source", "destination"]}.get(kind, []):
        parts.append({"name": name, "valueInteger": draw(st.integers(0, 2))})
    return {"name": "operation", "part": parts + draw(st.lists(PARTS, max_size=1))}


def ends_well(patched: Callable[[Any], Any], resource: Any) -> None:
    status = 200
    try:
        patched(resource)
    except OutcomeError as error:
        status = error.status
    assert status in (200, 400, 422)
    assert dump(resource) == BODY


@given(
    st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTERS},
            optional={"value": VALUES, "from": POINTERS},
        ),
        max_size=4,
    )
)
@settings(max_examples=60)
def test_json_patch(operations):
    ends_well(lambda resource: json_patched(resource, operations), parse(BODY))


@given(st.lists(fhirpath_operations(), min_size=1, max_size=3))
@settings(max_examples=60)
def test_fhirpath_patch(operations):
    patch = {"resourceType": "Parameters", "parameter": operations}
    ends_well(lambda resource: fhirpath_patched(resource, patch, STRUCTURES), parse(BODY))


SELECTORS = st.lists(
    st.sampled_from(
        ["Goal", "note", "text", "*", "@value", "@id", "text()", "..", ".", "[1]", "[text]", "/", "f:x", "("]
    ),
    max_size=6,
).map("/".join)
CONTENT = st.sampled_from(["", "x", "<note/>", "<note><text value='c'/></note>", "<!-- c -->", "<a/><b/>", "x<a/>y"])


@given(
    st.lists(
        st.builds(
            lambda name, sel, more, content: f'<{name} sel="{sel}" {more}>{content}</{name}>',
            st.sampled_from(["add", "replace", "remove"]),
            SELECTORS,
            st.sampled_from(
                ["", 'pos="before"', 'pos="after"', 'pos="prepend"', 'type="@id"', 'ws="both"', 'type="x"']
            ),
            CONTENT,
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=60)
def test_xml_patch(operations):
    body = f'<diff xmlns="http://hl7.org/fhir">{"".join(operations)}</diff>'.encode()
    ends_well(lambda resource: xml_patched(resource, body, XML), parse(BODY))
