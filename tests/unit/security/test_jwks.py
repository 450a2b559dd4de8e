"""Keys of an issuer: renewed, rotated, kept while it is down, asked for once, and none but public ones."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey

from service.fhir.outcome import OutcomeError
from service.security.jwks import MOST_KEYS, Keys, read_key_set
from service.security.kept import FRESH, KEPT, PAUSE, STALE
from service.security.refusal import TokenRefused
from tests.support.issuer import key_set, signing_key

FIRST, SECOND = signing_key("first"), signing_key("second")


class Issuer:
    """Publishes keys, as long as it is up."""

    def __init__(self) -> None:
        self.published = key_set(FIRST)
        self.error: Exception | None = None
        self.asked = 0
        self.now = 0.0
        self.is_slow = asyncio.Event()
        self.is_slow.set()
        self.keys = Keys(self.load, clock=lambda: self.now)

    async def load(self) -> dict[str, Any]:
        self.asked += 1
        await self.is_slow.wait()
        if self.error is not None:
            raise self.error
        return self.published

    async def knows(self, kid: str) -> bool:
        """Return whether a token of that key could be verified."""
        try:
            return (await self.keys.key(kid, "ES256")).kid == kid
        except TokenRefused:
            return False


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


async def settled() -> None:
    """Return when what nobody waits for has been done."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_keys_are_asked_for_once(issuer: Issuer) -> None:
    assert all(await asyncio.gather(*(issuer.knows("first") for _ in range(20))))
    assert await issuer.knows("first")
    assert issuer.asked == 1


async def test_a_new_key_is_found_when_a_token_names_it(issuer: Issuer) -> None:
    assert await issuer.knows("first")
    issuer.published = key_set(FIRST, SECOND)
    issuer.now += PAUSE
    assert await issuer.knows("second")
    assert issuer.asked == 2


async def test_keys_that_nobody_has_are_not_asked_for_again_and_again(issuer: Issuer) -> None:
    assert await issuer.knows("first")
    issuer.now += PAUSE
    for number in range(50):
        assert not await issuer.knows(f"invented-{number}")
    assert issuer.asked == 2
    issuer.now += PAUSE
    assert not await issuer.knows("invented")
    assert issuer.asked == 3


async def test_a_key_that_was_taken_back_is_forgotten(issuer: Issuer) -> None:
    assert await issuer.knows("first")
    issuer.published = key_set(SECOND)
    issuer.now += FRESH + 1
    assert await issuer.knows("first")  # nobody waits for the new ones
    await settled()
    assert not await issuer.knows("first")


async def test_a_key_that_was_taken_back_long_ago_does_not_come_back(issuer: Issuer) -> None:
    assert await issuer.knows("first")
    issuer.published = key_set(SECOND)
    issuer.now += STALE + 1
    assert not await issuer.knows("first")


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), ValueError("no JSON"), TimeoutError(), OSError("gone")]
)
async def test_keys_are_kept_while_the_issuer_is_down(
    issuer: Issuer, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert await issuer.knows("first")
    issuer.error = error
    issuer.now += KEPT
    with caplog.at_level(logging.WARNING):
        assert await issuer.knows("first")
        await settled()
        assert await issuer.knows("first")
    assert [record.getMessage() for record in caplog.records if "cannot be had" in record.getMessage()]
    issuer.now += 1
    with pytest.raises(OutcomeError) as caught:
        await issuer.keys.key("first", "ES256")
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "60")
    issuer.error = None
    issuer.now += PAUSE
    assert await issuer.knows("first")


async def test_an_issuer_that_is_down_at_the_start(issuer: Issuer) -> None:
    issuer.error = httpx.ConnectError("refused")
    for _ in range(3):
        with pytest.raises(OutcomeError):
            await issuer.keys.key("first", "ES256")
    assert issuer.asked == 1
    issuer.error = None
    issuer.now += PAUSE
    assert await issuer.knows("first")


async def test_an_issuer_that_does_not_answer_is_not_waited_for(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.security.kept.PATIENCE", 0.02)
    issuer.is_slow.clear()
    with pytest.raises(OutcomeError):
        await issuer.keys.key("first", "ES256")
    issuer.is_slow.set()
    issuer.now += PAUSE
    assert await issuer.knows("first")


async def test_a_client_that_goes_does_not_keep_others_from_the_keys(issuer: Issuer) -> None:
    issuer.is_slow.clear()
    impatient = asyncio.create_task(issuer.knows("first"))
    patient = asyncio.create_task(issuer.knows("first"))
    await settled()
    impatient.cancel()
    issuer.is_slow.set()
    assert await patient
    assert issuer.asked == 1


def public(key: Any, **members: Any) -> dict[str, Any]:
    """Return the JWK of ``key`` with some members more."""
    return {**key.as_dict(private=False), **members}


LEFT_OUT = {
    "for encryption": public(FIRST, use="enc"),
    "to sign with": {key: value for key, value in public(FIRST, key_ops=["sign"]).items() if key != "use"},
    "private": FIRST.as_dict(private=True),
    "symmetric": OctKey.generate_key(256).as_dict(private=True),
    "of a kind that nobody knows": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
    "not on its curve": public(FIRST, x=public(SECOND)["x"]),
    "without a part": {"kty": "EC", "crv": "P-256", "x": "AAAA"},
    "short": {"kty": "RSA", "n": "0" * 171, "e": "AQAB"},
    "no key": "key",
    "nothing": None,
    "kid is a number": public(FIRST, kid=7),
}


@pytest.mark.parametrize("item", [pytest.param(item, id=name) for name, item in LEFT_OUT.items()])
def test_what_is_no_key_for_signatures_is_left_out(item: Any) -> None:
    assert read_key_set({"keys": [item, public(SECOND)]}).keys() == {"second"}
    with pytest.raises(ValueError, match="no public key"):
        read_key_set({"keys": [item]})


@pytest.mark.parametrize("value", [{}, {"keys": {}}, {"keys": "a"}, {"keys": [public(FIRST)] * (MOST_KEYS + 1)}])
def test_what_is_no_key_set(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no key set"):
        read_key_set(value)


@pytest.mark.parametrize(
    ("curve", "algorithm"), [("P-256", "ES384"), ("P-384", "ES256"), ("P-256", "RS256"), ("secp256k1", "ES256")]
)
async def test_a_key_is_for_its_algorithm_alone(curve: str, algorithm: str) -> None:
    key = ECKey.generate_key(curve, {"kid": "odd"})

    async def load() -> dict[str, Any]:
        return key_set(key)

    with pytest.raises(TokenRefused):
        await Keys(load).key("odd", algorithm)
