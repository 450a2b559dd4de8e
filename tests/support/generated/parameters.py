"""Search parameters beside those of the service, for what its types do not have: strings."""

import json
import shutil
from pathlib import Path

from tests.support.extraction import R4

STRINGS = {"title": "CarePlan.title", "note-text": "CarePlan.note.text"}


def with_strings(folder: Path) -> Path:
    """Return a copy of ``schemas/r4`` in ``folder`` with parameters of type string for CarePlan."""
    schemas = folder / "r4"
    shutil.copytree(R4, schemas, ignore=shutil.ignore_patterns("examples"))
    (file,) = schemas.glob("CapabilityStatement-*.json")
    statement = json.loads(file.read_text())
    (listed,) = (item["searchParam"] for item in statement["rest"][0]["resource"] if item["type"] == "CarePlan")
    for code, expression in STRINGS.items():
        identity = {"id": f"CarePlan-{code}", "url": f"https://example.org/SearchParameter/CarePlan-{code}"}
        definition = {"code": code, "type": "string", "base": ["CarePlan"], "expression": expression}
        whole = {"resourceType": "SearchParameter"} | identity | definition
        (schemas / f"SearchParameter-CarePlan-{code}.json").write_text(json.dumps(whole))
        listed.append({"name": code, "definition": identity["url"], "type": "string", "documentation": "One more."})
    file.write_text(json.dumps(statement))
    return schemas
