"""Rewrite the table of README.md between its markers from the JSON files in `results/`.

No figure is typed by hand; what was not measured yet has an empty cell.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from _gates import GATES

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
EMPTY = "<!-- not measured -->"
_HELD = {True: "yes", False: "**no**", None: ""}


def read(results: Path) -> list[dict[str, Any]]:
    """Every result in a folder, by name of file; trials are left out."""
    records = [json.loads(file.read_text()) for file in sorted(results.glob("*.json"))]
    return [record for record in records if not record["trial"]]


def table(records: list[dict[str, Any]]) -> str:
    """The figures, one row each, and the machines they were measured on."""
    # A benchmark that ran with other options adds its figures; those of the plain run win.
    ordered = sorted(records, key=lambda record: -len(record["command"]))
    known = {
        figure["key"]: (figure, record["command"])
        for record in ordered
        for figure in record["figures"]
    }
    lines = ["| figure | gate or reference | measured | holds | command |", "|---|---|---|---|---|"]
    for gate in GATES:
        figure, command = known.get(gate.key, ({}, f"python benchmarks/{gate.script}"))
        cells = (
            gate.title,
            gate.gate,
            figure.get("text", EMPTY),
            _HELD[figure.get("held")],
            f"`{command}`",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, *_machines(records)])


def _machines(records: list[dict[str, Any]]) -> list[str]:
    """One line for each machine, with the commands that ran there."""
    commands: dict[str, list[str]] = {}
    for record in records:
        commands.setdefault(_machine(record["target"]), []).append(f"`{record['command']}`")
    return [
        line
        for machine, ran in commands.items()
        for line in ("", f"{', '.join(ran)} on {machine}.")
    ]


def _machine(target: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in target["versions"].items())
    isa = ", ".join(target["isa"])
    return f"{target['cpu']} ({isa}), {target['physical_cores']} cores; {versions}"


def rewritten(text: str, records: list[dict[str, Any]]) -> str:
    """The page with a new table.

    Raises:
        ValueError: the markers are not there, once each and in order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"README.md needs one {BEGIN} before one {END}")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table(records)}\n{END}{rest.split(END)[1]}"


def main(page: Path = HERE / "README.md", results: Path = HERE / "results") -> int:
    """Rewrite the page."""
    page.write_text(rewritten(page.read_text(), read(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
