"""`paretune devices`."""

from __future__ import annotations

from paretune.cli._options import Json, Quiet
from paretune.cli._output import Output

NAME = "devices"


def run(json: Json = None, quiet: Quiet = False) -> None:
    """Show what this machine is and which runtimes it has."""
    from paretune import runtimes
    from paretune.engine import machine
    from paretune.report import tables

    output = Output(json=json, quiet=quiet)
    target = machine.detect()
    output.results.print(tables.devices(target, runtimes.available(target)))
    output.write_json(target)
