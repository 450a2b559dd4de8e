"""A token is accepted only where issuer, key, algorithm, audience and time are right, and nothing is said twice."""

import base64
import hashlib
import hmac
import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key

from service.fhir.outcome import OutcomeError
from service.rest.auth import Authenticator
from service.security.claims import Expected, accepted
from service.security.client import ANYBODY
from service.security.jwks import Keys
from service.security.refusal import TokenRefused
from service.security.tokens import LONGEST_TOKEN, Tokens
from tests.support import issuer
from tests.support.issuer import AUDIENCE, ISSUER, key_set, signing_key

RSA = signing_key("rsa", "RSA")
PINNED = ("RS256", "ES256", "RS384", "ES384")
NOW = int(time.time())


def tokens_of(*keys: Key, algorithms: tuple[str, ...] = PINNED, **expected: Any) -> Tokens:
    """Return what verifies tokens that ``keys`` have signed."""

    async def load() -> dict[str, Any]:
        return key_set(*keys)

    return Tokens(expecting(**expected), Keys(load), algorithms)


def expecting(**more: Any) -> Expected:
    """Return what is expected of tokens at the time at which these tests were read."""
    return Expected(ISSUER, AUDIENCE, **{"now": lambda: NOW, **more})


def mint(scope: str | None = None, **claims: Any) -> str:
    """Return a token of that time."""
    return issuer.mint(scope, **{"iat": NOW, "exp": NOW + 300, **claims})


def encoded(value: Any) -> str:
    """Return JSON, or bytes, as a part of a token."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def payload_of(token: str) -> str:
    """Return the middle part of a token."""
    return token.split(".")[1]


def hmac_token(secret: bytes) -> str:
    """Return a token that is signed with what everybody knows, as if that were a secret."""
    told = f"{encoded({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{payload_of(mint())}"
    return f"{told}.{encoded(hmac.new(secret, told.encode(), hashlib.sha256).digest())}"


def signed_text(text: str) -> str:
    """Return a token with a good signature of any text."""
    from joserfc import jws

    return jws.serialize_compact({"alg": "ES256", "kid": "usual"}, text, signing_key(), ["ES256"])


STRANGER = ECKey.generate_key("P-256", {"kid": "usual"})
TWICE = json.dumps({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 300, "patient": "a"})[:-1] + ', "patient": "b"}'
REFUSED = {
    "empty": "",
    "opaque": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "two parts": "a.b",
    "five parts": "a.b.c.d.e",
    "no JSON": "a.b.c",
    "head is a list": f"{encoded(['alg', 'ES256'])}.e30.c",
    "head names alg twice": encoded(b'{"alg": "none", "alg": "ES256"}') + ".e30.c",
    "alg none": f"{encoded({'alg': 'none'})}.{payload_of(mint())}.",
    "alg none with a signature": f"{encoded({'alg': 'none'})}.{payload_of(mint())}.AAAA",
    "alg None": f"{encoded({'alg': 'None'})}.{payload_of(mint())}.AAAA",
    "alg is a list": f"{encoded({'alg': ['ES256']})}.{payload_of(mint())}.AAAA",
    "no alg": f"{encoded({'kid': 'usual'})}.{payload_of(mint())}.AAAA",
    "public key as secret, PEM": hmac_token(RSA.as_pem(private=False)),
    "public key as secret, DER": hmac_token(RSA.as_der(private=False)),
    "public key as secret, JWK": hmac_token(json.dumps(RSA.as_dict(private=False)).encode()),
    "algorithm that is not pinned": mint(key=RSA, algorithm="PS256"),
    "another key of that name": mint(key=STRANGER),
    "key in the head": mint(key=STRANGER, header={"jwk": STRANGER.as_dict(private=False)}),
    "address of a key in the head": mint(key=STRANGER, header={"jku": "https://example.org/jwks", "kid": "other"}),
    "certificate in the head": mint(key=STRANGER, header={"x5u": "https://example.org/cert"}),
    "kid is not known": mint(header={"kid": "other"}),
    "kid is a number": f"{encoded({'alg': 'ES256', 'kid': 1})}.{payload_of(mint())}.AAAA",
    "kid of a key of another kind": mint(header={"kid": "rsa"}),
    "critical extension": f"{encoded({'alg': 'ES256', 'kid': 'usual', 'crit': ['a'], 'a': 1})}.{payload_of(mint())}.AA",
    "payload that is not encoded": mint(header={"b64": True}),
    "proof of possession": mint(header={"typ": "dpop+jwt"}),
    "logout token": mint(header={"typ": "logout+jwt"}),
    "security event": mint(header={"typ": "secevent+jwt"}),
    "type is a number": f"{encoded({'alg': 'ES256', 'kid': 'usual', 'typ': 1})}.{payload_of(mint())}.AA",
    "no signature": mint().rpartition(".")[0] + ".",
    "other claims than were signed": ".".join((mint().split(".")[0], payload_of(mint(sub="b")), mint().split(".")[2])),
    "expired": mint(exp=NOW - 31),
    "not yet valid": mint(nbf=NOW + 60),
    "of the future": mint(iat=NOW + 60),
    "of another issuer": mint(iss="https://other.example.org"),
    "issuer with a slash more": mint(iss=f"{ISSUER}/"),
    "for another service": mint(aud="https://other.example.org"),
    "for other services": mint(aud=["https://other.example.org", f"{AUDIENCE}/"]),
    "for nobody": mint(aud=[]),
    "no issuer": mint(iss=None),
    "no audience": mint(aud=None),
    "no end": mint(exp=None),
    "nobody": mint(sub=None, client_id=None),
    "end is a text": mint(exp=str(NOW + 300)),
    "end is true": mint(exp=True),
    "end is no number": signed_text(json.dumps({"iss": ISSUER, "aud": AUDIENCE, "sub": "a", "exp": math.nan})),
    "endless": signed_text(json.dumps({"iss": ISSUER, "aud": AUDIENCE, "sub": "a", "exp": math.inf})),
    "claim that is there twice": signed_text(TWICE),
    "claims are a list": signed_text("[]"),
    "claims are no JSON": signed_text("patient=a"),
    "nested": signed_text("[" * 5_000),
    "ID token": mint(typ="ID"),
    "refresh token": mint(typ="Refresh"),
    "bound to a key": mint(cnf={"jkt": "abc"}),
    "too long": mint(sub="a" * LONGEST_TOKEN),
}


@pytest.mark.parametrize("token", [pytest.param(token, id=name) for name, token in REFUSED.items()])
async def test_a_token_that_is_not_accepted(token: str) -> None:
    with pytest.raises(TokenRefused):
        await tokens_of(signing_key(), RSA).client(token)


async def test_a_token_without_kid_where_several_keys_could_be_meant() -> None:
    with pytest.raises(TokenRefused, match="names none"):
        await tokens_of(signing_key(), signing_key("second")).client(mint(header={"kid": None}))


ACCEPTED = {
    "EC": mint(),
    "RSA": mint(key=RSA, algorithm="RS256"),
    "RSA with a longer digest": mint(key=RSA, algorithm="RS384"),
    "no type": mint(header={"typ": None}),
    "type as RFC 7519 has it": mint(header={"typ": "JWT"}),
    "type in full": mint(header={"typ": "application/at+jwt"}),
    "among others": mint(aud=["https://other.example.org", AUDIENCE]),
    "a moment late": mint(exp=NOW - 20),
    "a moment early": mint(nbf=NOW + 10, iat=NOW + 10),
    "fractions": mint(exp=NOW + 300.5),
    "no kid, and one key fits": mint(header={"kid": None}),
    "claims that nobody knows": mint(roles=["admin"], realm_access={"roles": ["admin"]}),
}


@pytest.mark.parametrize("token", [pytest.param(token, id=name) for name, token in ACCEPTED.items()])
async def test_a_token_that_is_accepted(token: str) -> None:
    client = await tokens_of(signing_key(), RSA).client(token)
    assert (client.issuer, client.subject, client.client_id, client.scopes) == (ISSUER, "tester", "tests", ())


async def test_what_a_token_tells_of_its_client() -> None:
    token = mint(
        "launch/patient patient/CarePlan.rs?status=active",
        patient="Patient/a",
        fhirUser="https://plans.example.org/fhir/R4/Practitioner/7",
        clearance="R  http://terminology.hl7.org/CodeSystem/v3-ActCode|PSY",
        purpose_of_use=["TREAT"],
    )
    client = await tokens_of(signing_key()).client(token)
    assert client.patient == "a"
    assert client.user == "https://plans.example.org/fhir/R4/Practitioner/7"
    assert client.scopes == ("launch/patient", "patient/CarePlan.rs?status=active")
    assert client.clearances == {"R", "http://terminology.hl7.org/CodeSystem/v3-ActCode|PSY"}
    assert client.purposes == ("TREAT",)


async def test_other_spellings_of_claims() -> None:
    token = mint(
        None,
        scp=["user/*.rs"],
        client_id=None,
        azp="app",
        labels=["*"],
        patient="https://records.example.org/Patient/a",
    )
    client = await tokens_of(signing_key(), clearance_claim="labels").client(token)
    assert (client.scopes, client.client_id, client.clearances) == (("user/*.rs",), "app", {"*"})
    assert client.patient == "https://records.example.org/Patient/a"


def claims(**more: Any) -> dict[str, Any]:
    """Return the claims of a token that is accepted, with more or others."""
    return {"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 300, "sub": "tester", **more}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
WORDS = ("scope", "scp", "clearance", "purpose_of_use")
NAMES = ("sub", "client_id", "azp", "fhirUser", "patient", *WORDS, "aud", "iss", "exp", "nbf", "iat")


@given(st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1))
def test_whatever_claims_are_they_are_refused_or_of_their_form(odd: dict[str, Any]) -> None:
    try:
        client = accepted(claims(**odd), expecting())
    except TokenRefused:
        return
    for name, value in (("sub", client.subject), ("fhirUser", client.user), ("patient", client.patient)):
        assert value is None or isinstance(odd.get(name, ""), str)
    told = odd.get("scope") if odd.get("scope") is not None else odd.get("scp")
    assert set(client.scopes) <= set(told.split(" ") if isinstance(told, str) else told or ())
    assert all(isinstance(word, str) and word for word in (*client.scopes, *client.clearances, *client.purposes))


@pytest.mark.parametrize(
    "patient", ["", "a b", "Practitioner/a", "Patient/a/_history/1", "ftp://x/Patient/a", "a" * 65, "a/b", 7]
)
def test_a_patient_that_is_none(patient: Any) -> None:
    with pytest.raises(TokenRefused, match="patient"):
        accepted(claims(patient=patient), expecting())


@pytest.mark.parametrize(("seconds", "good"), [(-31, False), (-30, False), (-29, True), (1, True)])
def test_an_end_with_leeway(seconds: int, good: bool) -> None:
    expected = expecting(leeway=30)
    if good:
        accepted(claims(exp=NOW + seconds), expected)
    else:
        with pytest.raises(TokenRefused, match="expired"):
            accepted(claims(exp=NOW + seconds), expected)


SAMPLE = mint("patient/*.rs", patient="a")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="


@given(st.integers(0, len(SAMPLE) - 1), st.sampled_from(ALPHABET))
async def test_a_changed_character_never_makes_another_client(place: int, character: str) -> None:
    tokens = tokens_of(signing_key())
    client = await tokens.client(SAMPLE)
    try:
        assert await tokens.client(SAMPLE[:place] + character + SAMPLE[place + 1 :]) == client
    except TokenRefused:
        assert SAMPLE[place] != character


class TestRemembering:
    """A token that was verified is not verified again for a while, and never after its end."""

    def tokens(self, now: list[float], loads: list[int]) -> Tokens:
        async def load() -> dict[str, Any]:
            loads.append(1)
            return key_set(signing_key())

        return Tokens(expecting(now=lambda: now[0]), Keys(load), PINNED)

    async def test_it_is_forgotten_at_its_end(self) -> None:
        now: list[float] = [NOW]
        tokens = self.tokens(now, [])
        token = mint(exp=NOW + 20)
        await tokens.client(token)
        now[0] = NOW + 49
        await tokens.client(token)
        now[0] = NOW + 50
        with pytest.raises(TokenRefused, match="expired"):
            await tokens.client(token)

    async def test_the_same_client_is_returned(self) -> None:
        tokens = self.tokens([NOW], [])
        token = mint()
        assert await tokens.client(token) is await tokens.client(token)

    async def test_only_so_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("service.security.remembered.MOST", 2)
        tokens = self.tokens([NOW], [])
        minted = [mint(sub=name) for name in "abc"]
        first = [await tokens.client(token) for token in minted]
        again = [await tokens.client(token) for token in reversed(minted)]
        assert [one is other for one, other in zip(first, reversed(again), strict=True)] == [False, True, True]


CHALLENGE = 'Bearer realm="recovery-plan"'


class TestAuthorization:
    """The header Authorization, and the challenge where it does not do."""

    @pytest.mark.parametrize("header", [None, b"Basic dTpw", b"Negotiate", b"DPoP abc.def.ghi", b"Bearers abc"])
    async def test_none_that_we_know_has_a_challenge_without_error(self, header: bytes | None) -> None:
        assert await self.challenge(header) == CHALLENGE

    @pytest.mark.parametrize(
        "header",
        [
            b"Bearer",
            b"Bearer ",
            b"bearer a b",
            b"Bearer a, Bearer b",
            b"Bearer a,b",
            b"",
            b"Bearer \xff",
            b"Bearer\ta",
            b", Bearer a",
        ],
    )
    async def test_one_that_cannot_be_read_is_an_invalid_request(self, header: bytes) -> None:
        assert (await self.challenge(header)).startswith(f'{CHALLENGE}, error="invalid_request", error_description="')

    async def test_a_token_that_is_not_accepted(self) -> None:
        told = await self.challenge(f"Bearer {mint(exp=1)}".encode())
        assert told == f'{CHALLENGE}, error="invalid_token", error_description="The token has expired"'

    @pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
    async def test_a_token_that_is(self, scheme: str) -> None:
        client = await Authenticator(tokens_of(signing_key())).client({b"authorization": (scheme + mint()).encode()})
        assert client.subject == "tester"

    async def test_without_authentication_nothing_is_looked_at(self) -> None:
        assert await Authenticator().client({b"authorization": b"Bearer a, Bearer b"}) is ANYBODY

    async def challenge(self, header: bytes | None) -> str:
        headers = {} if header is None else {b"authorization": header}
        with pytest.raises(OutcomeError) as caught:
            await Authenticator(tokens_of(signing_key())).client(headers)
        assert caught.value.status == 401
        return caught.value.headers["WWW-Authenticate"]
