"""A wrong setting is one line that names the variable and gives no secret away."""

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
