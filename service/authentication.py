"""From settings to what knows clients by their tokens."""

from dataclasses import dataclass
from pathlib import Path

from service.security.claims import Expected
from service.security.discovery import AuthorizationServer
from service.security.introspection import Introspection
from service.security.jwks import Keys, from_file, from_url, read_key_set
from service.security.smart import SmartConfiguration
from service.security.strict_json import read_object
from service.security.tokens import Tokens
from service.settings import Settings, WrongSetting


@dataclass(frozen=True)
class Authentication:
    """How clients are known; without ``tokens`` nobody is asked who they are."""

    tokens: Tokens | None
    smart: SmartConfiguration
    """What clients are told of it."""


def authentication(settings: Settings) -> Authentication:
    """Return how ``settings`` let clients be known; raises WrongSetting where no issuer or no key is to be had."""
    cors = bool(settings.cors_origins)
    if settings.auth == "none":
        return Authentication(None, SmartConfiguration(is_open=True, cors=cors))
    if settings.issuer is None or settings.audience is None:
        raise WrongSetting("RECOVERY_AUTH=jwt needs RECOVERY_ISSUER without `recovery-plan serve`")
    server = None
    if settings.describes_itself:
        server = AuthorizationServer(settings.issuer, settings.openid_configuration_url)
    expected = Expected(settings.issuer, settings.audience, settings.token_leeway_seconds, settings.clearance_claim)
    tokens = Tokens(expected, _keys(settings, server), settings.token_algorithms, _introspection(settings))
    return Authentication(tokens, SmartConfiguration(is_open=False, server=server, cors=cors))


def _keys(settings: Settings, server: AuthorizationServer | None) -> Keys:
    if settings.jwks_file is not None:
        _check_key_set(settings.jwks_file)
        return Keys(from_file(settings.jwks_file))
    if settings.jwks_url is not None:
        return Keys(from_url(settings.jwks_url))
    assert server is not None, "settings are refused where keys can be found nowhere"
    return Keys(server.key_set)


def _check_key_set(file: Path) -> None:
    try:
        read_key_set(read_object(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise WrongSetting(f"RECOVERY_JWKS_FILE: {getattr(error, 'strerror', None) or error}") from error


def _introspection(settings: Settings) -> Introspection | None:
    url, name, secret = (
        settings.introspection_url,
        settings.introspection_client_id,
        settings.introspection_client_secret,
    )
    if url is None or name is None or secret is None:
        return None
    return Introspection(url, name, secret, str(settings.issuer))
