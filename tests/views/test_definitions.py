"""ViewDefinitions that are refused, each with its place, and what the others may hold."""

from typing import Any

import pytest

from service.reporting.views import ViewError, compile_view
from service.reporting.views.definition import DEEPEST
from tests.views.made import Json, columns, rows, surroundings, view

COLUMN = {"name": "a", "path": "id"}
SELECT = {"column": [COLUMN]}
ONE = "ViewDefinition.select[0]"


def a_column(**more: Any) -> Json:
    return {"resource": "Goal", "select": [{"column": [{**COLUMN, **more}]}]}


def a_select(**more: Any) -> Json:
    return {"resource": "Goal", "select": [{**SELECT, **more}]}


def a_view(**more: Any) -> Json:
    return {"resource": "Goal", "select": [SELECT], **more}


def nested(levels: int) -> Json:
    return SELECT if levels == 0 else {"select": [nested(levels - 1)]}


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("goals", "ViewDefinition"),
        ({"resourceType": "Goal"}, "ViewDefinition"),
        (a_view(resource=["Goal"]), "ViewDefinition.resource"),
        (a_view(selects=[]), "ViewDefinition.selects"),
        (a_view(name='a"\r\nX: y'), "ViewDefinition.name"),
        (a_view(select=SELECT), "ViewDefinition.select"),
        (a_view(select=["id"]), "ViewDefinition.select[0]"),
        (a_view(modifierExtension=[{"url": "urn:x"}]), "ViewDefinition.modifierExtension"),
        (a_view(fhirVersion=["5.0.0"]), "ViewDefinition.fhirVersion"),
        (a_view(where=[{"path": "description"}]), "ViewDefinition.where[0].path"),
        (a_view(where=[{}]), "ViewDefinition.where[0].path"),
        (a_select(foreach="target"), f"{ONE}.foreach"),
        (a_select(forEach="target", forEachOrNull="note"), ONE),
        (a_select(forEach="targets"), f"{ONE}.forEach"),
        (a_select(forEach=" "), f"{ONE}.forEach"),
        (a_select(repeat="target"), f"{ONE}.repeat"),
        (a_select(repeat=["target.("]), f"{ONE}.repeat[0]"),
        (a_select(column=[]), ONE),
        (a_select(select=[SELECT]), f"{ONE}.select[0].column[0].name"),
        (a_select(unionAll=[columns(b="id"), columns(c="id")]), f"{ONE}.unionAll[1]"),
        (a_select(unionAll=[columns(b="id"), columns(b="note.count()")]), f"{ONE}.unionAll[1]"),
        (a_column(path="id +"), f"{ONE}.column[0].path"),
        (a_column(path="resolved()"), f"{ONE}.column[0].path"),
        (a_column(path="%unknown"), f"{ONE}.column[0].path"),
        (a_column(path="(" * 3_000), f"{ONE}.column[0].path"),
        (a_column(path=None), f"{ONE}.column[0].path"),
        (a_column(name="a b"), f"{ONE}.column[0].name"),
        (a_column(collection="true"), f"{ONE}.column[0].collection"),
        (a_column(type="strin"), f"{ONE}.column[0].type"),
        (a_column(type="boolean"), f"{ONE}.column[0].type"),
        (a_column(path="target"), f"{ONE}.column[0].type"),
        (a_view(constant=[{"name": "a"}]), "ViewDefinition.constant[0]"),
        (a_view(constant=[{"name": "1", "valueCode": "a"}]), "ViewDefinition.constant[0].name"),
        (a_view(constant=[{"name": "resource", "valueCode": "a"}]), "ViewDefinition.constant[0].name"),
        (a_view(constant=[{"name": "a", "valueDate": "noon"}]), "ViewDefinition.constant[0].valueDate"),
        (a_view(constant=[{"name": "a", "valueInteger": True}]), "ViewDefinition.constant[0].valueInteger"),
        (a_view(constant=[{"name": "a", "valueCode": "a", "valueId": "b"}]), "ViewDefinition.constant[0]"),
        (a_view(constant=[{"name": "a", "valueCoding": {"code": "a"}}]), "ViewDefinition.constant[0].valueCoding"),
        (a_view(select=[columns(**{f"c{number}": "id" for number in range(1_001)})]), f"{ONE}.column[1000]"),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_place(given: Any, place: str) -> None:
    with pytest.raises(ViewError) as refused:
        compile_view(given, surroundings())
    assert place in [issue.expression for issue in refused.value.issues]


def test_selects_can_be_nested_but_not_without_end() -> None:
    assert rows(view(nested(DEEPEST)), {"resourceType": "Goal", "id": "1"}) == [{"a": "1"}]
    with pytest.raises(ViewError, match="levels of select"):
        view(nested(DEEPEST + 1))


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ViewError) as refused:
        view(columns(a="idd", b="id", c="description.txt"))
    assert [issue.expression for issue in refused.value.issues] == [f"{ONE}.column[0].path", f"{ONE}.column[2].path"]


def test_a_resource_of_which_no_rows_can_be_made_is_told_with_the_path() -> None:
    several = view(columns(a="note.text"))
    goal = {"resourceType": "Goal", "id": "1", "note": [{"text": "my words"}, {"text": "others"}]}
    with pytest.raises(ViewError) as refused:
        several.rows(goal)
    (issue,) = refused.value.issues
    assert (issue.rule, issue.expression) == ("view-value", f"{ONE}.column[0].path")
    assert "Goal/1" in issue.diagnostics
    assert "words" not in issue.diagnostics


def test_rows_beside_each_other_do_not_multiply_without_end() -> None:
    each = [{"forEach": "note", "column": [{"name": f"n{number}", "path": "text"}]} for number in range(5)]
    with pytest.raises(ViewError, match="more than 100000 rows"):
        view(*each).rows({"resourceType": "Goal", "id": "1", "note": [{"text": "a"}] * 20})


def test_the_type_of_a_column_follows_from_its_path() -> None:
    given = columns(
        a="id",
        b="start.ofType(date)",
        c="target.count()",
        d="target.detail.ofType(Quantity).value.first()",
        e="note.exists()",
        f="meta.lastUpdated",
        g="start",
        h="getResourceKey()",
    )
    found = [(column.type, column.form) for column in view(given).columns]
    assert found == [
        ("id", "text"),
        ("date", "moment"),
        ("integer", "integer"),
        ("decimal", "decimal"),
        ("boolean", "boolean"),
        ("instant", "instant"),
        ("", "any"),
        ("string", "text"),
    ]


def test_columns_of_complex_types_and_of_several_values_are_there_for_json() -> None:
    given = {
        "column": [
            {"name": "subject", "path": "subject", "type": "Reference"},
            {"name": "texts", "path": "note.text", "type": "markdown", "collection": True},
        ]
    }
    subject = {"reference": "Patient/1"}
    goal = {"resourceType": "Goal", "subject": subject, "note": [{"text": "a"}, {"text": "b"}]}
    assert rows(view(given), goal) == [{"subject": subject, "texts": ["a", "b"]}]


def test_what_is_absent_with_a_reason_is_null() -> None:
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]
    }
    goal = {"resourceType": "Goal", "_startDate": absent, "_lifecycleStatus": absent}
    assert rows(view(columns(a="start.ofType(date)", b="lifecycleStatus")), goal) == [{"a": None, "b": None}]
