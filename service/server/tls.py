"""TLS: the service's own, and that of a client which knows the certificate beforehand."""

import ssl
from pathlib import Path

from service.settings import Settings, WrongSetting


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """Return how the service speaks TLS, None where it does not; raises WrongSetting for files that do not fit."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=_no_password)
    except OSError as error:  # SSLError is one
        reason = getattr(error, "reason", None) or error.strerror
        raise WrongSetting(f"RECOVERY_TLS_CERTIFICATE and RECOVERY_TLS_KEY cannot be used: {reason}") from error
    return context


def _no_password() -> str:
    """Return the password of a key that has none; without this OpenSSL would ask whoever sits at the terminal."""
    return ""


def context_for(certificate: Path) -> ssl.SSLContext:
    """Return how to reach a server that has ``certificate``, by whatever name; no other is trusted."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
