"""Export what has changed since the last time: python docs/export.py http://127.0.0.1:8000/fhir/R4 exported [token]"""

import json
import sys
import time
from pathlib import Path

import httpx


def export(base: str, folder: Path, token: str | None = None) -> None:
    """Put the files of an export into ``folder``, below the moment whose state they are."""
    last = folder / "manifest.json"
    since = {"_since": json.loads(last.read_text())["transactionTime"]} if last.exists() else {}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(headers=headers, timeout=60) as client:
        begun = client.get(f"{base}/$export", params=since, headers={"Prefer": "respond-async"}).raise_for_status()
        address = begun.headers["Content-Location"]
        while (answer := client.get(address).raise_for_status()).status_code == 202:
            print(answer.headers["X-Progress"])
            time.sleep(int(answer.headers["Retry-After"]))
        manifest = answer.json()
        here = folder / manifest["transactionTime"].replace(":", "")
        here.mkdir(parents=True, exist_ok=True)
        for item in [*manifest["output"], *manifest["deleted"], *manifest["error"]]:
            with client.stream("GET", item["url"]) as file, (here / item["url"].rpartition("/")[2]).open("wb") as copy:
                for piece in file.raise_for_status().iter_bytes():
                    copy.write(piece)
        client.delete(address)
    last.write_text(json.dumps(manifest))


if __name__ == "__main__":
    export(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
