"""How much sooner a found architecture is trained than the baseline was from scratch.

C10. The architecture is the pick of the search that is nearest to twice the baseline's speed: it
inherits from the library and is distilled. The baseline's own architecture begins with random
weights and labels. Both are scored on the search split as they go, in f32, and looked at is the
time, scoring left out, until 99 % of what each ends at. What the library took, and what the
teacher's own training took, is told beside it.
"""

from __future__ import annotations

import copy
import sys
import time
from functools import partial
from typing import Any

import _cifar
import numpy as np
import train_baselines
from _common import Figure, Outcome, finish, options, show
from _prepared import Ready, accuracy, ready
from numpy.typing import NDArray

from paretune.search.choosing import pick
from paretune.search.finish import distil

#: Of the final accuracy.
LEVEL = 0.99
SPEED = 2.0
LOOKS = 40

Curve = NDArray[np.float64]


def until(curve: Curve) -> float:
    """Seconds until `LEVEL` of the last score, of (seconds, score) rows."""
    reached = np.flatnonzero(curve[:, 1] >= LEVEL * curve[-1, 1])
    return float(curve[reached[0], 0])


def scratch(found: Ready, epochs: int) -> Curve:
    """The baseline's architecture from random weights, on labels."""
    network = _cifar.resnet(56)
    images, labels = _cifar.tensors(_cifar.dataset(), "train")
    curve, spent, since = [], 0.0, time.perf_counter()

    def look(_: str) -> None:
        nonlocal spent, since
        spent += time.perf_counter() - since
        module = copy.deepcopy(network).eval()
        curve.append((spent, accuracy(module, found.ground.search)))
        since = time.perf_counter()

    train_baselines.fit(
        network, images.numpy(), labels, epochs=epochs, rate=0.1, shift=4, seed=0, said=look
    )
    look("")
    return np.array(curve)


def inherited(found: Ready, seconds: float) -> tuple[Curve, float]:
    """A found architecture from the library's weights, by distillation; its speed."""
    known, ground = found.prepared, found.ground
    picks = pick(known.space, known.latency, known.surrogate, found.oracle, ground.progress, 0.0)
    one = min(picks, key=lambda p: abs(np.log(p.speed / SPEED)))
    done = distil(
        known.network(known.space.of(one.ids)),
        ground.model.module,
        ground.train,
        seconds=seconds,
        evaluate=lambda module: accuracy(module, ground.search),
        evaluations=LOOKS,
    )
    return np.array(done.curve), one.speed


def measure(epochs: int, seconds: float) -> tuple[list[Figure], dict[str, Any]]:
    """Both, one after the other."""
    with ready("training-speed") as found:
        curve, speed = inherited(found, seconds)
        library = found.ground.ledger.summary().stages
        own = scratch(found, epochs)
    ours, theirs = until(curve), until(own)
    before = sum(cost.wall_s for cost in library.values())
    whole = float(own[-1, 0])
    rows = [
        ("found, inherited and distilled", ours, curve),
        ("the same, with what the search did before", ours + before, curve),
        ("the same, with the teacher's own training", ours + before + whole, curve),
        ("baseline from scratch", theirs, own),
    ]
    show(
        f"seconds to {LEVEL:.0%} of the final accuracy; found: {speed:.2f}x",
        ("training", "seconds", "against the baseline's", "final accuracy"),
        [(n, f"{s:.0f}", f"{theirs / s:.2f}x", f"{c[-1, 1]:.2%}") for n, s, c in rows],
    )
    figures = [
        Figure("training_speed", theirs / ours, f"{theirs / ours:.1f}x"),
        Figure(
            "training_speed_teacher",
            theirs / (ours + before + whole),
            f"{theirs / (ours + before + whole):.2f}x",
        ),
    ]
    return figures, {"found": curve.tolist(), "scratch": own.tolist(), "before_s": before}


def main() -> int:
    """Measure."""
    parser = options(__doc__ or "")
    parser.add_argument("--epochs", type=int, default=20, help="of the baseline from scratch")
    parser.add_argument("--seconds", type=float, default=600.0, help="of the distillation")
    args = parser.parse_args()
    epochs, seconds = (1, 30.0) if args.quick else (args.epochs, args.seconds)
    found = Outcome()
    found.part("C10", partial(measure, epochs, seconds))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
