"""A small OAuth 2.0 / SMART authorisation server on this machine: authorize with PKCE, token, key set, introspection.

Whoever asks it to authorise is the person whom the test has chosen: it has no page and no password.
"""

import base64
import hashlib
import json
import secrets
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc.jwk import Key

from tests.support.issuer import AUDIENCE, key_set, mint, signing_key

Form = dict[str, str]


class AuthorizationServer:
    """``with AuthorizationServer(patient="a") as issuer:`` answers at ``issuer.url``.

    ``context`` are the claims of every token, and what the token response tells of them.
    """

    def __init__(self, **context: Any) -> None:
        self.context = context
        self.keys: list[Key] = [signing_key("first")]
        """Those that it publishes; it signs with the last one."""
        self.secrets = {"service": "the secret of the service"}
        """Who may introspect."""
        self.opaque: dict[str, dict[str, Any]] = {}
        """What is said of tokens that are no JSON Web Tokens."""
        self.fails_with: int | None = None
        """The status that is answered instead of everything else."""
        self.asked: Counter[str] = Counter()
        """How often each path was."""
        self._codes: dict[str, Form] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.issuer = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def settings(self) -> dict[str, Any]:
        """Return the settings of a service that accepts its tokens."""
        return {"auth": "jwt", "issuer": self.url, "audience": AUDIENCE}

    def mint(self, scope: str | None = None, **claims: Any) -> str:
        """Return a token of this issuer, as `issuer.mint` does."""
        return mint(scope, **{"key": self.keys[-1], "iss": self.url, **self.context, **claims})

    def metadata(self) -> dict[str, Any]:
        """Return what it says of itself."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "introspection_endpoint": f"{self.url}/introspect",
            "grant_types_supported": ["authorization_code"],
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["launch/patient", "patient/*.rs", "openid", "fhirUser"],
            "token_endpoint_auth_methods_supported": ["none"],
            "claims_supported": ["sub", "patient", "fhirUser"],
        }

    def authorize(self, asked: Form) -> str:
        """Return where the browser is sent to, with a code."""
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: Form) -> dict[str, Any]:
        """Return the answer to a code; raises KeyError where it is unknown, ValueError where its proof is wrong."""
        asked = self._codes.pop(form["code"])
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            raise ValueError("the verifier is not that of the challenge")
        granted = {"scope": asked["scope"], "client_id": asked["client_id"]}
        token = self.mint(**granted)
        shown = {name: value for name, value in self.context.items() if name == "patient"}
        return {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": asked["scope"], **shown}


class _Server(ThreadingHTTPServer):
    issuer: AuthorizationServer
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        issuer, address = self.server.issuer, urlsplit(self.path)
        issuer.asked[address.path] += 1
        if issuer.fails_with is not None:
            self._answer(issuer.fails_with, {"error": "temporarily_unavailable"})
        elif address.path == "/.well-known/openid-configuration":
            self._answer(200, issuer.metadata())
        elif address.path == "/jwks":
            self._answer(200, key_set(*issuer.keys))
        elif address.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", issuer.authorize(dict(parse_qsl(address.query))))
            self.end_headers()
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        issuer = self.server.issuer
        issuer.asked[self.path] += 1
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if issuer.fails_with is not None:
            self._answer(issuer.fails_with, {"error": "temporarily_unavailable"})
        elif self.path == "/token":
            try:
                self._answer(200, issuer.token(form))
            except (KeyError, ValueError):
                self._answer(400, {"error": "invalid_grant"})
        elif self.path == "/introspect" and self._is_known():
            self._answer(200, issuer.opaque.get(form["token"], {"active": False}))
        else:
            self._answer(401, {})

    def _is_known(self) -> bool:
        login = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        name, _, secret = login.partition(":")
        return self.server.issuer.secrets.get(name) == secret

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
