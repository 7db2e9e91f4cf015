"""The `paretune` program: its commands, and how errors become exit codes."""

from __future__ import annotations

import errno
import signal
import sys
from typing import NoReturn

import typer

from paretune.cli import (
    _bench,
    _compare,
    _demo,
    _devices,
    _frontier,
    _gap,
    _optimize,
    _predict,
    _report,
    _roofline,
    _suggest,
)
from paretune.cli._output import EXIT_BAD_INPUT, EXIT_INTERRUPTED
from paretune.core import ParetuneError

app = typer.Typer(
    name="paretune",
    help="Make a trained model measurably faster on the CPU it must run on, at the same accuracy.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    _devices,
    _bench,
    _compare,
    _frontier,
    _suggest,
    _gap,
    _roofline,
    _optimize,
    _predict,
    _report,
    _demo,
):
    app.command(command.NAME)(command.run)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    if version:
        from paretune import __version__

        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


#: What Typer raises for words it cannot read; it keeps Click under a name of its own.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
#: What the user's system refuses, wherever: rights and space. Any other is a defect, and is shown.
_REFUSED_BY_THE_SYSTEM = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
)
_RESUMABLE = (_optimize.NAME, _demo.NAME, _frontier.NAME)


def main() -> None:
    """Run the program; bad input is one line on standard error and exit code 2."""
    # Whoever ends a container asks once: what must be tidied up is, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except ParetuneError as error:
        _end(str(error), EXIT_BAD_INPUT)
    except OSError as error:
        if error.errno not in _REFUSED_BY_THE_SYSTEM:
            raise
        where = f"{error.filename}: " if error.filename else ""
        said = f"{where}{error.strerror}: free space or allow it"
        _end(f"{said}{_going_on(', and ')}", EXIT_BAD_INPUT)
    except _UsageError as error:
        said = error.format_message()  # type: ignore[attr-defined]
        _end(f"{said.rstrip('.')}: see paretune --help", EXIT_BAD_INPUT)
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    if code == EXIT_INTERRUPTED:
        _end(f"interrupted{_going_on('; ')}", EXIT_INTERRUPTED)
    sys.exit(code or 0)


def _going_on(link: str) -> str:
    """How the command goes on, where it can."""
    resumable = sys.argv[1:2] and sys.argv[1] in _RESUMABLE
    return f"{link}repeat the command with --resume to go on" if resumable else ""


def _end(text: str, code: int) -> NoReturn:
    print(f"paretune: {text}", file=sys.stderr)
    sys.exit(code)
