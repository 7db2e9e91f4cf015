"""Train, quantise and time networks of the C10 task, for judging the accuracy surrogate.

The search's own steps up to its surrogate come first. Then a design of networks to learn from and
random ones to be judged on, both drawn evenly over latency, are distilled alike, each for the same
time, quantised to int8 and scored on the search split. A killed run goes on where it was.
`accuracy_surrogate.py` reads what this writes.
"""

from __future__ import annotations

import sys

import numpy as np
from _common import ROOT, TRIALS, options
from _prepared import ready
from _recorded import Networks, Recorded

from paretune.core import ParetuneError
from paretune.search import Choice
from paretune.search.accuracy import anchors_design
from paretune.search.draw import evenly
from paretune.search.finish import halve
from paretune.search.prepare import Prepared
from paretune.store import paths

FILE = ROOT / "benchmarks" / "recorded" / "accuracy_surrogate.json"
#: Networks that one to learn from is picked among.
POOL = 10


def chosen(known: Prepared, anchors: int, held_out: int) -> tuple[Choice, Choice]:
    """Networks to learn from and others, at random, to be judged on; bool (n, k).

    Of the first, one half lies evenly and the other completes it by design: a design alone leaves
    out the fastest, which have few options to learn about.
    """
    random = np.random.default_rng(1)

    def drawn(n: int) -> Choice:
        return evenly(known.space, n, known.swap, known.latency, random)

    fresh, even = np.split(drawn(held_out + anchors // 2), [held_out])
    judged = {row.tobytes() for row in fresh}
    pool = np.array([row for row in drawn(POOL * anchors) if row.tobytes() not in judged])
    rest = anchors_design(known.space, anchors - len(even), random, candidates=pool, measured=even)
    return np.concatenate([even, rest]), fresh


def record(anchors: int, held_out: int, seconds: float) -> Recorded:
    """The whole record; `seconds` of training a network."""
    with ready("recorded-networks") as found:
        ground, known = found.ground, found.prepared
        learnt, fresh = chosen(known, anchors, held_out)
        rows = {f"n{i}": row for i, row in enumerate((*learnt, *fresh))}
        ground.progress.stage("time networks", len(rows))
        speeds = {name: found.oracle.measure(row).speed for name, row in rows.items()}
    done = halve(
        {name: known.network(row) for name, row in rows.items()},
        ground.model.module,
        ground.train,
        score=ground.judge,
        seconds=seconds * len(rows),
        keep=len(rows),
        rungs=1,
        checkpoints=ground.checkpoints,
        progress=ground.progress,
    )
    lost = {s.name: 100 * (ground.own.value - s.scores[-1]) for s in done.ranking if s.scores}

    def networks(names: list[str]) -> Networks:
        ids = tuple(tuple(o.id for o in known.space.chosen(rows[name])) for name in names)
        return Networks(choices=ids, values=tuple(lost[name] for name in names))

    names = [name for name in rows if name in lost]
    judged = [name for name in names if int(name[1:]) >= len(learnt)]
    choices, divergence = known.untrained
    return Recorded(
        task="C10",
        space=known.space,
        swap_one=tuple(known.swap),
        flops=tuple(known.macs),
        untrained=Networks(
            choices=tuple(tuple(o.id for o in known.space.chosen(row)) for row in choices),
            values=tuple(divergence),
        ),
        anchors=networks([name for name in names if name not in judged]),
        held_out=networks(judged),
        latency_ms=tuple(found.timed.baseline_ms / speeds[name] for name in judged),
    )


def main() -> int:
    """Record, and write the file."""
    parser = options(__doc__ or "")
    parser.add_argument("--anchors", type=int, default=24)
    parser.add_argument("--held-out", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=45.0, help="of training a network")
    args = parser.parse_args()
    try:
        found = record(*(2, 2, 2.0) if args.quick else (args.anchors, args.held_out, args.seconds))
    except ParetuneError as error:
        print(error, file=sys.stderr)
        return 1
    file = args.json or (TRIALS / FILE.name if args.quick else FILE)
    file.parent.mkdir(parents=True, exist_ok=True)
    paths.write_text_atomic(file, found.model_dump_json(indent=1))
    print(f"{len(found.anchors.choices)} and {len(found.held_out.choices)} networks in {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
