"""What all commands have in common: how they tell in one line what is wrong, and where the data is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

# Commands import what they run: `--help` and a wrong option answer at once, without the web framework.


class WrongValue(click.ClickException):
    """An option or a setting that cannot be used; the process ends with 2."""

    exit_code = 2


class Command(click.Command):
    """A command that tells a wrong option in one line, without the usage above it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return what click returns; raises WrongValue where the options cannot be read."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise WrongValue(error.format_message()) from error


def data_option(help_text: str) -> Callable[[Any], Any]:
    """Return the option ``--data``: the data directory, and what the command needs it for."""
    path = click.Path(path_type=Path)
    return click.option("--data", default="./var", show_default=True, type=path, help=help_text)


@contextmanager
def told_in_one_line(*refusals: type[Exception], wrong: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Tell in one line why a command is not carried out: for ``refusals`` ending with 1, for what is ``wrong`` with 2.

    What keeps any command from its database or its settings is among them.
    """
    from service.embedded import EmbeddedMongoError
    from service.fhir.outcome import OutcomeError
    from service.settings import WrongSetting
    from service.store.faults import DATABASE_ERRORS
    from service.store.open import NewerFormatError
    from service.store.server import UnsuitableServer

    wrong_values: tuple[type[Exception], ...] = (WrongSetting, *wrong)
    refused: tuple[type[Exception], ...] = (EmbeddedMongoError, NewerFormatError, *refusals)
    try:
        yield
    except wrong_values as error:
        raise WrongValue(str(error)) from error
    except UnsuitableServer as error:
        raise click.ClickException(f"RECOVERY_MONGODB_URI: {error}") from error
    except OutcomeError as error:
        raise click.ClickException("; ".join(issue.diagnostics for issue in error.issues)) from error
    except DATABASE_ERRORS as error:
        raise click.ClickException(f"MongoDB failed: {type(error).__name__}") from error
    except refused as error:
        raise click.ClickException(str(error)) from error
