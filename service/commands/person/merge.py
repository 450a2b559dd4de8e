"""``recovery-plan person merge``: what is about one Patient is about another from now on, who is the same person.

Each resource gets a next version, and history stays. What waits to be merged follows from what is stored, so a run that
was stopped is gone on with by the next.
"""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from service.commands.database import uri_of
from service.commands.person.reference import Person
from service.commands.person.session import Session, opened, person_of, with_audit_of
from service.commands.person.survey import Found, Surveyor
from service.conformance.references import references_in
from service.fhir import json
from service.fhir.outcome import Issue
from service.fhir.touched import Touched
from service.interactions.checks import resource_issues
from service.interactions.surroundings import Surroundings
from service.settings import read_settings
from service.store.document import Stored
from service.store.faults import MovedOnError

_ROUNDS = 10
"""Most looks for what others have written meanwhile."""

Json = dict[str, Any]


class CannotMerge(Exception):  # noqa: N818 - the name says what it is
    """The merge was not begun, or stopped; the message says why. What was merged is merged."""


def merge_person(from_: str, into: str, reason: str, data: Path, *, is_confirmed: bool) -> None:
    """Let what is about the person ``from_`` be about ``into``, having shown what that is.

    Raises WrongSetting, UnsuitableServer, EmbeddedMongoError, NewerFormatError, NoPerson, OutcomeError or CannotMerge,
    or click.Abort where it is not confirmed.
    """
    settings = with_audit_of(read_settings(), data)
    source, target = (person_of(text, settings) for text in (from_, into))
    if source == target:
        raise CannotMerge(f"{from_} is the same as {into} already")
    with ExitStack() as stack:
        uri = uri_of(settings, data, stack)

        async def run() -> None:
            async with opened(settings, uri) as session:
                await Merging(source, target, reason, session).run(is_confirmed=is_confirmed)

        asyncio.run(run())


class Merging:
    """The merge of one person into another."""

    def __init__(self, source: Person, target: Person, reason: str, session: Session) -> None:
        self._source = source
        self._target = target
        self._session = session
        self._said = (("from", source.reference), ("into", target.reference), ("reason", reason))

    async def run(self, *, is_confirmed: bool) -> None:
        """Merge until nothing is found any more; raises as `merge_person` does."""
        done = 0
        for _ in range(_ROUNDS):
            found = await self._looked()
            owned = await self._owned(found)
            if not owned:
                break
            await self._check(owned)
            if not is_confirmed:
                self._show(owned)
                click.confirm("Merge these? Afterwards nothing but their histories tells them apart", abort=True)
                is_confirmed = True
            done += await self._merge(owned)
        else:
            raise CannotMerge("others keep writing about this person; stop them, and run this again")
        for name in found.naming:
            click.echo(f"{name} refers to {self._source.reference} and is about somebody else; it stays as it is.")
        click.echo(f"{done} resources have become those of {self._target.reference}.")

    async def _looked(self) -> Found:
        many = await self._session.erasure.count()
        with click.progressbar(length=many, label="Looking", show_pos=True) as bar:
            return await Surveyor(self._source, self._session).look(bar.update)

    async def _owned(self, found: Found) -> dict[str, Stored]:
        """Return by ``Type/id`` the current versions of what is about the person; a Provenance is never changed."""
        store = self._session.context.store
        current = [await store.read(*name.split("/")) for name in found.own if not name.startswith("Provenance/")]
        return {f"{each.type}/{each.id}": each for each in current if each is not None and not each.deleted}

    def _show(self, owned: Mapping[str, Stored]) -> None:
        click.echo(f"{len(owned)} resources of {self._source.reference} become those of {self._target.reference}:")
        for name in owned:
            click.echo(f"  {name}")

    async def _check(self, owned: Mapping[str, Stored]) -> None:
        """Raise CannotMerge where what is right now would be wrong when all are merged."""
        surroundings = Surroundings(
            self._session.context.store, {name: self._merged(stored) for name, stored in owned.items()}
        )
        wrong = []
        for name, stored in owned.items():
            before = {(issue.rule, issue.expression) for issue in await self._errors(json.parse(stored.body or b""))}
            after = await self._errors(self._merged(stored), surroundings)
            wrong += [
                f"{name}: {each.diagnostics} ({each.expression})"
                for each in after
                if (each.rule, each.expression) not in before
            ]
        if wrong:
            raise CannotMerge("nothing was merged, for these would be wrong:\n  " + "\n  ".join(wrong))

    async def _errors(self, resource: Json, surroundings: Surroundings | None = None) -> list[Issue]:
        issues = await resource_issues(
            resource, resource["resourceType"], self._session.context, surroundings=surroundings
        )
        return [issue for issue in issues if issue.is_error]

    async def _merge(self, owned: Mapping[str, Stored]) -> int:
        """Store the next versions, having recorded that this will happen, and return how many there are."""
        intended = [
            Touched(each.type, each.id, each.version + 1, self._target.reference, "U") for each in owned.values()
        ]
        await self._session.record("merge", self._said, intended)
        done = 0
        with click.progressbar(owned.values(), label="Merging", show_pos=True) as bar:
            for stored in bar:
                try:
                    successor = self._session.context.narratives.completed(self._merged(stored))
                    await self._session.context.store.replace(stored, successor, "PUT")
                    done += 1
                except MovedOnError:
                    continue  # which the next look will find
        return done

    def _merged(self, stored: Stored) -> Json:
        """Return what ``stored`` says, with the other person wherever this one is meant."""
        resource: Json = json.parse(stored.body or b"{}")
        for reference in references_in(resource):
            if self._source.is_meant_by(reference):
                reference["reference"] = self._target.reference
        return resource
