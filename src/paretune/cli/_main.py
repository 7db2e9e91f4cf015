"""The `paretune` program: its commands, and how errors become exit codes."""

from __future__ import annotations

import sys

import typer

from paretune.cli import _bench, _demo, _devices, _optimize, _predict, _report
from paretune.cli._output import EXIT_BAD_INPUT, EXIT_INTERRUPTED
from paretune.core import ParetuneError

app = typer.Typer(
    name="paretune",
    help="Make a trained model measurably faster on the CPU it must run on, at the same accuracy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (_devices, _bench, _optimize, _predict, _report, _demo):
    app.command(command.NAME)(command.run)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    if version:
        from paretune import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the program; bad input is one line on standard error and exit code 2."""
    try:
        app(standalone_mode=True)
    except ParetuneError as error:
        print(f"paretune: {error}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    except (KeyboardInterrupt, typer.Abort):
        print("paretune: interrupted; repeat the command with --resume to go on", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
