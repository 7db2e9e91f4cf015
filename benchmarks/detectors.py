"""SSDLite against YOLO-class detectors on two CPUs: this one, and what it is without VNNI.

All detectors run at full size in every precision under every cap, in turn, so that who is faster on
which CPU is a ratio of interleaved rounds.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from _common import Figure, Outcome, Said, finish, options, ratio, show
from _detectors import detectors
from _programs import Ready, ready

from paretune.core import ParetuneError, Precision
from paretune.engine import Actor, LocalEngine
from paretune.measure import compare, open_host
from paretune.pipeline.caps import capped

#: Caps by precision: VNNI makes no difference to f32.
CAPS: dict[Precision, tuple[str, ...]] = {
    "int8": ("avx512_vnni", "avx512", "avx2"),
    "f32": ("avx512", "avx2"),
}
REFERENCE = "ssdlite"


def programs(precision: Precision) -> dict[str, Ready]:
    """Every detector's program; one that cannot be built is left out, which is said."""
    built = {}
    for name, model in detectors():
        Said().step(f"build {name} {precision}")
        try:
            built[name] = ready(model, precision)
        except ParetuneError as error:
            Said().note(f"{name} {precision} is left out: {error}")
    return built


def opened(program: Ready, cap: str) -> Actor:
    """A process that keeps within a cap."""
    engine = capped(LocalEngine(), cap)
    return open_host(engine, program.program, program.settings, program.arrays)


def against_ssdlite(
    precision: Precision, seconds: float, starts: int
) -> tuple[list[Figure], dict[str, Any]]:
    """How fast each detector is against SSDLite, cap by cap."""
    built = programs(precision)
    subjects = {
        (name, cap): partial(opened, program, cap)
        for cap in CAPS[precision]
        for name, program in built.items()
    }
    found = compare(
        {f"{name} {cap}": subject for (name, cap), subject in subjects.items()},
        seconds=seconds * len(subjects),
        starts=starts,
    )
    times = {
        cap: {name: found.latency(f"{name} {cap}").p50 for name in built} for cap in CAPS[precision]
    }
    ranks = {cap: sorted(known, key=known.__getitem__) for cap, known in times.items()}
    rows = [
        (name, *(f"{times[cap][name]:.2f} ms, {ranks[cap].index(name) + 1}." for cap in times))
        for name in built
    ]
    show(f"{precision}: median and rank", ("detector", *times), rows)
    figures = [
        ratio(
            f"detectors/{precision}/{name}/{cap}",
            found.ratio(f"{REFERENCE} {cap}", f"{name} {cap}"),
        )
        for name in built
        if name != REFERENCE
        for cap in CAPS[precision]
    ]
    return figures, {"latency_ms": times, "ranks": ranks}


def main() -> int:
    """Both precisions; torchvision is needed, YOLOX's networks take part where it is installed."""
    parser = options(__doc__ or "")
    parser.add_argument("--seconds", type=float, default=3.0, help="timing time a subject")
    parser.add_argument("--starts", type=int, default=4)
    args = parser.parse_args()
    if args.quick:
        args.seconds, args.starts = 0.3, 1
    found = Outcome(details={"weights": "random, but for FastestDet"})
    for precision in CAPS:
        found.part(precision, partial(against_ssdlite, precision, args.seconds, args.starts))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
