"""What a machine can do at most: arithmetic by precision, memory by the size of what is copied."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

from paretune import runtimes
from paretune.core import Precision, Progress, Silent, Target
from paretune.core.roofline import Peaks
from paretune.data import random_arrays
from paretune.engine import Engine, LocalEngine
from paretune.measure.host import open_with, pinned_cores
from paretune.runtimes import peak
from paretune.runtimes.base import Program, Settings

RUNTIME = "openvino"
COPIER = "paretune.measure._bandwidth:Copier"
#: Bytes that copies are measured at: in the first cache, the second, the last, and memory.
SIZES = tuple(2**k for k in range(16, 29, 2))
#: Seconds of copying at each size, and profiles of each peak layer, of which the best counts.
COPYING, PROFILES = 0.1, 10
#: Fresh starts of the fastest peak layer and of the copies: where a process happens to lie in
#: memory makes it faster or slower for its whole life, and a limit is what can be reached.
STARTS = 3


def peaks(
    target: Target,
    threads: int,
    precisions: Collection[Precision],
    *,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Peaks:
    """Measure what this machine can do with so many threads.

    Arithmetic is the fastest of several large convolutions in OpenVINO, which runs oneDNN's
    kernels, over several starts; memory is a copy, bytes read and written, by the bytes that it
    works on.

    Args:
        target: the machine.
        threads: CPU threads, each on a core of its own.
        precisions: those of the products.
        progress: told what happens.
        engine: where work runs.

    Raises:
        InputError: more threads than cores.
    """
    told, worker = progress or Silent(), engine or LocalEngine()
    able = sorted(p for p in precisions if p in runtimes.get(RUNTIME).precisions(target, "cpu"))
    cores = pinned_cores(threads)
    told.stage("measure this machine's limits", len(able) + STARTS)
    rates: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="paretune-peaks-") as place:
        for precision in able:
            told.step(f"multiply-accumulates in {precision}")
            rates[precision] = _macs_per_s(worker, Path(place), precision, threads)
    copied = dict.fromkeys(SIZES, 0.0)
    for start in range(STARTS):
        told.step(f"copies, start {start + 1} of {STARTS}")
        with worker.actor(COPIER, cores) as copier:
            for size in SIZES:
                copied[size] = max(copied[size], float(copier.call("rate", size, COPYING)))
    # What a larger piece of data reaches, a smaller one does not miss.
    reached = [(size, max(copied[more] for more in SIZES if more >= size)) for size in SIZES]
    return Peaks(threads=threads, macs_per_s=rates, bytes_per_s=tuple(reached))


def _macs_per_s(worker: Engine, place: Path, precision: Precision, threads: int) -> float:
    """The most that a layer reaches: all shapes once, then the fastest afresh.

    Args:
        worker: where it runs.
        place: folder for the programs.
        precision: of the products.
        threads: CPU threads.
    """

    def reached(program: Program) -> float:
        settings = Settings(threads=threads, profile=True)
        with open_with(worker, program, settings, random_arrays(program.inputs, 1)) as host:
            every = [layer for _ in range(PROFILES) for layer in host.call("layers")]
        return float(max(layer.macs / layer.microseconds for layer in every if layer.macs)) * 1e6

    rates: list[tuple[float, Program]] = []
    for number, shape in enumerate(peak.SHAPES):
        folder = place / f"{precision}-{number}"
        folder.mkdir()
        program = peak.write(folder, precision, shape)
        rates.append((reached(program), program))
    most, fastest = max(rates, key=lambda rate: rate[0])
    return max(most, *(reached(fastest) for _ in range(STARTS - 1)))
