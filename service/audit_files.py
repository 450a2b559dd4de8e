"""The key of the audit and its heads, kept in the data directory where the settings do not say otherwise."""

import os
import secrets
from pathlib import Path

from service.secret_file import made_once
from service.settings import Settings, WrongSetting

KEY = "audit.key"
HEADS = "audit-heads"
_SHORTEST = 32


def keep_in(data: Path, settings: Settings) -> None:
    """Put into the environment, for this process and its workers, what the settings leave open about the audit.

    The key is made once and kept. Raises WrongSetting where it cannot be kept, or is none.
    """
    if settings.audit == "off":
        return
    if settings.audit_key is None:
        make_key(data)
        os.environ["RECOVERY_AUDIT_KEY"] = kept_key(data) or ""
    if settings.audit_heads is None:
        os.environ["RECOVERY_AUDIT_HEADS"] = str((data / HEADS).absolute())


def make_key(data: Path) -> None:
    """Make the key that is kept in the data directory, unless there is one; raises WrongSetting."""
    try:
        made_once(data / KEY, lambda: secrets.token_hex(32) + "\n")
    except OSError as error:
        reason = f"a key of the audit cannot be kept in {data / KEY}: {error.strerror}"
        raise WrongSetting(f"RECOVERY_AUDIT_KEY is not set, and {reason}") from error


def kept_key(data: Path) -> str | None:
    """Return the key that is kept in the data directory; raises WrongSetting where it cannot be read."""
    file = data / KEY
    try:
        key = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise WrongSetting(f"{file} cannot be read") from error
    if len(key) < _SHORTEST:
        raise WrongSetting(f"{file} holds no key of {_SHORTEST} characters or more")
    return key
