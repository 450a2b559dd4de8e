"""Whether the service may listen where it is told to, and what is said of who is let in when it starts."""

import logging
from ipaddress import ip_address
from pathlib import Path

from service.development_tokens import KEY, Wanted, development_token
from service.settings import Settings, WrongSetting

logger = logging.getLogger(__name__)


def refuse_openness(settings: Settings, address: str) -> None:
    """Raise WrongSetting where everybody would be let in, and ``address`` can be reached from other machines."""
    if settings.auth == "none" and not settings.allow_unauthenticated and not ip_address(address).is_loopback:
        raise WrongSetting(
            f"RECOVERY_AUTH is none, and whoever reaches {address} could do everything: set RECOVERY_AUTH=jwt, "
            "or listen on 127.0.0.1, or set RECOVERY_ALLOW_UNAUTHENTICATED=yes"
        )


def notice(data: Path, settings: Settings) -> str | None:
    """Return the line that says who is let in, None where that is who has a token of the issuer."""
    if settings.auth == "none":
        return (
            "EVERYTHING IS OPEN: RECOVERY_AUTH is none, so whoever reaches this address can read and change all of it."
        )
    if settings.issuer is None:
        return f"Tokens for trying out: recovery-plan token --data {data} (they are signed with {data / KEY})"
    return None


def can_load_samples(settings: Settings) -> bool:
    """Return whether this process may load the sample plans, for which it needs a token where all do."""
    if settings.auth == "none" or settings.issuer is None:
        return True
    logger.warning(
        "The sample plans are not loaded: tokens come from %s (`recovery-plan load --token`)", settings.issuer
    )
    return False


def token_for_samples(data: Path, settings: Settings) -> str | None:
    """Return the token to load the sample plans with, None where none is needed."""
    if settings.auth == "none":
        return None
    return development_token(data, Wanted(clearances=("*",)), settings)
