"""Tokens for trying out: made with a key that is kept, accepted only where no issuer is configured."""

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.authentication import authentication
from service.cli import main
from service.development_tokens import KEY, accept_development_tokens
from service.security.client import Client
from service.settings import Settings, WrongSetting, read_settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RECOVERY_")]:
        monkeypatch.delenv(name)
    for name in ("RECOVERY_ISSUER", "RECOVERY_AUDIENCE", "RECOVERY_JWKS_FILE"):
        monkeypatch.setenv(name, "")  # what is set below goes when the test ends


def token(data: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["token", "--data", str(data), *options])


def client_with(data: Path, *options: str) -> Client:
    """Return the client that a service on ``data`` sees in a token of these options."""
    made = token(data, *options)
    assert made.exit_code == 0, made.output
    os.environ["RECOVERY_AUTH"] = "jwt"
    accept_development_tokens(data, read_settings())
    tokens = authentication(read_settings()).tokens
    assert tokens is not None
    return asyncio.run(tokens.client(made.stdout.strip()))


def test_a_token_is_accepted_with_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_AUTH", "")
    options = ("--patient", "robin", "--user", "Practitioner/1", "--clearance", "R", "--clearance", "PSY")
    client = client_with(tmp_path, *options, "--purpose", "TREAT")
    assert (client.patient, client.user, client.purposes) == ("robin", "Practitioner/1", ("TREAT",))
    assert client.scopes == ("patient/*.cruds", "user/*.cruds")
    assert client.clearances == {"R", "PSY"}


def test_the_scope_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_AUTH", "")
    assert client_with(tmp_path, "--scope", "system/Goal.rs").scopes == ("system/Goal.rs",)


def test_the_key_is_kept_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    token(tmp_path / "data")
    file = tmp_path / "data" / KEY
    first = file.read_text()
    token(tmp_path / "data")
    assert file.read_text() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [item.name for item in file.parent.iterdir()] == [KEY]


def test_what_the_service_publishes_has_no_secret(tmp_path: Path) -> None:
    accept_development_tokens(tmp_path, Settings(auth="jwt"))
    (key,) = json.loads(Path(os.environ["RECOVERY_JWKS_FILE"]).read_text())["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid"}


def test_none_where_an_issuer_is_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AUTH", "jwt"), ("ISSUER", "https://login.example.org"), ("AUDIENCE", "plans")):
        monkeypatch.setenv(f"RECOVERY_{name}", value)
    refused = token(tmp_path)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "RECOVERY_ISSUER is https://login.example.org" in refused.stderr
    assert not accept_development_tokens(tmp_path, read_settings())
    assert not list(tmp_path.iterdir())


def test_a_key_that_is_none(tmp_path: Path) -> None:
    (tmp_path / KEY).write_text("{}")
    refused = token(tmp_path)
    assert refused.exit_code == 2
    assert "holds no key" in refused.stderr


def test_an_algorithm_that_is_not_accepted(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="RECOVERY_TOKEN_ALGORITHMS lacks ES256"):
        accept_development_tokens(tmp_path, Settings(auth="jwt", token_algorithms="RS256"))


@pytest.mark.parametrize(
    ("text", "words"), [(None, "No such file"), ("{", "Expecting"), ('{"keys": []}', "no public key")]
)
def test_a_key_set_that_is_none(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "keys.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(WrongSetting, match=f"^RECOVERY_JWKS_FILE: .*{words}"):
        authentication(Settings(auth="jwt", issuer="urn:a", audience="b", jwks_file=file))


def test_an_application_without_issuer() -> None:
    with pytest.raises(WrongSetting, match="needs RECOVERY_ISSUER"):
        authentication(Settings(auth="jwt"))
