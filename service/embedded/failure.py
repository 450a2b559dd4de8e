"""What can go wrong with the embedded MongoDB, each as one line that says what to do."""

import json
import re
import signal
from pathlib import Path

OWN_SERVER = "or set RECOVERY_MONGODB_URI to a MongoDB of your own (6.0 to 8.0, a replica set)"

PORT_TAKEN = 48  # mongod's exit code when it cannot listen

_DEBIAN_PACKAGES = {
    "libcurl": "libcurl4",
    "libssl": "libssl3",
    "libcrypto": "libssl3",
    "liblzma": "liblzma5",
    "libgcc_s": "libgcc-s1",
    "libresolv": "libc6",
    "libm": "libc6",
    "libc": "libc6",
}


class EmbeddedMongoError(Exception):
    """The embedded MongoDB cannot run; the message is one line for the person who started it."""


def explain(returncode: int, output: str, log: Path) -> str:
    """Return one line on why a ``mongod`` ended, from its exit code, what it printed and its log file."""
    if missing := re.search(r"error while loading shared libraries: ([^\s:]+)", output):
        library = missing[1]
        package = _DEBIAN_PACKAGES.get(library.split(".so")[0])
        hint = f"on Debian: apt-get install {package}" if package else "install the package that holds it"
        return f"mongod needs the shared library {library}, which is missing: {hint}, {OWN_SERVER}"
    if old := re.search(r"version [`'](GLIBC\w*_[\d.]+)' not found", output):
        return f"mongod needs a newer C library ({old[1]}) than this system has: update it, {OWN_SERVER}"
    if returncode == -signal.SIGILL:
        return f"mongod needs a processor with AVX, which this machine lacks: use another, {OWN_SERVER}"
    if returncode < 0 and returncode != -signal.SIGABRT:  # from outside, so its log does not tell why
        return f"mongod was ended by signal {-returncode}"
    reason = _last_error(log) or " ".join(output.split())[-300:] or f"see {log}"
    return f"mongod stopped with exit code {returncode}: {reason}"


def _last_error(log: Path) -> str | None:
    """Return the last error or fatal entry of a ``mongod`` log (one JSON object a line), if there is one."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-200:]
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        if '"s":"E"' not in line and '"s":"F"' not in line:
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the last line of a killed process may be cut short
        details = entry.get("attr", {}).get("error")
        if details is not None:
            return " ".join(f"{entry['msg']}: {details}".split())[:400]
    return None
