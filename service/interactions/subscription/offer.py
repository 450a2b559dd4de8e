"""What is offered to who subscribes: by which channel, to which hosts (https://hl7.org/fhir/R4/subscription.html#channels)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from service.fhir.outcome import Issue

PAYLOAD = "application/fhir+json"
_CHANNEL = "rest-hook"
_LONGEST = 2_000
_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a service offers: deliveries to ``hosts``, of which each has its port unless that is the usual one."""

    hosts: frozenset[str]
    key: bytes
    """By which the marks of secrets are made."""

    def issues(self, channel: dict[str, Any], *, is_off: bool) -> Iterator[Issue]:
        """Yield why a Subscription.channel, valid by its definition, cannot be carried out.

        Where the subscription is off, so that nothing is sent, any host will do.
        """
        if channel.get("type") != _CHANNEL:
            yield _issue("type", f"The channel is {_CHANNEL}, the only one that is offered")
        if channel.get("payload", PAYLOAD) != PAYLOAD:
            yield _issue("payload", f"The payload is {PAYLOAD}, or is left out for notifications without a body")
        wrong: str | None = "A rest-hook needs the address of its receiver"
        if "endpoint" in channel:
            wrong = _wrong_form(channel["endpoint"]) if is_off else self.wrong_with(channel["endpoint"])
        if wrong is not None:
            yield _issue("endpoint", wrong)

    def wrong_with(self, endpoint: str) -> str | None:
        """Return in a sentence why nothing may be sent to ``endpoint``, None where it may."""
        if not self.hosts:
            return (
                "Nothing is delivered anywhere until the setting RECOVERY_SUBSCRIPTION_HOSTS lists the receiver's host"
            )
        parts = _parts(endpoint)
        if parts is None:
            return _wrong_form(endpoint)
        if not self.hosts.intersection(_names(parts)):
            return "The host of the endpoint, with its port, is not listed in the setting RECOVERY_SUBSCRIPTION_HOSTS"
        if parts.scheme != "https" and not _is_here(parts.hostname or ""):
            return "The endpoint has https; http is for receivers on the machine of the service itself"
        return None


def _wrong_form(endpoint: str) -> str | None:
    if _parts(endpoint) is not None:
        return None
    return "The endpoint is an address such as https://reports.example.org/fhir, without user, query and fragment"


def _parts(endpoint: str) -> SplitResult | None:
    """Return the parts of an address that could be a receiver's, or None."""
    if len(endpoint) > _LONGEST or not _ADDRESS.fullmatch(endpoint) or "\\" in endpoint:
        return None
    try:
        parts = urlsplit(endpoint)
        is_plain = parts.port != 0 and parts.hostname
    except ValueError:
        return None
    return parts if is_plain and not any((parts.query, parts.fragment, "@" in parts.netloc, "?" in endpoint)) else None


def _names(parts: SplitResult) -> set[str]:
    """Return the forms in which the host of an address can be listed."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    usual = _PORTS[parts.scheme]
    port = parts.port or usual
    return {f"{host}:{port}", *([host] if port == usual else ())}


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _issue(element: str, sentence: str) -> Issue:
    return Issue("subscription", sentence, f"Subscription.channel.{element}")
