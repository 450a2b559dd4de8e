"""A wrong setting is one line that names the variable and gives no secret away."""

from typing import ClassVar

import pytest

from service.settings import Settings, WrongSetting, read_settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.upper().startswith("RECOVERY_"):
            monkeypatch.delenv(name)


def test_defaults() -> None:
    settings = read_settings()
    assert settings.mongodb_uri is None
    assert settings.mongodb_driver == "pymongo"
    assert (settings.default_page_size, settings.max_page_size) == (20, 1_000)
    assert (settings.profiles, settings.references, settings.narrative) == ("claimed", "recovery", "recovery")
    assert settings.patient_bases == ()


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_MAX_PAGE_SIZE", "50")
    monkeypatch.setenv("RECOVERY_BASE_URL", "https://plans.example.org/recovery")
    settings = read_settings()
    assert settings.max_page_size == 50
    assert settings.base_url == "https://plans.example.org/recovery"


def test_addresses_come_as_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_PATIENT_BASES", "https://records.example.org/fhir, http://spine.example/r4/")
    assert read_settings().patient_bases == ("https://records.example.org/fhir", "http://spine.example/r4")


def test_an_empty_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_BASE_URL", "")
    assert read_settings().base_url is None


def test_an_empty_connection_string_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_MONGODB_URI", "")
    with pytest.raises(WrongSetting, match="RECOVERY_MONGODB_URI is empty"):
        read_settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RECOVERY_MAX_PAGE_SIZE", "many"),
        ("RECOVERY_MAX_PAGE_SIZE", "0"),
        ("RECOVERY_MAX_BODY_BYTES", "-1"),
        ("RECOVERY_MONGODB_DRIVER", "mongoose"),
        ("RECOVERY_MONGODB_DATABASE", "a.b"),
        ("RECOVERY_REQUIRE_IF_MATCH", "perhaps"),
        ("RECOVERY_BASE_URL", "plans.example.org"),
        ("RECOVERY_BASE_URL", "https://plans.example.org/fhir/R4"),
        ("RECOVERY_PROFILES", "on"),
        ("RECOVERY_PROFILES", "recovery"),
        ("RECOVERY_REFERENCES", "claimed"),
        ("RECOVERY_NARRATIVE", "never"),
        ("RECOVERY_PATIENT_BASES", "records.example.org/fhir"),
        ("RECOVERY_PATIENT_BASES", "https://records.example.org/fhir,"),
        ("RECOVERY_PATIENT_BASES", '["https://records.example.org/fhir"]'),
    ],
)
def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(WrongSetting) as caught:
        read_settings()
    assert str(caught.value).startswith(f"{variable}: ")
    assert "\n" not in str(caught.value)


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_MAX_PAGE_SIZE", "x")
    monkeypatch.setenv("RECOVERY_MAX_BODY_BYTES", "y")
    with pytest.raises(WrongSetting, match=r"RECOVERY_MAX_BODY_BYTES: .*; RECOVERY_MAX_PAGE_SIZE: "):
        read_settings()


def test_a_page_larger_than_the_largest_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_DEFAULT_PAGE_SIZE", "2000")
    with pytest.raises(WrongSetting, match="RECOVERY_DEFAULT_PAGE_SIZE is larger than RECOVERY_MAX_PAGE_SIZE"):
        read_settings()


def test_a_misspelt_variable_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_MONGO_URI", "mongodb://user:secret@db/")
    with pytest.raises(WrongSetting) as caught:
        read_settings()
    assert str(caught.value) == (
        "RECOVERY_MONGO_URI is not a setting of this service: did you mean RECOVERY_MONGODB_URI?"
    )


def test_secrets_are_not_shown() -> None:
    settings = Settings(mongodb_uri="mongodb://user:hunter2@db/", page_secret="hunter3")
    assert "hunter" not in repr(settings)


class TestAuthentication:
    """Settings of authentication that cannot work together stop the start, and so does one without effect."""

    JWT: ClassVar = {"AUTH": "jwt", "ISSUER": "https://login.example.org", "AUDIENCE": "plans"}

    @pytest.mark.parametrize(
        ("variables", "words"),
        [
            ({"AUTH": "basic"}, "RECOVERY_AUTH"),
            ({"ISSUER": "https://login.example.org", "AUDIENCE": "plans"}, "RECOVERY_ISSUER is set, but RECOVERY_AUTH"),
            ({"JWKS_FILE": "keys.json"}, "RECOVERY_JWKS_FILE is set, but RECOVERY_AUTH is none"),
            ({"AUTH": "jwt", "ISSUER": "https://login.example.org"}, "RECOVERY_ISSUER needs RECOVERY_AUDIENCE"),
            ({"AUTH": "jwt", "AUDIENCE": "plans"}, "RECOVERY_AUDIENCE needs RECOVERY_ISSUER"),
            ({"AUTH": "jwt", "JWKS_URL": "https://login.example.org/keys"}, "RECOVERY_JWKS_URL needs RECOVERY_ISSUER"),
            ({**JWT, "ALLOW_UNAUTHENTICATED": "yes"}, "RECOVERY_ALLOW_UNAUTHENTICATED goes with RECOVERY_AUTH=none"),
            ({**JWT, "JWKS_URL": "https://a", "JWKS_FILE": "b"}, "exclude each other"),
            ({**JWT, "JWKS_URL": "http://login.example.org/keys"}, "RECOVERY_JWKS_URL: this is an address with https"),
            ({**JWT, "JWKS_URL": "http://3232235777/keys"}, "RECOVERY_JWKS_URL: this is an address with https"),
            ({**JWT, "JWKS_URL": "http://127.0.0.1@example.org/"}, "RECOVERY_JWKS_URL: this is an address with https"),
            ({**JWT, "JWKS_URL": "file:///etc/keys"}, "RECOVERY_JWKS_URL: this is an address with https"),
            ({**JWT, "ISSUER": "http://login.example.org"}, "RECOVERY_ISSUER is no address with https"),
            ({**JWT, "ISSUER": "urn:login"}, "RECOVERY_ISSUER is no address with https"),
            ({**JWT, "TOKEN_ALGORITHMS": "RS256,none"}, "RECOVERY_TOKEN_ALGORITHMS"),
            ({**JWT, "TOKEN_ALGORITHMS": "HS256"}, "RECOVERY_TOKEN_ALGORITHMS"),
            ({**JWT, "TOKEN_LEEWAY_SECONDS": "301"}, "RECOVERY_TOKEN_LEEWAY_SECONDS"),
            ({**JWT, "INTROSPECTION_URL": "https://a"}, "RECOVERY_INTROSPECTION_CLIENT_ID .* belong together"),
        ],
    )
    def test_what_cannot_work(self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"RECOVERY_{name}", value)
        with pytest.raises(WrongSetting, match=words) as caught:
            read_settings()
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "variables",
        [
            {},
            {"ALLOW_UNAUTHENTICATED": "yes"},
            {"AUTH": "jwt"},
            JWT,
            {**JWT, "ISSUER": "http://localhost:8080/realms/plans"},
            {**JWT, "ISSUER": "http://login.example.org", "JWKS_URL": "http://keycloak:8080/keys"},
            {**JWT, "ISSUER": "urn:login", "JWKS_FILE": "keys.json"},
            {**JWT, "TOKEN_ALGORITHMS": "PS256, ES512"},
            {
                **JWT,
                "INTROSPECTION_URL": "https://a",
                "INTROSPECTION_CLIENT_ID": "b",
                "INTROSPECTION_CLIENT_SECRET": "c",
            },
        ],
    )
    def test_what_can(self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"RECOVERY_{name}", value)
        assert read_settings().auth == variables.get("AUTH", "none")

    def test_no_secret_is_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {**self.JWT, "INTROSPECTION_CLIENT_SECRET": "hunter2"}.items():
            monkeypatch.setenv(f"RECOVERY_{name}", value)
        with pytest.raises(WrongSetting) as caught:
            read_settings()
        assert "hunter2" not in str(caught.value)
