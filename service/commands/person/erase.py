"""``recovery-plan person erase``: all that is stored of one person goes, as the law may demand.

What waits to be erased follows from what is stored, so a run that was stopped is gone on with by the next, and what a
service writes meanwhile is seen.
"""

import asyncio
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import click

from service.commands.database import uri_of
from service.commands.person.reference import Person
from service.commands.person.session import Session, opened, person_of, with_audit_of
from service.commands.person.survey import Found, Surveyor
from service.fhir.outcome import OutcomeError
from service.fhir.touched import Touched
from service.interactions.bulk_import.start import GIVEN, IMPORT, WAITING
from service.settings import read_settings

_ROUNDS = 10
"""Most looks for what others have written meanwhile."""
SETTLING = 1.0
"""Seconds that writes which are under way have before the next look."""
_CONFLICT = 409


class CannotErase(Exception):  # noqa: N818 - the name says what it is
    """The erasure stopped; the message is one line. What was erased is erased."""


def erase_person(reference: str, reason: str, data: Path, *, is_confirmed: bool) -> None:
    """Erase what is stored of the person to whom ``reference`` leads, having shown what that is.

    Raises WrongSetting, UnsuitableServer, EmbeddedMongoError, NewerFormatError, NoPerson, OutcomeError or CannotErase,
    or click.Abort where it is not confirmed.
    """
    settings = with_audit_of(read_settings(), data)
    person = person_of(reference, settings)
    with ExitStack() as stack:
        uri = uri_of(settings, data, stack)

        async def run() -> None:
            async with opened(settings, uri) as session:
                await Erasing(person, reason, session).run(is_confirmed=is_confirmed)

        asyncio.run(run())


class Erasing:
    """The erasure of one person."""

    def __init__(self, person: Person, reason: str, session: Session) -> None:
        self._person = person
        self._session = session
        self._surveyor = Surveyor(person, session)
        self._said = (("patient", person.reference), ("reason", reason))

    async def run(self, *, is_confirmed: bool) -> None:
        """Erase until nothing is found any more; raises as `erase_person` does."""
        await self._check()
        found = await self._looked()
        await self._surveyor.add_referring(found)
        await self._show(found)
        if not is_confirmed:
            click.confirm("Erase this? It cannot be undone", abort=True)
        for _ in range(_ROUNDS):
            await self._erase(found)
            await asyncio.sleep(SETTLING)
            found = await self._looked()
            if not found.own:
                break
        else:
            raise CannotErase("others keep writing about this person; stop them, and run this again")
        await self._session.erasure.forget_counts()
        await self._session.context.jobs.forget_pieces((GIVEN, WAITING))
        await self._erase_in_audit()
        await self._session.record("erase", self._said, ())
        click.echo(f"The record of {self._person.reference} is erased.")

    async def _check(self) -> None:
        """Raise OutcomeError where Provenance cannot be found by target, or CannotErase where the audit cannot be."""
        await self._session.context.readiness.require("Provenance", ["target"])
        if await self._session.context.jobs.count_open(IMPORT):
            raise CannotErase("an import is being done that may be about this person; wait for it, and run this again")
        if self._session.audit_erasure is None and await self._audited():
            raise CannotErase("the audit tells of this person; RECOVERY_AUDIT_KEY is needed to erase that")

    async def _looked(self) -> Found:
        many = await self._session.erasure.count()
        with click.progressbar(length=many, label="Looking", show_pos=True) as bar:
            return await self._surveyor.look(bar.update)

    async def _show(self, found: Found) -> None:
        audited = await self._audited()
        click.echo(f"About {self._person.reference}:")
        for names, what in (
            (found.own, "resources, with all their versions, are erased"),
            (found.provenance, "Provenance of these alone is erased"),
        ):
            click.echo(f"  {len(names)} {what}" + "".join(f"\n    {name}" for name in names))
        click.echo(f"  {audited} blocks of the audit keep who did what, and lose whom it was about")
        for names, what in (
            (found.naming, "other resources refer to the person, and stay as they are"),
            (found.formerly, "other resources did so in earlier versions, and stay as they are"),
            (found.elsewhere, "refer to that id at an address that no setting names as the same, and stay as they are"),
            (found.referring, "other resources refer to what is erased, and stay as they are"),
        ):
            if names:
                click.echo(f"  {len(names)} {what}:" + "".join(f"\n    {name}" for name in names))

    async def _erase(self, found: Found) -> None:
        """Erase what was found, each resource with what tells of it, having recorded that this will happen."""
        versions = [await self._last_version(name) for name in (*found.own, *found.provenance)]
        if versions:
            await self._session.record("erase", self._said, [each for each in versions if each])
        with click.progressbar(found.own, label="Erasing", show_pos=True) as bar:
            for name in bar:
                await self._erase_one(name, found)
        if emptied := await self._session.erasure.forget_answers(self._is_told):
            click.echo(f"{emptied} remembered answers were emptied.")

    async def _erase_one(self, name: str, found: Found) -> None:
        """Erase a resource, or leave it to the next look where a write is in the way, be it one that has died."""
        resource_type, _, resource_id = name.partition("/")
        beside = self._surveyor.told_by([name])
        try:
            await self._session.erasure.erase(
                resource_type,
                resource_id,
                self._person.owns,
                beside,
                lambda body: self._surveyor.tells_only_of(body, found.own),
            )
        except OutcomeError as error:
            if error.status != _CONFLICT:
                raise

    async def _audited(self) -> int:
        return await self._session.erasure.count_audited(self._person.forms)

    def _is_told(self, answer: bytes, touched: Iterable[Touched]) -> bool:
        return self._person.is_named_in(answer) or any(each.subject in self._person.forms for each in touched)

    async def _last_version(self, name: str) -> Touched | None:
        resource_type, _, resource_id = name.partition("/")
        last = await self._session.erasure.last_of(resource_type, resource_id)
        return Touched(resource_type, resource_id, last.version, self._person.reference, "D") if last else None

    async def _erase_in_audit(self) -> None:
        if self._session.audit_erasure is None:
            return
        with click.progressbar(length=await self._audited(), label="Audit", show_pos=True) as bar:
            async for _ in self._session.audit_erasure.erase(self._person.forms):
                bar.update(1)
