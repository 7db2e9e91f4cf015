"""What the benchmarks share: options, parts that may fail, tables, and the JSON beside them."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from _gates import BY_KEY
from rich.console import Console
from rich.table import Table

from paretune.core import Estimate, ParetuneError, Progress
from paretune.engine import machine
from paretune.store import paths

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
#: Where figures of `--quick` go, so that nobody takes them for results.
TRIALS = ROOT / "build" / "benchmarks"


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        key: as in `_gates.GATES`.
        value: what the gate judges.
        text: how it is printed, with its interval.
        ci95: interval of the value, where it has one.
    """

    key: str
    value: float
    text: str
    ci95: tuple[float, float] | None = None

    @property
    def held(self) -> bool | None:
        """Whether the gate holds, None where there is none."""
        gate = BY_KEY.get(self.key)
        return gate.holds(self.value) if gate is not None and gate.bounded else None


def ratio(key: str, found: Estimate) -> Figure:
    """A ratio as a figure."""
    low, high = found.ci95
    return Figure(key, found.value, f"{found.value:.3f}x ({low:.3f} to {high:.3f})", found.ci95)


def options(doc: str) -> argparse.ArgumentParser:
    """The options every benchmark takes."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a trial: few repetitions, no figures")
    parser.add_argument("--json", type=Path, help="where the JSON goes instead of results/")
    return parser


class Said(Progress):
    """Progress in plain lines on standard error."""

    def stage(self, name: str, total: int) -> None:
        print(f"{name} ...", file=sys.stderr, flush=True)

    def step(self, text: str) -> None:
        print(f"    {text}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        print(f"note: {text}", file=sys.stderr, flush=True)


def show(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(*header, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console(width=110).print(table, markup=False)


@dataclass
class Outcome:
    """What a benchmark found, part by part.

    Attributes:
        figures: of all parts.
        details: by part, what its figures were made from.
        failed: by part, why it has none.
    """

    figures: list[Figure] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def part(self, name: str, measure: Callable[[], tuple[list[Figure], dict[str, Any]]]) -> None:
        """Measure a part under watch; where it fails, the other parts still count."""
        Said().stage(name, 1)
        try:
            with machine.Watch() as watch:
                figures, details = measure()
        except ParetuneError as error:
            Said().note(f"{name} failed: {error}")
            self.failed[name] = str(error)
            return
        noticed = [condition.text for condition in watch.conditions]
        for text in noticed:
            Said().note(text)
        self.figures += figures
        self.details[name] = details | {"conditions": noticed}


def finish(
    script: str,
    args: argparse.Namespace,
    outcome: Outcome,
    *,
    trial: bool = False,
    suffix: str = "",
) -> int:
    """Print the figures, write the JSON; exit code 1 when a part failed or a gate was missed.

    Args:
        script: the benchmark's file.
        args: its options.
        outcome: what was measured.
        trial: keep the figures out of `results/`, as `--quick` does.
        suffix: of the name of the JSON, for a benchmark with another subject.
    """
    name, trial = Path(script).stem, trial or args.quick
    show(name, ("figure", "gate", "measured", "holds"), map(_row, outcome.figures))
    target = machine.detect()
    record = {
        "benchmark": name,
        "command": shlex.join(["python", f"benchmarks/{name}.py", *_said_options()]),
        "trial": trial,
        "target_digest": target.digest,
        "target": target.model_dump(mode="json"),
        "figures": [asdict(figure) | {"held": figure.held} for figure in outcome.figures],
        "failed": outcome.failed,
        "details": outcome.details,
    }
    file = args.json or (TRIALS if trial else RESULTS) / f"{name}{suffix}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    paths.write_text_atomic(file, json.dumps(record, indent=1) + "\n")
    print(f"written to {file}")
    missed = not trial and any(figure.held is False for figure in outcome.figures)
    return int(missed or bool(outcome.failed))


def _row(figure: Figure) -> tuple[str, str, str, str]:
    gate = BY_KEY.get(figure.key)
    held = {True: "yes", False: "NO", None: ""}[figure.held]
    return (gate.title, gate.gate, figure.text, held) if gate else (figure.key, "", figure.text, "")


def _said_options() -> list[str]:
    """This run's options, but for where its JSON went."""
    words = iter(sys.argv[1:])
    kept = []
    for word in words:
        if word == "--json":
            next(words, None)
        elif not word.startswith("--json="):
            kept.append(word)
    return kept
