"""An authorisation server that is asked: its description, its keys, and tokens that only it understands."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from service.authentication import authentication
from service.fhir.outcome import OutcomeError
from service.security.fetch import MOST_BYTES
from service.security.refusal import TokenRefused
from service.security.smart import SmartConfiguration
from service.security.tokens import Tokens
from service.settings import Settings
from tests.support.authorization_server import AuthorizationServer
from tests.support.issuer import AUDIENCE, mint, signing_key

INTROSPECTION = {"introspection_client_id": "service", "introspection_client_secret": "the secret of the service"}


@pytest.fixture
def issuer() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as running:
        yield running


def tokens_of(issuer: AuthorizationServer, **more: Any) -> Tokens:
    """Return what verifies tokens of ``issuer``."""
    tokens = authentication(Settings(**issuer.settings(), **more)).tokens
    assert tokens is not None
    return tokens


def smart_of(issuer: AuthorizationServer) -> SmartConfiguration:
    """Return what is told of ``issuer``."""
    return authentication(Settings(**issuer.settings())).smart


async def test_keys_are_where_the_description_says(issuer: AuthorizationServer) -> None:
    tokens = tokens_of(issuer)
    for name in ("a", "b"):
        assert (await tokens.client(issuer.mint(sub=name))).subject == name
    assert issuer.asked == {"/.well-known/openid-configuration": 1, "/jwks": 1}


async def test_keys_are_where_a_setting_says(issuer: AuthorizationServer) -> None:
    await tokens_of(issuer, jwks_url=f"{issuer.url}/jwks").client(issuer.mint())
    assert issuer.asked == {"/jwks": 1}


@pytest.mark.parametrize("change", [{"issuer": "https://other.example.org"}, {"issuer": None}, {"jwks_uri": None}])
async def test_a_description_that_is_not_that_of_the_issuer(
    issuer: AuthorizationServer, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    described = issuer.metadata() | change
    monkeypatch.setattr(issuer, "metadata", lambda: described)
    with pytest.raises(OutcomeError) as caught:
        await tokens_of(issuer).client(issuer.mint())
    assert caught.value.status == 503


@pytest.mark.parametrize(
    "address", ["http://keys.example.org/jwks", "file:///etc/passwd", "https://a b/", 7, "", "//x"]
)
async def test_keys_are_not_fetched_from_anywhere(
    issuer: AuthorizationServer, monkeypatch: pytest.MonkeyPatch, address: Any
) -> None:
    described = issuer.metadata() | {"jwks_uri": address}
    monkeypatch.setattr(issuer, "metadata", lambda: described)
    with pytest.raises(OutcomeError):
        await tokens_of(issuer).client(issuer.mint())


async def test_a_redirect_is_not_followed(issuer: AuthorizationServer) -> None:
    with pytest.raises(OutcomeError):
        await tokens_of(issuer, jwks_url=f"{issuer.url}/authorize?{REDIRECT.format(issuer.url)}").client(issuer.mint())
    assert issuer.asked == {"/authorize": 1}


REDIRECT = "response_type=code&code_challenge_method=S256&state=a&redirect_uri={}/jwks"


async def test_an_answer_without_end_is_not_read(issuer: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer, "metadata", lambda: {"issuer": issuer.url, "padding": "a" * MOST_BYTES})
    with pytest.raises(OutcomeError):
        await tokens_of(issuer).client(issuer.mint())


async def test_an_issuer_that_comes_down_and_up(issuer: AuthorizationServer) -> None:
    tokens = tokens_of(issuer)
    await tokens.client(issuer.mint())
    issuer.fails_with = 500
    await tokens.client(issuer.mint(sub="another"))
    with pytest.raises(TokenRefused):
        await tokens.client(mint(iss=issuer.url, key=signing_key("unknown")))


class TestIntrospection:
    """Tokens that are no JSON Web Tokens are shown to their issuer, and believed if it says that they are good."""

    def claims(self, **more: Any) -> dict[str, Any]:
        return {
            "active": True,
            "aud": AUDIENCE,
            "exp": int(time.time()) + 300,
            "sub": "a",
            "scope": "user/*.rs",
            **more,
        }

    def tokens(self, issuer: AuthorizationServer, **more: Any) -> Tokens:
        return tokens_of(issuer, **{"introspection_url": f"{issuer.url}/introspect", **INTROSPECTION, **more})

    async def test_a_token_is_shown_once(self, issuer: AuthorizationServer) -> None:
        issuer.opaque["opaque"] = self.claims()
        tokens = self.tokens(issuer)
        client = await tokens.client("opaque")
        assert (client.subject, client.scopes, client.issuer) == ("a", ("user/*.rs",), issuer.url)
        assert await tokens.client("opaque") is client
        assert issuer.asked == {"/introspect": 1}

    @pytest.mark.parametrize(
        "claims",
        [
            {"active": False},
            {"active": "true"},
            {"aud": "another"},
            {"aud": None},
            {"exp": 1},
            {"exp": None},
            {"iss": "x"},
        ],
    )
    async def test_one_that_is_not_good(self, issuer: AuthorizationServer, claims: dict[str, Any]) -> None:
        issuer.opaque["opaque"] = self.claims(**claims)
        tokens = self.tokens(issuer)
        for _ in range(2):
            with pytest.raises(TokenRefused):
                await tokens.client("opaque")

    async def test_an_unknown_one_is_not_shown_again_and_again(self, issuer: AuthorizationServer) -> None:
        tokens = self.tokens(issuer)
        for _ in range(3):
            with pytest.raises(TokenRefused, match="not active"):
                await tokens.client("unknown")
        assert issuer.asked == {"/introspect": 1}

    async def test_a_signed_token_is_not_shown(self, issuer: AuthorizationServer) -> None:
        await self.tokens(issuer).client(issuer.mint())
        assert "/introspect" not in issuer.asked

    async def test_where_it_cannot_be_asked_nobody_knows(self, issuer: AuthorizationServer) -> None:
        issuer.opaque["opaque"] = self.claims()
        with pytest.raises(OutcomeError) as caught:
            await self.tokens(issuer, introspection_client_secret="wrong").client("opaque")
        assert caught.value.status == 503


class TestSmartConfiguration:
    """What clients are told is what the issuer says of itself, and what the service can do."""

    async def test_of_an_issuer(self, issuer: AuthorizationServer) -> None:
        document = await smart_of(issuer).document()
        told = issuer.metadata()
        del told["claims_supported"]
        assert document == told | {
            "capabilities": [
                "permission-patient",
                "permission-user",
                "permission-v1",
                "permission-v2",
                "launch-standalone",
                "context-standalone-patient",
                "sso-openid-connect",
                "client-public",
            ]
        }

    async def test_in_the_capability_statement(self, issuer: AuthorizationServer) -> None:
        security = await smart_of(issuer).security()
        (uris,) = security["extension"]
        assert {item["url"]: item["valueUri"] for item in uris["extension"]} == {
            "authorize": f"{issuer.url}/authorize",
            "token": f"{issuer.url}/token",
            "introspect": f"{issuer.url}/introspect",
        }
        assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"

    async def test_of_an_issuer_that_is_down(self, issuer: AuthorizationServer) -> None:
        issuer.fails_with = 503
        smart = smart_of(issuer)
        with pytest.raises(OutcomeError) as caught:
            await smart.document()
        assert caught.value.status == 503
        assert "extension" not in await smart.security()

    async def test_without_an_address_of_the_issuer(self) -> None:
        for smart in (SmartConfiguration(is_open=True), SmartConfiguration(is_open=False)):
            with pytest.raises(OutcomeError) as caught:
                await smart.document()
            assert caught.value.status == 404
