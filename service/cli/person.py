"""Commands about one person: lawful erasure, and merging two references to the same one."""

from pathlib import Path

import click

from service.cli.command import Command, data_option, told_in_one_line


@click.group()
def person() -> None:
    """Erase what is stored about a person, or let it be about another reference to the same one."""


_reason = click.option("--reason", required=True, help="Why; it goes into the audit.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_data = data_option("Data directory of the service, with the embedded MongoDB and the key of the audit.")


@person.command(cls=Command)
@click.option("--patient", required=True, metavar="REFERENCE", help="Who, such as Patient/1.")
@_reason
@_yes
@_data
def erase(patient: str, reason: str, yes: bool, data: Path) -> None:
    """Erase all that is stored about a person, having shown what that is. IT CANNOT BE UNDONE.

    Plans, goals and assessments of the person with all their versions, also deleted ones, the Provenance of nothing
    else, and remembered answers. The audit keeps who did what and when, and loses whom it was about. What is about
    others and refers to the person is listed and stays. Backups and the oplog of MongoDB are not touched.

    Safe while a service runs. A run that was stopped is gone on with by the next.
    """
    from service.commands.person.erase import CannotErase, erase_person
    from service.commands.person.reference import NoPerson

    with told_in_one_line(CannotErase, wrong=(NoPerson,)):
        erase_person(patient, reason, data, is_confirmed=yes)


@person.command(cls=Command)
@click.option("--from", "from_", required=True, metavar="REFERENCE", help="The reference to leave, such as Patient/1.")
@click.option("--into", required=True, metavar="REFERENCE", help="The reference to go on with, such as Patient/2.")
@_reason
@_yes
@_data
def merge(from_: str, into: str, reason: str, yes: bool, data: Path) -> None:
    """Let all that is about one reference to a person be about another reference to the same person.

    Each plan, goal and assessment gets a next version, in which every reference to the one is one to the other.
    There is no command to undo it: histories alone tell afterwards which were whose. What is about somebody else and
    refers to the person is listed and stays, and so does Provenance.

    Safe while a service runs. A run that was stopped is gone on with by the next; to merge once more does nothing.
    """
    from service.commands.person.merge import CannotMerge, merge_person
    from service.commands.person.reference import NoPerson

    with told_in_one_line(CannotMerge, wrong=(NoPerson,)):
        merge_person(from_, into, reason, data, is_confirmed=yes)
