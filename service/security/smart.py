"""What clients are told of authorisation (https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html)."""

from typing import Any

from service.fhir.outcome import Issue, OutcomeError
from service.security.discovery import AuthorizationServer

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_URIS = {
    "authorize": "authorization_endpoint",
    "token": "token_endpoint",
    "register": "registration_endpoint",
    "introspect": "introspection_endpoint",
    "revoke": "revocation_endpoint",
}
"""By the member of the extension the one in the description of the authorisation server."""
_PASSED_ON = (
    "issuer",
    "jwks_uri",
    *_URIS.values(),
    "token_endpoint_auth_methods_supported",
    "scopes_supported",
    "response_types_supported",
)
_OURS = ("permission-patient", "permission-user", "permission-v1", "permission-v2")
"""Capabilities that the service has, whatever the authorisation server is."""
_OF_SCOPES = {
    "launch": ("launch-ehr", "context-ehr-patient"),
    "launch/patient": ("launch-standalone", "context-standalone-patient"),
    "offline_access": ("permission-offline",),
    "online_access": ("permission-online",),
    "fhirUser": ("sso-openid-connect",),
}
_OF_LOGINS = {
    "none": ("client-public",),
    "client_secret_basic": ("client-confidential-symmetric",),
    "private_key_jwt": ("client-confidential-asymmetric",),
}
_OPEN = "There is no authentication: everybody who reaches this service can read and change everything."
_CLOSED = "Every request but this one needs a bearer token: a JSON Web Token with SMART scopes, versions 1 or 2."
_DEVELOPMENT = f"{_CLOSED} The issuer has no address; tokens for trying out come from `recovery-plan token`."

_NO_ADDRESS = "The issuer of tokens has no address, so there is nothing to configure"


class SmartConfiguration:
    """What is told by a service that accepts tokens, or is open to all; ``server`` is the issuer if it can be asked."""

    def __init__(self, is_open: bool, server: AuthorizationServer | None = None, cors: bool = False) -> None:
        self._is_open = is_open
        self._server = server
        self._cors = cors

    async def security(self) -> dict[str, Any]:
        """Return CapabilityStatement.rest.security; endpoints are left out while the issuer does not answer."""
        if self._is_open:
            return {"cors": self._cors, "description": _OPEN}
        if self._server is None:
            return {"cors": self._cors, "service": _services("OAuth"), "description": _DEVELOPMENT}
        try:
            uris = _oauth_uris(await self._server.description())
        except OutcomeError:
            uris = []
        extension = {"extension": [{"extension": uris, "url": _OAUTH_URIS}]} if uris else {}
        return {**extension, "cors": self._cors, "service": _services("SMART-on-FHIR"), "description": _CLOSED}

    async def document(self) -> dict[str, Any]:
        """Return the document of .well-known/smart-configuration.

        Raises OutcomeError 404 where there is no authorisation server to tell of, or 503 where it does not answer.
        """
        if self._server is None:
            sentence = _OPEN if self._is_open else _NO_ADDRESS
            raise OutcomeError(Issue("unknown-address", sentence))
        described = await self._server.description()
        passed_on = {name: described[name] for name in _PASSED_ON if name in described}
        return {
            **passed_on,
            "grant_types_supported": described.get("grant_types_supported", ["authorization_code"]),
            "code_challenge_methods_supported": _challenges(described),
            "capabilities": _capabilities(described),
        }


def _services(code: str) -> list[dict[str, Any]]:
    return [{"coding": [{"system": _SERVICES, "code": code}]}]


def _oauth_uris(described: dict[str, Any]) -> list[dict[str, str]]:
    return [{"url": name, "valueUri": described[member]} for name, member in _URIS.items() if member in described]


def _challenges(described: dict[str, Any]) -> list[str]:
    """Return S256 where the issuer has it: SMART allows no other, and above all not that without a hash."""
    return [name for name in described.get("code_challenge_methods_supported", ()) if name == "S256"]


def _capabilities(described: dict[str, Any]) -> list[str]:
    """Return what the issuer says that it is capable of, what follows from the rest that it says, and what we are."""
    found = [*described.get("capabilities", ()), *_OURS]
    for table, member in ((_OF_SCOPES, "scopes_supported"), (_OF_LOGINS, "token_endpoint_auth_methods_supported")):
        for name in described.get(member, ()):
            found.extend(table.get(name, ()))
    return list(dict.fromkeys(found))
