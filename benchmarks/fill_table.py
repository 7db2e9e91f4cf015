"""Rewrite the tables of README.md between its markers from the JSON files in `results/`.

No figure is typed by hand; what was not measured yet has an empty cell. A folder in `results/` is
another machine: its figures stand in a table of their own and are never put together with others.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from _gates import GATES

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
EMPTY = "<!-- not measured -->"
#: What distinguishes runs of one command that are put together.
_SEED = re.compile(r" --seed[ =]\d+")
_HELD = {True: "yes", False: "**no**", None: ""}


def read(results: Path) -> list[dict[str, Any]]:
    """Every result in a folder, by name of file; trials are left out."""
    records = [json.loads(file.read_text()) for file in sorted(results.glob("*.json"))]
    return [record for record in records if not record["trial"]]


def table(records: list[dict[str, Any]], *, whole: bool = True) -> str:
    """The figures, one row each, and the machines they were measured on.

    Args:
        records: of one table.
        whole: whether what was not measured has a row, too.
    """
    # A benchmark that ran with other options adds its figures; those of the plain run win.
    ordered = sorted(over_seeds(records), key=lambda record: -len(record["command"]))
    known = {
        figure["key"]: (figure, record["command"])
        for record in ordered
        for figure in record["figures"]
    }
    lines = ["| figure | gate or reference | measured | holds | command |", "|---|---|---|---|---|"]
    for gate in GATES:
        if gate.key not in known and not whole:
            continue
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


def over_seeds(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records, those of one command with several seeds as one: medians and ranges."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault(_SEED.sub("", record["command"]), []).append(record)
    found = []
    for command, group in groups.items():
        figures: dict[str, list[dict[str, Any]]] = {}
        for record in group:
            for figure in record["figures"]:
                figures.setdefault(figure["key"], []).append(figure)
        whole = [_middle(figures[key]) for key in figures]
        seeds = f"{command} --seed 0 (to {len(group) - 1})" if len(group) > 1 else None
        found.append(group[0] | {"figures": whole, "command": seeds or group[0]["command"]})
    return found


def _middle(figures: list[dict[str, Any]]) -> dict[str, Any]:
    """The median figure, its text with the range; two in the middle must both hold."""
    ordered = sorted(figures, key=lambda figure: float(figure["value"]))
    seeds = len(ordered)
    middle = ordered[(seeds - 1) // 2 : seeds // 2 + 1]
    if seeds == 1:
        return middle[0]
    short = [figure["text"].partition(" (")[0] for figure in (*middle, ordered[0], ordered[-1])]
    text = " and ".join(short[:-2])
    text += f", median of {seeds} seeds ({short[-2]} to {short[-1]})" if seeds > 2 else ", 2 seeds"
    held = [figure["held"] for figure in middle]
    return middle[0] | {"text": text, "held": None if None in held else all(held)}


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
    gpus = "".join(f", {gpu['name']}" for gpu in target.get("gpus") or ())
    return f"{target['cpu']} ({isa}), {target['physical_cores']} cores{gpus}; {versions}"


def tables(results: Path) -> str:
    """All that was measured: the table of every figure, then one for each other machine."""
    found = [table(read(results))]
    for folder in sorted(place for place in results.iterdir() if place.is_dir()):
        found += ["", f"### {folder.name}", "", table(read(folder), whole=False)]
    return "\n".join(found)


def rewritten(text: str, figures: str) -> str:
    """The page with other tables.

    Raises:
        ValueError: the markers are not there, once each and in order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"README.md needs one {BEGIN} before one {END}")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{figures}\n{END}{rest.split(END)[1]}"


def main(page: Path = HERE / "README.md", results: Path = HERE / "results") -> int:
    """Rewrite the page."""
    page.write_text(rewritten(page.read_text(), tables(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
