"""Without authentication this machine alone is served, and that is said; with it, tokens for trying out work."""

import subprocess
from pathlib import Path

import httpx
import pytest

from service.server.admission import refuse_openness
from service.settings import Settings, WrongSetting
from tests.support.service import COMMAND, PATIENCE, refuse_to_start, running

PLANS = "/fhir/R4/CarePlan"
OPTIONS = (
    (["--patient", "example-robin", "--user", "Patient/example-robin"], 1),
    (["--patient", "example-robin"], 0),  # whose plan is labelled, and nobody says that this is the person
    (["--clearance", "*"], 4),
)
"""Of the command, and how many of the sample plans are seen."""


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_let_in(address: str) -> None:
    refuse_openness(Settings(), address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "fe80::1", "2001:db8::1"])
def test_other_machines_are_not_unless_that_is_allowed(address: str) -> None:
    with pytest.raises(WrongSetting, match="RECOVERY_ALLOW_UNAUTHENTICATED"):
        refuse_openness(Settings(), address)
    refuse_openness(Settings(allow_unauthenticated=True), address)
    refuse_openness(Settings(auth="jwt"), address)


def test_the_service_refuses_to_start(tmp_path: Path) -> None:
    code, errors = refuse_to_start("serve", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path))
    assert (code, len(errors)) == (2, 1)
    assert "RECOVERY_AUTH is none" in errors[0]
    assert "RECOVERY_ALLOW_UNAUTHENTICATED=yes" in errors[0]


def test_that_everything_is_open_is_said(tmp_path: Path) -> None:
    with running(tmp_path, "--host", "0.0.0.0", RECOVERY_ALLOW_UNAUTHENTICATED="yes") as service:
        address = service.await_ready().replace("0.0.0.0", "127.0.0.1")
        assert service.next_line().startswith("EVERYTHING IS OPEN: RECOVERY_AUTH is none")
        (rest,) = httpx.get(f"{address}/fhir/R4/metadata").json()["rest"]
        assert "everybody who reaches this service" in rest["security"]["description"]
        assert httpx.get(f"{address}/fhir/R4/.well-known/smart-configuration").status_code == 404


def test_tokens_for_trying_out(tmp_path: Path) -> None:
    with running(tmp_path, "--samples", "yes", "--workers", "2", RECOVERY_AUTH="jwt") as service:
        address = service.await_ready()
        said = service.next_line()
        command = said.partition(": recovery-plan ")[2].partition(" (")[0].split()
        assert command == ["token", "--data", str(tmp_path)]
        assert httpx.get(address + PLANS).status_code == 401
        for options, plans in OPTIONS:
            made = subprocess.run([*COMMAND, *command, *options], capture_output=True, text=True, timeout=PATIENCE)
            headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
            assert httpx.get(f"{address}{PLANS}?_summary=count", headers=headers).json()["total"] == plans
