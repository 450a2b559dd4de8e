"""Files that follow from the definitions: written anew, or held against what the definitions say now."""

from collections.abc import Mapping
from pathlib import Path


class OutdatedError(Exception):
    """A file differs from what the definitions say now; the text says what to do."""


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write each file, and the folders that it needs."""
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def check_files(files: Mapping[Path, bytes], remedy: str) -> None:
    """Raise OutdatedError, which tells the ``remedy``, unless each file is there, byte for byte."""
    for path, content in files.items():
        if not path.is_file() or path.read_bytes() != content:
            raise OutdatedError(f"{path} is not what the definitions say now: {remedy}")
