"""The audit of real processes: what they have answered is in it when they are killed; the commands about it."""

import asyncio
import json
import os
import uuid
from collections import Counter
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.security.chain import Seals, block_id
from service.store.audit_heads import read_heads
from service.store.audit_reading import AuditReading, Wanted
from service.store.driver import Driver
from tests.audit.conftest import Audit
from tests.support.processes import Processes
from tests.support.resources import goal
from tests.support.service import PATIENCE, refuse_to_start

ENOUGH = 200
"""Versions that clients have been told of before the service is killed."""
CLIENTS = 8
"""Of each process."""

Version = tuple[str, str, int, str]


async def work(client: httpx.AsyncClient, seen: "Counter[Version]", enough: asyncio.Event) -> None:
    """Create and read goals until the service is gone, and note each version that an answer has told of."""
    try:
        while True:
            made = (await client.post("Goal", json=goal())).json()
            seen["Goal", made["id"], 1, "C"] += 1
            read = (await client.get(f"Goal/{made['id']}")).json()
            seen["Goal", read["id"], 1, "R"] += 1
            if len(seen) >= ENOUGH:
                enough.set()
    except httpx.TransportError:
        return


async def audit_command(*arguments: str, **environment: str) -> Result:
    """Return what comes of ``recovery-plan audit`` with nothing but ``environment`` for settings."""
    settings: dict[str, str | None] = {name: None for name in os.environ if name.startswith("RECOVERY_")}
    return await asyncio.to_thread(CliRunner().invoke, main, ["audit", *arguments], env=settings | environment)


async def test_what_was_answered_is_recorded_when_all_processes_are_killed(mongodb_uri: str, tmp_path: Path) -> None:
    database = f"test_{uuid.uuid4().hex[:12]}"
    environment = {"RECOVERY_MONGODB_URI": mongodb_uri, "RECOVERY_MONGODB_DATABASE": database}
    seen: Counter[Version] = Counter()
    enough = asyncio.Event()
    with Processes(mongodb_uri, database, tmp_path) as processes:
        async with processes.clients() as clients:
            at_work = [asyncio.create_task(work(client, seen, enough)) for client in clients * CLIENTS]
            async with asyncio.timeout(PATIENCE):
                await enough.wait()
            processes.kill(0)
            processes.kill(1)
            await asyncio.gather(*at_work)
    driver = Driver("pymongo", mongodb_uri, database)
    recorded: Counter[Version] = Counter()
    try:
        async for event in AuditReading(driver).events(Wanted()):
            recorded.update((each.type, each.id, each.version, each.action) for each in event.happened.touched)
        assert seen - recorded == Counter()
        assert (tmp_path / "audit.key").stat().st_mode & 0o777 == 0o600
        audit = Audit(driver, tmp_path / "audit-heads", Seals((tmp_path / "audit.key").read_text().strip()))
        assert await audit.findings() == []
        assert len(list(audit.heads.iterdir())) == 2, "one for each process"
        await commands_tell_the_same(audit, tmp_path, environment)
    finally:
        await driver.database.client.drop_database(database)
        await driver.close()


async def commands_tell_the_same(audit: Audit, data: Path, environment: dict[str, str]) -> None:
    """Check that what somebody does to the database shows in what the commands print."""
    verified = await audit_command("verify", "--data", str(data), **environment)
    assert (verified.exit_code, verified.stdout) == (0, ""), verified
    head = read_heads(audit.heads)[-1]
    exported = await audit_command("export", "--data", str(data), **environment)
    assert exported.exit_code == 0, exported
    events = [json.loads(line) for line in exported.stdout.splitlines()]
    assert {event["resourceType"] for event in events} == {"AuditEvent"}
    assert [event["recorded"] for event in events] == sorted(event["recorded"] for event in events)
    assert len(events) == len(await audit.events()), "the export is in itself"
    removed = block_id(head.writer, head.number)
    of_the_end = {"$gte": removed, "$lt": f"{head.writer}-~"}  # a head may lag behind the block that was under way
    await audit.database["audit"].delete_many({"_id": of_the_end})
    missed = await audit_command("verify", "--data", str(data), **environment)
    assert (missed.exit_code, missed.stdout) == (1, f"{removed}: is missing: the end was cut off\n")
    assert (await audit_command("prune", "--data", str(data), **environment)).exit_code == 2
    pruned = await audit_command("prune", "--data", str(data), "--days", "0.000001", **environment)
    assert pruned.exit_code == 0, pruned
    assert [each.happened.path for each in await audit.events()] == ["audit/prune"]


def test_a_service_whose_key_cannot_be_kept_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "audit.key").write_text("short")
    code, lines = refuse_to_start("serve", "--port", "0", "--data", str(tmp_path))
    assert (code, len(lines)) == (2, 1)
    assert "audit.key holds no key of 32 characters or more" in lines[0]


@pytest.mark.parametrize("command", ["verify", "export", "prune"])
async def test_without_a_key_there_is_nothing_to_verify(tmp_path: Path, command: str) -> None:
    done = await audit_command(command, "--data", str(tmp_path))
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: RECOVERY_AUDIT_KEY is not set")
