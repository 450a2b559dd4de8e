"""The life of ``recovery-plan serve`` as a process: start, stop, kill, and every reason not to start."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.commands.load import sample_files
from service.embedded.binary import find_mongod
from tests.support.service import (
    COMMAND,
    PATIENCE,
    Service,
    await_listening,
    free_port,
    mongods_on,
    refuse_to_start,
    running,
)

PLANS = "/fhir/R4/CarePlan"


def plan_named(name: str) -> dict[str, Any]:
    return {
        "resourceType": "CarePlan",
        "id": name,
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/invented"},
    }


def put_plan(address: str, name: str) -> int:
    return httpx.put(f"{address}{PLANS}/{name}", json=plan_named(name), timeout=PATIENCE).status_code


def plan_status(address: str, name: str) -> int:
    return httpx.get(f"{address}{PLANS}/{name}", timeout=PATIENCE).status_code


def await_status(address: str, path: str, wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if httpx.get(address + path, timeout=PATIENCE).status_code == wanted:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str, Path]]:
    """One running service for the tests that leave it as it is: the process, its address, its data."""
    data = tmp_path_factory.mktemp("shared")
    with running(data) as service:
        yield service, service.await_ready(), data


class TestStop:
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_ctrl_c_stops_everything_and_the_next_start_has_the_data(self, tmp_path: Path, workers: str) -> None:
        with running(tmp_path, "--workers", workers) as service:
            address = service.await_ready()
            assert put_plan(address, "kept") == 201
            assert (service.interrupt(), service.errors) == (0, [])
            assert mongods_on(tmp_path) == []
        with running(tmp_path, "--workers", workers) as service:
            assert plan_status(service.await_ready(), "kept") == 200
            assert (service.end(signal.SIGTERM), service.errors) == (0, [])
        assert mongods_on(tmp_path) == []

    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_an_impatient_ctrl_c(self, tmp_path: Path, workers: str) -> None:
        with running(tmp_path, "--workers", workers) as service:
            service.await_ready()
            for pause in (0.01, 0.1, 0.3, 0.3):
                os.killpg(service.process.pid, signal.SIGINT)
                time.sleep(pause)
            assert (service.end(), service.errors) == (0, [])
        assert mongods_on(tmp_path) == []

    def test_ctrl_c_while_starting(self, tmp_path: Path) -> None:
        with running(tmp_path) as service:
            deadline = time.monotonic() + PATIENCE
            while not (tmp_path / "mongod.log").exists():
                assert time.monotonic() < deadline
                time.sleep(0.005)
            assert (service.interrupt(), service.errors) == (0, [])
        assert mongods_on(tmp_path) == []


class TestKill:
    def test_a_killed_mongod_comes_back_while_serving(self, tmp_path: Path) -> None:
        with running(tmp_path) as service:
            address = service.await_ready()
            assert put_plan(address, "before") == 201
            [killed] = mongods_on(tmp_path)
            os.kill(killed, signal.SIGKILL)
            await_status(address, f"{PLANS}/before", 200)
            await_status(address, "/health/ready", 200)
            assert put_plan(address, "after") == 201
            assert service.end(signal.SIGTERM) == 0
            assert any("ended by signal 9" in line for line in service.errors)
            assert not any("Traceback" in line for line in service.errors)

    def test_a_killed_service_leaves_neither_port_nor_data_taken(self, tmp_path: Path) -> None:
        port = free_port()
        with running(tmp_path, "--workers", "2", port=port) as service:
            assert put_plan(service.await_ready(), "kept") == 201
            service.end(signal.SIGKILL)
        with running(tmp_path, port=port) as service:
            address = service.await_ready()
            assert address == f"http://127.0.0.1:{port}"
            assert plan_status(address, "kept") == 200
            assert len(mongods_on(tmp_path)) == 1

    @pytest.mark.parametrize("victims", ["service", "mongod", "both"])
    def test_no_acknowledged_write_is_lost_when_killed_under_load(self, tmp_path: Path, victims: str) -> None:
        acknowledged: list[str] = []
        enough = threading.Event()
        stop = threading.Event()

        def write(address: str, writer: int) -> None:
            with httpx.Client(base_url=address, timeout=PATIENCE) as client:
                for number in range(1_000_000):
                    if stop.is_set():
                        return
                    name = f"w{writer}-{number}"
                    try:
                        if client.put(f"{PLANS}/{name}", json=plan_named(name)).status_code == 201:
                            acknowledged.append(name)
                    except httpx.TransportError:
                        stop.wait(0.01)
                    if len(acknowledged) > 100:
                        enough.set()

        with running(tmp_path) as service:
            address = service.await_ready()
            writers = [threading.Thread(target=write, args=(address, each)) for each in range(4)]
            for writer in writers:
                writer.start()
            try:
                assert enough.wait(PATIENCE)
                if victims in ("mongod", "both"):
                    os.kill(mongods_on(tmp_path)[0], signal.SIGKILL)
                if victims in ("service", "both"):
                    service.process.kill()
                else:
                    await_status(address, "/health/ready", 200)
            finally:
                stop.set()
                for writer in writers:
                    writer.join(PATIENCE)
            if victims == "mongod":
                assert service.end(signal.SIGTERM) == 0
        with running(tmp_path) as service, httpx.Client(base_url=service.await_ready()) as client:
            lost = [name for name in acknowledged if client.get(f"{PLANS}/{name}").status_code != 200]
            assert lost == []


class TestBesideAnother:
    def test_two_services_do_not_see_each_other(self, shared: tuple[Service, str, Path], tmp_path: Path) -> None:
        _, first, _ = shared
        with running(tmp_path) as service:
            second = service.await_ready()
            assert put_plan(second, "only-in-the-second") == 201
            assert plan_status(first, "only-in-the-second") == 404

    def test_the_same_data_twice(self, shared: tuple[Service, str, Path]) -> None:
        service, _, data = shared
        code, errors = refuse_to_start("serve", "--port", "0", "--data", str(data))
        assert (code, len(errors)) == (1, 1)
        assert f"{data} is in use" in errors[0]
        assert f"(pid {service.process.pid})" in errors[0]

    def test_a_port_in_use(self, shared: tuple[Service, str, Path], tmp_path: Path) -> None:
        port = httpx.URL(shared[1]).port
        code, errors = refuse_to_start("serve", "--port", str(port), "--data", str(tmp_path / "data"))
        assert (code, len(errors)) == (1, 1)
        assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in errors[0]
        assert not (tmp_path / "data").exists()


class TestGivenMongodb:
    def test_nothing_embedded_is_started_and_no_sample_loaded(self, mongodb_uri: str, tmp_path: Path) -> None:
        data = tmp_path / "data"
        database = "test_process_given"
        with running(
            data, "--samples", "yes", RECOVERY_MONGODB_URI=mongodb_uri, RECOVERY_MONGODB_DATABASE=database
        ) as service:
            found = httpx.get(f"{service.await_ready()}{PLANS}").json()
            assert "entry" not in found
            assert sorted(each.name for each in data.iterdir()) == ["audit-heads", "audit.key"]
            assert service.end(signal.SIGTERM) == 0

    def test_an_unreachable_one(self, tmp_path: Path) -> None:
        uri = f"mongodb://plans:hunter2@127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=300"
        code, errors = refuse_to_start("serve", "--port", "0", RECOVERY_MONGODB_URI=uri)
        assert (code, len(errors)) == (1, 1)
        assert "RECOVERY_MONGODB_URI: MongoDB at 127.0.0.1:" in errors[0]
        assert "cannot be reached" in errors[0]
        assert "hunter2" not in errors[0]

    @pytest.mark.parametrize("uri", ["nonsense://x", "mongodb://", "mongodb://a:hunter2@b@c/"])
    def test_one_that_is_no_connection_string(self, uri: str) -> None:
        code, errors = refuse_to_start("serve", "--port", "0", RECOVERY_MONGODB_URI=uri)
        assert (code, len(errors)) == (1, 1)
        assert "RECOVERY_MONGODB_URI: the connection string cannot be used" in errors[0]
        assert "hunter2" not in errors[0]

    def test_a_standalone_server(self, tmp_path: Path) -> None:
        port = free_port()
        place = ["--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(tmp_path), "--nounixsocket"]
        with subprocess.Popen([str(find_mongod()), *place], stdout=subprocess.DEVNULL) as standalone:
            try:
                await_listening(port)
                uri = f"mongodb://127.0.0.1:{port}/"
                code, errors = refuse_to_start("serve", "--port", "0", RECOVERY_MONGODB_URI=uri)
            finally:
                standalone.kill()
        assert (code, len(errors)) == (1, 1)
        assert f"127.0.0.1:{port} is a standalone server" in errors[0]


class TestOneLine:
    def test_a_wrong_setting(self) -> None:
        code, errors = refuse_to_start("serve", RECOVERY_MAX_PAGE_SIZE="many")
        assert (code, len(errors)) == (2, 1)
        assert "RECOVERY_MAX_PAGE_SIZE: " in errors[0]

    def test_a_host_that_is_not_here(self) -> None:
        code, errors = refuse_to_start("serve", "--host", "192.0.2.1", "--port", "0")
        assert (code, len(errors)) == (1, 1)
        assert "cannot listen on 192.0.2.1" in errors[0]

    @pytest.mark.parametrize(
        ("option", "value"),
        [("--port", "http"), ("--port", "70000"), ("--workers", "0"), ("--samples", "maybe")],
    )
    def test_a_wrong_option(self, option: str, value: str) -> None:
        code, errors = refuse_to_start("serve", option, value)
        assert (code, len(errors)) == (2, 1)
        assert option in errors[0]

    def test_data_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        code, errors = refuse_to_start("serve", "--port", "0", "--data", str(tmp_path / "file"))
        assert (code, len(errors)) == (1, 1)
        assert "it is a file" in errors[0]

    def test_a_missing_library_of_mongod(self, tmp_path: Path) -> None:
        program = tmp_path / "mongod"
        words = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
        program.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 127\n")
        program.chmod(0o755)
        script = (
            "import pathlib, service.embedded.mongo as mongo, service.cli as cli\n"
            f"mongo.find_mongod = lambda: pathlib.Path({str(program)!r})\n"
            "cli.main()"
        )
        arguments = ["serve", "--port", "0", "--data", str(tmp_path / "data")]
        ended = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=PATIENCE
        )
        assert ended.returncode == 1
        [line] = ended.stderr.splitlines()
        assert "libcurl.so.4, which is missing: on Debian: apt-get install libcurl4" in line


class TestSamples:
    def test_they_are_loaded_once_and_what_a_tester_did_stays(self, tmp_path: Path) -> None:
        with running(tmp_path, "--samples", "yes") as service:
            address = service.await_ready()
            stored = {plan["resource"]["id"] for plan in httpx.get(f"{address}{PLANS}").json()["entry"]}
            entries = [each for file in sample_files() for each in json.loads(file.read_text())["entry"]]
            plans = [each["resource"] for each in entries if each["resource"]["resourceType"] == "CarePlan"]
            assert stored == {plan["id"] for plan in plans}
            name = plans[0]["id"]
            assert httpx.delete(f"{address}{PLANS}/{name}").is_success
        with running(tmp_path, "--samples", "yes") as service:
            assert plan_status(service.await_ready(), name) == 410

    def test_the_load_command_prints_a_line_for_each_file(
        self, shared: tuple[Service, str, Path], tmp_path: Path
    ) -> None:
        loaded = subprocess.run([*COMMAND, "load", "--to", shared[1]], capture_output=True, text=True, timeout=PATIENCE)
        assert loaded.returncode == 0, loaded.stderr
        assert len(loaded.stdout.splitlines()) == len(sample_files())
        (tmp_path / "bad.json").write_text('{"resourceType": "CarePlan", "id": "bad", "status": "bogus"}')
        (tmp_path / "not.json").write_text("{")
        refused = subprocess.run(
            [*COMMAND, "load", "--to", shared[1], tmp_path / "bad.json", tmp_path / "not.json"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert refused.returncode == 1
        assert "bad.json: refused" in refused.stderr
        assert "CarePlan.status" in refused.stderr, "the issues are told in words"
        assert "not.json: refused\n    is not JSON" in refused.stderr
        assert "2 of 2 files refused" in refused.stderr

    def test_loading_into_a_service_that_is_not_there(self) -> None:
        ended = subprocess.run(
            [*COMMAND, "load", "--to", f"http://127.0.0.1:{free_port()}", str(sample_files()[0])],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert ended.returncode == 1
        assert "127.0.0.1 did not answer: " in ended.stderr
        assert "Traceback" not in ended.stderr
