"""The OpenAPI document: valid, fresh, complete, small, and its examples fit its schemas."""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from service.conformance.definitions import Definitions
from service.conformance.openapi import OutdatedError, check_openapi, openapi_bytes, openapi_file
from service.fhir.outcome import RULES, VALIDATION_RULE
from service.fhir.versions import R4

Operation = dict[str, Any]
METHODS = {"get", "put", "post", "delete", "patch", "head"}
INTERACTIONS = {
    "read": ("get", "/{id}"),
    "vread": ("get", "/{id}/_history/{vid}"),
    "update": ("put", "/{id}"),
    "delete": ("delete", "/{id}"),
    "patch": ("patch", "/{id}"),
    "history-instance": ("get", "/{id}/_history"),
    "history-type": ("get", "/_history"),
    "create": ("post", ""),
    "search-type": ("get", ""),
}
CONDITIONAL = {"conditionalUpdate": ("put", "patch"), "conditionalDelete": ("delete",)}
OPERATIONS = {
    "validate": [("post", "/$validate"), ("get", "/{id}/$validate"), ("post", "/{id}/$validate")],
    "everything": [("get", "/{id}/$everything")],
    "diff": [("get", "/{id}/$diff")],
    "meta": [("get", "/$meta"), ("get", "/{id}/$meta"), ("get", "/{id}/_history/{vid}/$meta")],
    "meta-add": [("post", "/{id}/$meta-add")],
    "meta-delete": [("post", "/{id}/$meta-delete")],
    "evaluate-measure": [("get", "/{id}/$evaluate-measure")],
}
"""What is shown of operations; that some can be asked by POST too is said in words."""
OF_UPDATES = ("post", "/{id}/$validate")
EVERYWHERE = {"_format", "_pretty"}
OF_DEFINITIONS = {"_filter", "_sort", "_count", "_total", "_summary", "_elements", "_page"}
OF_SEVERAL = OF_DEFINITIONS | {"_text", "_content", "_include", "_revinclude", "_explain"}
OF_ONE = OF_SEVERAL | {"_contained", "_containedType"}
WITHIN = "/fhir/R4/{compartment}/{id}/{resourceType}"

definitions = Definitions(R4)
document: dict[str, Any] = json.loads(openapi_file().read_bytes())


def resolve(value: Any) -> Any:
    """Return what a reference in the document stands for."""
    while isinstance(value, dict) and "$ref" in value:
        found: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def operations() -> Iterator[tuple[str, str, Operation]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def parameters(operation: Operation, place: str) -> dict[str, Any]:
    found = [resolve(item) for item in operation.get("parameters", [])]
    return {item["name"]: item for item in found if item["in"] == place}


def contents(operation: Operation) -> Iterator[dict[str, Any]]:
    if "requestBody" in operation:
        yield from operation["requestBody"]["content"].values()
    for response in operation["responses"].values():
        yield from resolve(response).get("content", {}).values()


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema | {"components": document["components"]})


def test_it_is_valid_openapi_3_1() -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_the_file_is_what_the_definitions_say() -> None:
    assert openapi_file().read_bytes() == openapi_bytes(), "run `make openapi`"


def test_a_file_that_is_not_fresh_is_reported(tmp_path: Any) -> None:
    outdated = tmp_path / "r4.json"
    outdated.write_bytes(openapi_bytes() + b"\n")
    for path in (outdated, tmp_path / "missing.json"):
        with pytest.raises(OutdatedError, match="make openapi"):
            check_openapi(path)


def test_it_is_small() -> None:
    text = openapi_file().read_bytes()
    assert len(text) < 750_000
    assert len(gzip.compress(text)) < 80_000


def offers(capability: dict[str, Any], code: str) -> bool:
    return any(item["code"] == code for item in capability["interaction"])


def test_it_has_the_declared_interactions_and_no_others() -> None:
    declared = {("post", "/fhir/R4"), ("get", "/fhir/R4/metadata"), ("get", "/fhir/R4/_history")}
    declared |= {("get", "/fhir/R4/$meta"), ("get", "/fhir/R4/Patient/{id}/$everything")}
    declared |= {("get", "/fhir/R4/$viewdefinition-run"), ("get", "/fhir/R4/$report")}
    declared |= {("get", "/fhir/R4/$export"), ("get", "/fhir/R4/Patient/$export")}
    declared |= {("post", "/fhir/R4/$import"), ("get", "/fhir/R4/$job/{id}"), ("delete", "/fhir/R4/$job/{id}")}
    declared |= {("get", "/fhir/R4/$job/{id}/{file}")}
    declared |= {("get", "/health/live"), ("get", "/health/ready")}
    for path in ("/fhir/R4", WITHIN):
        declared |= {("get", path), ("post", f"{path}/_search")}
    for name, capability in definitions.resource_capabilities.items():
        for interaction in capability["interaction"]:
            method, rest = INTERACTIONS[interaction["code"]]
            declared.add((method, f"/fhir/R4/{name}{rest}"))
            if interaction["code"] == "search-type":
                declared.add(("post", f"/fhir/R4/{name}/_search"))
        for element, methods in CONDITIONAL.items():
            if capability.get(element, False) not in (False, "not-supported"):
                declared |= {(method, f"/fhir/R4/{name}") for method in methods}
        for operation in capability.get("operation", ()):
            for method, rest in OPERATIONS[operation["name"]]:
                if offers(capability, "update") or (method, rest) != OF_UPDATES:
                    declared.add((method, f"/fhir/R4/{name}{rest}"))
    assert {(method, path) for path, method, _ in operations()} == declared


@pytest.mark.parametrize("name", definitions.resource_capabilities)
def test_it_has_the_declared_search_parameters_and_no_others(name: str) -> None:
    declared = {item["name"] for item in definitions.resource_capabilities[name]["searchParam"]}
    by_get = parameters(document["paths"][f"/fhir/R4/{name}"]["get"], "query")
    form = document["paths"][f"/fhir/R4/{name}/_search"]["post"]["requestBody"]["content"]
    by_post = resolve(form["application/x-www-form-urlencoded"]["schema"])["properties"]
    results = OF_ONE if name in definitions.stored_types else OF_DEFINITIONS
    assert set(by_get) == declared | results | EVERYWHERE
    assert set(by_post) == declared | results


@pytest.mark.parametrize("path", ["/fhir/R4", WITHIN])
def test_searches_of_several_types_have_what_all_types_have(path: str) -> None:
    every = [definitions.resource_capabilities[name]["searchParam"] for name in definitions.stored_types]
    shared = set.intersection(*({item["name"] for item in items if item["name"][0] == "_"} for items in every))
    by_get = parameters(document["paths"][path]["get"], "query")
    form = document["paths"][f"{path}/_search"]["post"]["requestBody"]["content"]
    by_post = resolve(form["application/x-www-form-urlencoded"]["schema"])["properties"]
    assert set(by_post) == shared | OF_SEVERAL | {"_type", "patient"}
    assert set(by_get) | {"patient"} == set(by_post) | EVERYWHERE
    assert ("patient" in by_get) == (path != WITHIN)


def test_the_compartments_are_those_of_the_statement() -> None:
    listed = definitions.capability["rest"][0]["compartment"]
    owners = [definitions.get(canonical)["code"] for canonical in listed]
    place = parameters(document["paths"][WITHIN]["get"], "path")
    assert place["compartment"]["schema"]["enum"] == owners
    assert place["resourceType"]["schema"]["enum"] == [*definitions.stored_types, "*"]
    assert "Device: RiskAssessment, Provenance." in place["compartment"]["description"]


@pytest.mark.parametrize("name", definitions.stored_types)
def test_a_search_parameter_names_its_modifiers_and_chains(name: str) -> None:
    by_get = parameters(document["paths"][f"/fhir/R4/{name}"]["get"], "query")
    assert "Modifiers: `:missing :identifier :[type]`" in by_get["patient"]["description"]
    assert "Modifiers: `:missing`." in by_get["_lastUpdated"]["description"]
    leads = {code for code, row in by_get.items() if f"Chains: `{code}.` and a parameter of " in row["description"]}
    assert (
        leads
        == {
            "CarePlan": {"based-on", "goal", "part-of", "replaces", "supporting-info"},
            "Goal": {"addresses", "related-goal"},
            "RiskAssessment": {"pertains-to-goal"},
            "Provenance": {"target", "entity"},
        }[name]
    )


def test_a_patch_comes_in_the_formats_that_the_statement_lists() -> None:
    patches = [operation for _, method, operation in operations() if method == "patch"]
    assert len(patches) == 6
    for operation in patches:
        assert sorted(operation["requestBody"]["content"]) == sorted(definitions.capability["patchFormat"])


def test_resources_come_and_go_as_json_and_as_xml() -> None:
    xml = {"$ref": "#/components/schemas/Xml"}
    for path, method, operation in operations():
        bodies = [resolve(response) for response in operation["responses"].values()]
        bodies += [operation["requestBody"]] if "requestBody" in operation else []
        for body in bodies:
            content = body.get("content", {})
            assert ("application/fhir+json" in content) == ("application/fhir+xml" in content), f"{method} {path}"
            assert content.get("application/fhir+xml", {"schema": xml}) == {"schema": xml}


@pytest.mark.parametrize("name", definitions.stored_types)
def test_writes_take_the_headers_that_guard_them(name: str) -> None:
    every = {(method, path.removeprefix(f"/fhir/R4/{name}")): each for path, method, each in operations()}
    for method, rest in (("post", ""), ("put", ""), ("patch", ""), ("put", "/{id}"), ("patch", "/{id}")):
        if (method, rest) in every:
            assert {"X-Provenance", "Idempotency-Key"} <= parameters(every[method, rest], "header").keys()
    assert "If-None-Exist" in parameters(every["post", ""], "header")


def test_only_a_plan_is_read_as_a_page_too() -> None:
    for name in definitions.resource_capabilities:
        answer = document["paths"][f"/fhir/R4/{name}/{{id}}"]["get"]["responses"]["200"]
        assert ("text/html" in answer["content"]) == (name == "CarePlan")


def test_every_operation_explains_itself() -> None:
    identifiers = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(identifiers)) == len(identifiers)
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations():
        assert method in METHODS
        assert operation["summary"], path
        assert operation["description"], path
        assert set(operation["tags"]) <= tags
        for place in ("query", "path", "header"):
            for parameter in parameters(operation, place).values():
                assert parameter["description"], parameter["name"]
                assert parameter["schema"], parameter["name"]
        for name in re.findall(r"{(\w+)}", path):
            parameter = parameters(operation, "path")[name]
            told = ("search for one", "Content-Location")
            assert "example" in parameter or any(words in parameter["description"] for words in told)


def test_no_text_holds_an_unfilled_template() -> None:
    texts = json.dumps([document["paths"], document["components"]["parameters"]])
    assert not re.search(r"{(type|name|plural|target)}", texts)


def test_every_error_shows_an_outcome_of_a_published_rule_and_its_status() -> None:
    for path, _, operation in operations():
        for status, response in operation["responses"].items():
            if int(status) < 400:
                continue
            contents = resolve(response)["content"]
            assert contents["application/fhir+xml"]["schema"] == {"$ref": "#/components/schemas/Xml"}
            for content in [contents["application/fhir+json"]]:
                assert content["schema"] == {"$ref": "#/components/schemas/OperationOutcome"}, path
                for rule, example in content["examples"].items():
                    issue = resolve(example)["value"]["issue"][0]
                    assert issue["details"]["coding"] == [{"system": VALIDATION_RULE, "code": rule}]
                    assert issue["code"] == RULES[rule].issue_type
                    assert RULES[rule].status == int(status)
                    assert issue["diagnostics"]


def test_every_rule_is_shown_somewhere() -> None:
    """One invariant stands for all."""
    shown = set(codings(document["components"]["examples"]))
    named = {rule for rule, row in RULES.items() if row.issue_type != "invariant"}
    assert named - shown == {"label-kept"}  # a warning that comes with a success
    assert "cpl-3" in shown


def codings(value: Any) -> Iterator[str]:
    """Yield the rules that are named anywhere within ``value``."""
    if isinstance(value, dict) and value.get("system") == VALIDATION_RULE:
        yield value["code"]
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from codings(part)


def test_where_to_go_on_is_said_in_a_header() -> None:
    answers = document["paths"]["/fhir/R4/Goal"]["get"]["responses"]
    assert set(resolve(answers["410"])["headers"]) == {"Link"}
    assert set(resolve(answers["503"])["headers"]) == {"Retry-After"}


def test_every_example_body_fits_its_schema() -> None:
    checked = 0
    for path, method, operation in operations():
        for content in contents(operation):
            for name, example in content.get("examples", {}).items():
                errors = list(validator(content["schema"]).iter_errors(resolve(example)["value"]))
                assert not errors, f"{method} {path} {name}: {errors[0].message} at {errors[0].json_path}"
                checked += 1
    assert checked > 100


def test_every_example_parameter_fits_its_schema() -> None:
    for _, _, operation in operations():
        for place in ("query", "path", "header"):
            for parameter in parameters(operation, place).values():
                schema = parameter["schema"]
                values = [parameter["example"]] if "example" in parameter else schema.get("examples", [])
                for value in values:
                    assert validator(schema).is_valid(value), f"{parameter['name']}={value}"


@pytest.mark.parametrize("name", definitions.stored_types)
def test_every_sample_of_the_type_fits_its_schema(name: str) -> None:
    schema = validator({"$ref": f"#/components/schemas/{name}"})
    for file in sorted((R4.definitions / "examples" / "valid").glob("*.json")):
        content = json.loads(file.read_bytes())
        resources = [entry["resource"] for entry in content.get("entry", [])] or [content]
        for resource in resources:
            if resource["resourceType"] == name:
                errors = list(schema.iter_errors(resource))
                assert not errors, f"{file.name}: {errors[0].message} at {errors[0].json_path}"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"recoveryStar": 1}, "unknown element"),
        ({"status": "bogus"}, "code outside a required binding"),
        ({"goal": []}, "empty list"),
        ({"subject": "Patient/1"}, "text where an object belongs"),
        ({"created": "yesterday"}, "not a date"),
        ({"title": ""}, "empty text"),
    ],
)
def test_the_schemas_refuse_what_the_service_refuses(change: dict[str, Any], where: str) -> None:
    plan = {"resourceType": "CarePlan", "status": "draft", "intent": "plan", "subject": {"display": "Robin"}}
    schema = validator({"$ref": "#/components/schemas/CarePlan"})
    assert schema.is_valid(plan)
    assert not schema.is_valid(plan | change), where
