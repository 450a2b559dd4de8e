"""Files that follow from others: written anew, or held against what they should be."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def settle(what: str, wanted: Callable[[], dict[Path, str]]) -> int:
    """Write the files that differ from `wanted`, or with `--check` only name them; returns the exit code."""
    arguments = argparse.ArgumentParser(description=what)
    arguments.add_argument("--check", action="store_true", help="write nothing, only say what differs")
    check = arguments.parse_args().check

    files = differing(wanted())
    for file, text in files.items():
        sys.stdout.write(f"{'differs' if check else 'written'}: {file}\n")
        if not check:
            file.write_text(text, encoding="utf-8")
    return 1 if check and files else 0


def differing(wanted: dict[Path, str]) -> dict[Path, str]:
    """Return those of the wanted files whose text is another, or that are not there."""
    return {file: text for file, text in wanted.items() if not file.exists() or file.read_text("utf-8") != text}
