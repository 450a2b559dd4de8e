"""What a command about a person works with: the store of these settings, and the audit, in the name of who runs it."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from service.adapted_measure import definitions_of
from service.audit_files import HEADS, KEY, kept_key
from service.auditing import audit_log
from service.commands.commanded import commanded
from service.commands.database import connected
from service.commands.person.reference import Person
from service.compiled import Compiled
from service.fhir.reference import Addresses
from service.fhir.touched import Touched
from service.interactions.context import Context
from service.knowledge import FHIR_PATH
from service.security.chain import Seals
from service.security.smart import SmartConfiguration
from service.settings import Settings, WrongSetting
from service.store.audit_erasure import AuditErasure
from service.store.audit_log import AuditLog
from service.store.document import IndexedType
from service.store.driver import Driver
from service.store.erasure import Erasure
from service.store.open import prepare


def _now() -> datetime:
    return datetime.now(UTC)


def person_of(text: str, settings: Settings) -> Person:
    """Return the person whom ``text`` means, such as ``Patient/1``; raises NoPerson."""
    return Person.read(text, Addresses(_own(settings).union(settings.patient_bases)))


def with_audit_of(settings: Settings, data: Path) -> Settings:
    """Return ``settings`` with the key of the audit, and its heads, that the service keeps in ``data``.

    Raises WrongSetting where what happens cannot be recorded.
    """
    key = settings.audit_key or kept_key(data)
    if key is None and settings.audit != "off":
        where = f"and there is no {data / KEY}: what this command does could not be recorded"
        raise WrongSetting(f"RECOVERY_AUDIT_KEY is not set, {where}; --data names the data directory of the service")
    changed = {"audit_key": key, "audit_heads": settings.audit_heads or data / HEADS, "audit_days": 0}
    return settings.model_copy(update=changed)


@dataclass(frozen=True, slots=True)
class Session:
    """The open store, and who works on it."""

    context: Context
    erasure: Erasure
    audit_erasure: AuditErasure | None
    """None where there is no key of the audit."""
    audit: AuditLog | None
    local: Addresses
    """The addresses of this server."""
    driver: Driver
    types: Mapping[str, IndexedType]
    """How the documents of each type are indexed."""

    async def record(self, command: str, said: Sequence[tuple[str, str]], touched: Sequence[Touched]) -> None:
        """Return when it is recorded that the user of this system runs ``command``, and what that stores or erases.

        Raises OutcomeError 503 where it cannot be recorded.
        """
        if self.audit is None:
            return
        await self.audit.record(commanded(f"person/{command}", said, touched))


def _own(settings: Settings) -> frozenset[str]:
    return frozenset({settings.base_url.rstrip("/") + FHIR_PATH} if settings.base_url else ())


@asynccontextmanager
async def opened(settings: Settings, uri: str) -> AsyncIterator[Session]:
    """Give the store at ``uri``; raises UnsuitableServer, NewerFormatError or WrongSetting."""
    async with connected(settings, uri) as driver:
        definitions = definitions_of(settings)
        compiled = Compiled(definitions, settings, _now)
        await prepare(driver, compiled.indexed_types, click.echo)
        async with audit_log(settings, driver, _now) as audit:
            yield Session(
                await compiled.context(driver, lambda: str(uuid.uuid4()), SmartConfiguration(is_open=True)),
                Erasure(driver, definitions.stored_types),
                AuditErasure(driver, Seals(settings.audit_key)) if settings.audit_key else None,
                audit,
                Addresses(_own(settings)),
                driver,
                compiled.indexed_types,
            )
