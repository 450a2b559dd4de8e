"""Write docs/views.md anew: the tables that the service brings, and what each column is.

How to use it::

    .venv/bin/python -m tests.support.views_page           # writes the page
    .venv/bin/python -m tests.support.views_page --check   # says whether it differs, exit code 1 if so
"""

import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from tests.support.derived_files import settle

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "schemas" / "r4" / "views"
PAGE = ROOT / "docs" / "views.md"
INTRODUCTION = """# The tables that the service brings

Written by `python -m tests.support.views_page` out of `schemas/r4/views`; [analysts.md](analysts.md) says how to use
them.

Each is a [SQL on FHIR v2](https://sql-on-fhir.org) `ViewDefinition`, which other programs can run as well; copy one
and change it to make a table of your own. A table of several types of resources has a ViewDefinition for each, with
the same columns: the key tells which type a row is of.

`GET /fhir/R4/$viewdefinition-run?view=goals` gives the table `goals`; `_format` is `csv`, `ndjson`, `json` or
`parquet`.
"""
TYPES = {"id": "text", "string": "text", "code": "code", "instant": "instant", "dateTime": "date and time as written"}


def definitions() -> list[dict[str, Any]]:
    """Return the ViewDefinitions by name."""
    return sorted((orjson.loads(file.read_bytes()) for file in FOLDER.glob("*.json")), key=lambda item: item["id"])


def columns(select: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the columns of a select in the order of the table; those of a union once."""
    own = select.get("column", [])
    return [
        *own,
        *(column for item in select.get("select", []) for column in columns(item)),
        *(columns(select["unionAll"][0]) if "unionAll" in select else []),
    ]


def page() -> dict[Path, str]:
    """Return the page by its file."""
    parts = [INTRODUCTION]
    for name, group in groupby(definitions(), key=lambda item: item["name"]):
        views = list(group)
        of = " and ".join(f"`{view['resource']}`" for view in views)
        parts.append(
            f"\n## {name}\n\n{views[0]['description']} Made of {of}.\n\n| column | type | what it is |\n|---|---|---|\n"
        )
        for column in columns({"select": views[0]["select"]}):
            kind = TYPES.get(column["type"], column["type"])
            parts.append(f"| `{column['name']}` | {kind} | {column['description']} |\n")
    return {PAGE: "".join(parts)}


if __name__ == "__main__":
    sys.exit(settle(str(__doc__), page))
