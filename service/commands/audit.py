"""``recovery-plan audit``: whether the log of what happened is whole, the log as AuditEvents, and its retention."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from service.audit_files import HEADS, kept_key
from service.commands.commanded import commanded
from service.commands.database import connected, uri_of
from service.compiled import Compiled
from service.conformance.definitions import Definitions
from service.fhir import json
from service.fhir.versions import R4
from service.security.chain import Seals
from service.security.verification import Finding
from service.settings import Settings, WrongSetting, read_settings
from service.store.audit_heads import Heads, read_heads
from service.store.audit_log import AuditLog
from service.store.audit_pruning import AuditPruning
from service.store.audit_reading import AuditReading
from service.store.audit_verification import AuditVerification
from service.store.driver import Driver

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Audit:
    """The audit in one database, with the key that seals it."""

    driver: Driver
    settings: Settings
    seals: Seals
    heads: Path


def verify_audit(data: Path, heads: Path | None, since: datetime | None) -> int:
    """Print one line for each finding, and return how many there are.

    Raises WrongSetting, UnsuitableServer, EmbeddedMongoError or PyMongoError.
    """
    return _on_audit(data, lambda audit: _verify(audit, heads or audit.heads, since))


def export_audit(data: Path, target: BinaryIO, since: datetime | None) -> None:
    """Write each event as an AuditEvent on a line of its own, the oldest first; raises as ``verify_audit`` does."""
    _on_audit(data, lambda audit: _export(audit, target, since))


def prune_audit(data: Path, days: float | None) -> int:
    """Remove what is older than so many days, or than the settings say; return how many findings kept it from that.

    Raises as ``verify_audit`` does.
    """
    return _on_audit(data, lambda audit: _prune(audit, days))


def _on_audit(data: Path, work: Callable[[_Audit], Awaitable[T]]) -> T:
    settings = read_settings()
    key = settings.audit_key or kept_key(data)
    if key is None:
        raise WrongSetting(f"RECOVERY_AUDIT_KEY is not set, and no key of the audit is kept in {data}")
    with ExitStack() as stack:
        uri = uri_of(settings, data, stack)

        async def run() -> T:
            async with connected(settings, uri) as driver:
                return await work(_Audit(driver, settings, Seals(key), settings.audit_heads or data / HEADS))

        return asyncio.run(run())


async def _verify(audit: _Audit, directory: Path, since: datetime | None) -> int:
    try:
        heads = {head.writer: head for head in read_heads(directory)}
    except (OSError, ValueError) as error:
        raise WrongSetting(f"the heads in {directory} cannot be read: {error}") from error
    check = AuditVerification(audit.driver, audit.seals, heads)
    found = 0
    with _progress(await check.count(), "Verifying") as bar:
        async for finding in check.findings(since, bar.update):
            found += 1
            _tell(str(finding))
    if bar.pos and not heads:
        found += 1
        _tell(f"{directory}: there are no heads, so that an end which was cut off would not show")
    if found >= bar.pos > 1:
        click.echo("Nearly nothing fits: is the key that of this log?", err=True)
    whole = f"findings: {found}" if found else "nothing was altered"
    click.echo(f"Verified {bar.pos} blocks against the heads of {len(heads)} processes: {whole}", err=True)
    return found


async def _export(audit: _Audit, target: BinaryIO, since: datetime | None) -> None:
    await _record(audit, "export", [("since", since.isoformat())] if since else [])
    reading = AuditReading(audit.driver)
    renderer = Compiled(Definitions(R4), audit.settings, lambda: datetime.now(UTC)).audit_events
    with _progress(await reading.count(since), "Exporting") as bar:
        async for events in reading.oldest_first(since):
            target.writelines(json.dump(renderer.resource(event)) + b"\n" for event in events)
            bar.update(1)
    target.flush()


async def _prune(audit: _Audit, days: float | None) -> int:
    kept = audit.settings.audit_days if days is None else days
    if not kept:
        raise WrongSetting("RECOVERY_AUDIT_DAYS is not set: the audit is kept for ever; give --days to prune it")
    before = datetime.now(UTC) - timedelta(days=kept)
    await _record(audit, "prune", [("days", f"{kept:g}")])
    pruning = AuditPruning(audit.driver, audit.seals)
    found = removed = 0
    with _progress(await pruning.count(before), "Pruning") as bar:
        async for done in pruning.prune(before):
            if isinstance(done, Finding):
                found += 1
                _tell(f"{done}; from here on nothing of its writer is removed")
            else:
                removed += done
                bar.update(done)
    click.echo(f"Removed {removed} blocks recorded before {before.isoformat(timespec='seconds')}", err=True)
    return found


async def _record(audit: _Audit, command: str, said: list[tuple[str, str]]) -> None:
    """Return when it is recorded who runs a command; raises OutcomeError 503 where it cannot be."""
    log = AuditLog(audit.driver, audit.seals, Heads(audit.heads), lambda: datetime.now(UTC))
    try:
        await log.record(commanded(f"audit/{command}", said))
    finally:
        await log.close()


def _progress(length: int, label: str) -> Any:
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[2K", nl=False, err=True)  # the bar makes way for a line, then comes back
    click.echo(line)
