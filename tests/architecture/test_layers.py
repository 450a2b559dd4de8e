"""The layers as drawn in the architecture, and what keeps modules readable."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "service"
MODULES = sorted(SERVICE.rglob("*.py"))
MOST_LINES = 300
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "base", "manager", "common", "misc"}
OUTER_PACKAGES = {  # which folder or module of service may import them
    "fastapi": {"app.py", "serve.py", "rest"},
    "starlette": {"app.py", "rest"},
    "fastapi_swagger": {"rest"},
    "uvicorn": {"serve.py", "server", "rest"},
    "pymongo": {"store", "embedded"},
    "bson": {"store"},
    "motor": {"store"},
    "fhir": {"conformance"},
    "lxml": {"conformance", "narrative", "patch", "reporting"},
    "joserfc": {"security", "development_tokens.py"},
    "jsonpatch": {"patch"},
    "jsonpointer": {"patch"},
    "jinja2": {"conformance", "narrative", "reporting"},
    "markupsafe": {"conformance", "narrative", "reporting"},
    "matplotlib": {"reporting"},
    "typst": {"reporting"},
}


def name_of(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def imported(module: Path) -> Iterator[str]:
    """Yield the names of all modules that a module imports, wherever in it."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(module)} imports relatively"
            yield node.module or ""


def test_imports_point_down_as_the_contracts_say() -> None:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]  # in this process it would silence our logs
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_each_outer_package_is_imported_where_it_belongs() -> None:
    strangers = [
        (name_of(module), package)
        for module in MODULES
        for package in {name.partition(".")[0] for name in imported(module)}
        if package in OUTER_PACKAGES and module.relative_to(SERVICE).parts[0] not in OUTER_PACKAGES[package]
    ]
    assert strangers == []


def test_the_service_does_not_import_its_tests() -> None:
    assert [name_of(module) for module in MODULES if any(name.startswith("tests") for name in imported(module))] == []


def test_no_module_is_long() -> None:
    lengths = {name_of(module): len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_modules_are_named_for_what_they_hold() -> None:
    assert [name_of(module) for module in MODULES if module.stem in FORBIDDEN_NAMES] == []


def without_docstring(module: Path) -> Iterator[str]:
    """Yield the module, its public classes, and its public functions and methods that say nothing of themselves."""
    waiting: list[tuple[str, ast.Module | ast.ClassDef]] = [(name_of(module), tree(module))]
    if ast.get_docstring(tree(module)) is None and tree(module).body:
        yield name_of(module)
    while waiting:
        name, holder = waiting.pop()
        for node in holder.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith(
                "_"
            ):
                if ast.get_docstring(node) is None:
                    yield f"{name}: {node.name}"
                if isinstance(node, ast.ClassDef):
                    waiting.append((f"{name}: {node.name}", node))


def test_everything_public_says_what_it_is() -> None:
    assert [item for module in MODULES for item in without_docstring(module)] == []


def test_what_is_silenced_says_which_rule_and_why() -> None:
    silenced = re.compile(r"#\s*(noqa|type: ignore|pragma)\b.*")
    with_rule = re.compile(r"#\s*(noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \w.*|type: ignore\[[a-z, -]+\].*)")
    wrong = [
        f"{name_of(module)}:{number}"
        for module in MODULES
        for number, line in enumerate(module.read_text(encoding="utf-8").splitlines(), 1)
        if (found := silenced.search(line)) and not with_rule.fullmatch(found[0])
    ]
    assert wrong == []


_PUT_TOGETHER = ("conformance/openapi/", "cli/", "commands/")


def test_the_version_of_fhir_is_named_only_where_the_parts_are_put_together() -> None:
    """A version is a value that is passed on; the rules of outcomes and the OpenAPI document are R4's."""
    naming = {module.relative_to(SERVICE) for module in MODULES if "R4" in _names(module)}
    below = {path.as_posix() for path in naming if len(path.parts) > 1}
    own = {"fhir/versions.py", "fhir/outcome.py"}
    assert {path for path in below - own if not path.startswith(_PUT_TOGETHER)} == set()


def _names(module: Path) -> set[str]:
    """Return the names that a module's code uses."""
    return {node.id for node in ast.walk(tree(module)) if isinstance(node, ast.Name)}
