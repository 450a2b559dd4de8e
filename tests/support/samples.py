"""The resources of ``schemas/r4/examples/valid``."""

from pathlib import Path
from typing import Any

import httpx
import orjson

EXAMPLES = Path(__file__).parents[2] / "schemas" / "r4" / "examples"


def valid_example(name: str) -> Any:
    """Return an example by its file name without the ending."""
    return orjson.loads((EXAMPLES / "valid" / f"{name}.json").read_bytes())


async def load_samples(client: httpx.AsyncClient) -> None:
    """POST the three sample plans, as ``make run`` does."""
    for file in sorted((EXAMPLES / "valid").glob("sample-*.json")):
        response = await client.post("/fhir/R4", content=file.read_bytes())
        assert response.status_code == 200, response.text
