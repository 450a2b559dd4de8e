"""A secret that is made once and kept in a file that only its owner can read."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def made_once(file: Path, make: Callable[[], str]) -> str:
    """Return what ``file`` holds, which is what ``make`` returned when it was missing; raises OSError."""
    while True:
        try:
            return file.read_text(encoding="utf-8")
        except FileNotFoundError:
            file.parent.mkdir(parents=True, exist_ok=True)
            _link_new(file, make())


def _link_new(file: Path, text: str) -> None:
    """Make ``file`` at one stroke, so that nobody sees a part of it; the first of two who try wins."""
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(fresh, file)
    except FileExistsError:
        pass  # somebody else was first
    finally:
        fresh.unlink()
