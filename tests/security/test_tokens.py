"""A token that is not to be trusted opens nothing: 401, a challenge, and not a word about what is held."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

import pytest
from joserfc.jws import JWSRegistry

from tests.security.asks import asks
from tests.security.conftest import Asked, World
from tests.security.world import ANN, BEN
from tests.support.issuer import AUDIENCE, ISSUER, key_set, mint, signing_key

_GOOD = {"scope": "system/*.cruds", "clearance": "*"}


def _raw(head: dict[str, object], signature: Callable[[bytes], bytes], **claims: object) -> str:
    """Return a token made by hand, as no library would make it."""
    now = int(time.time())
    told = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "x",
        "client_id": "x",
        "iat": now,
        "exp": now + 300,
        **_GOOD,
        **claims,
    }
    signed = b".".join(_encoded(json.dumps(part).encode()) for part in (head, told))
    return (signed + b"." + _encoded(signature(signed))).decode()


def _encoded(text: bytes) -> bytes:
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def _hmac_with(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.new(secret, signed, hashlib.sha256).digest()


def _properly(signed: bytes) -> bytes:
    """Return the issuer's own signature."""
    return JWSRegistry.algorithms["ES256"].sign(signed, signing_key())


def _with_other_claims() -> str:
    head, claims, signature = mint("patient/*.rs", patient=ANN).split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{head}.{_encoded(json.dumps({**told, **_GOOD, 'patient': BEN}).encode()).decode()}.{signature}"


def _signed_by_a_stranger(**header: object) -> str:
    stranger = signing_key("stranger")
    return mint(**_GOOD, key=stranger, header={"kid": signing_key().kid, **header})


_STRANGER = signing_key("stranger")
_PUBLIC_KEY = signing_key().as_pem(private=False)
_PUBLIC_JWK = json.dumps(signing_key().as_dict(private=False)).encode()
_USUAL = signing_key().kid

BAD: dict[str, str | None] = {
    "none": None,
    "empty": "Bearer ",
    "no scheme": mint(**_GOOD),
    "basic": "Basic " + base64.b64encode(b"admin:admin").decode(),
    "words": "Bearer open sesame",
    "no token": "Bearer abc.def.ghi",
    "two tokens": f"Bearer {mint(**_GOOD)}, Bearer {mint(**_GOOD)}",
    "wrong signature": f"Bearer {_signed_by_a_stranger()}",
    "claims exchanged": f"Bearer {_with_other_claims()}",
    "signature left out": "Bearer " + mint(**_GOOD).rpartition(".")[0] + ".",
    "unknown key": f"Bearer {mint(**_GOOD, key=_STRANGER)}",
    "key brought along": f"Bearer {_signed_by_a_stranger(jwk=_STRANGER.as_dict(private=False))}",
    "key set named": f"Bearer {_signed_by_a_stranger(jku='https://evil.example.org/keys')}",
    "alg none": "Bearer " + _raw({"alg": "none", "kid": _USUAL}, lambda _: b""),
    "alg None": "Bearer " + _raw({"alg": "None", "typ": "JWT"}, lambda _: b"x"),
    "alg left out": "Bearer " + _raw({"kid": _USUAL}, lambda _: b""),
    "HMAC with the public key": "Bearer " + _raw({"alg": "HS256", "kid": _USUAL}, _hmac_with(_PUBLIC_KEY)),
    "HMAC with the public JWK": "Bearer " + _raw({"alg": "HS256", "kid": _USUAL}, _hmac_with(_PUBLIC_JWK)),
    "HMAC with nothing": "Bearer " + _raw({"alg": "HS256", "kid": _USUAL}, _hmac_with(b"")),
    "ECDSA of zeros": "Bearer " + _raw({"alg": "ES256", "kid": _USUAL}, lambda _: bytes(64)),
    "critical header": "Bearer " + _raw({"alg": "ES256", "kid": _USUAL, "crit": ["x"], "x": 1}, _properly),
    "expired": f"Bearer {mint(**_GOOD, minutes=-2)}",
    "expiry left out": f"Bearer {mint(**_GOOD, exp=None)}",
    "expiry is no number": f"Bearer {mint(**_GOOD, exp='never')}",
    "not yet valid": f"Bearer {mint(**_GOOD, nbf=int(time.time()) + 3600)}",
    "wrong audience": f"Bearer {mint(**_GOOD, aud='urn:example:other-service')}",
    "no audience": f"Bearer {mint(**_GOOD, aud=None)}",
    "audience in a list of others": f"Bearer {mint(**_GOOD, aud=['a', 'b', AUDIENCE + '/'])}",
    "wrong issuer": f"Bearer {mint(**_GOOD, iss=ISSUER + '/')}",
    "no issuer": f"Bearer {mint(**_GOOD, iss=None)}",
    "ID token": f"Bearer {mint(**_GOOD, typ='ID')}",
    "bound to a key": f"Bearer {mint(**_GOOD, cnf={'jkt': 'x'})}",
    "patient is empty": f"Bearer {mint(**_GOOD, patient='')}",
    "patient is a list": f"Bearer {mint(**_GOOD, patient=[ANN])}",
    "patient is several": f"Bearer {mint(**_GOOD, patient=f'{ANN},{BEN}')}",
    "patient is another type": f"Bearer {mint(**_GOOD, patient='Group/ann77')}",
    "fhirUser is no reference": f"Bearer {mint(**_GOOD, fhirUser='somebody')}",
    "clearance is an object": f"Bearer {mint(**{**_GOOD, 'clearance': {'R': True}})}",
    "endless": "Bearer " + "a" * 60_000,
}
"""By name the header Authorization."""


@pytest.mark.parametrize("name", BAD)
async def test_opens_nothing(name: str, world: World, asked: Asked):
    header = BAD[name]
    headers = {} if header is None else {"Authorization": header}
    told = set()
    for ask in _asks(name):
        answer = await asked(world.whole, ask, headers)
        assert answer.status == 401, f"{ask}: {answer}"
        assert not answer.says(BEN), f"{ask}: {answer}"
        fields = dict(answer.headers)
        assert fields["www-authenticate"].startswith("Bearer realm="), ask
        assert fields["cache-control"] == "no-store", ask
        told.add(
            (answer.status, fields["www-authenticate"], answer.body if fields["content-type"].endswith("utf-8") else "")
        )
    assert len({item[1] for item in told}) == 1, "the answer does not depend on what is asked for"


def _asks(name: str):
    """Return what is asked for: everything where there is no token, and every interaction with the others."""
    every = [ask for ask in asks(BEN) if ask.path != "/metadata"]
    return every if name in ("none", "wrong signature") else list({ask.row: ask for ask in every}.values())


async def test_what_is_public_is_public(world: World):
    assert (await world.whole.get("/metadata")).status_code == 200
    configuration = await world.whole.get("/.well-known/smart-configuration")
    assert configuration.status_code == 404, "this issuer has no address, so there is nothing to configure"


async def test_a_good_token_of_each_kind_opens(world: World):
    """Otherwise a service that refuses everybody would pass."""
    soon, key = int(time.time()) + 20, signing_key()
    good = [
        mint(**_GOOD),
        mint(**_GOOD, aud=["urn:example:other-service", AUDIENCE]),
        mint(**_GOOD, nbf=soon),
        mint(**_GOOD, minutes=-0.2),
        mint(**_GOOD, header={"typ": None}),
        mint(**_GOOD, header={"kid": None}),
        mint(**{**_GOOD, "scope": None}, scp=["system/*.rs"]),
    ]
    for token in good:
        response = await world.whole.get(f"/CarePlan/{BEN}-plan", headers={"Authorization": f"bearer {token}"})
        assert response.status_code == 200, response.text
    assert key_set(key)["keys"][0].get("d") is None
