"""How much sooner a found architecture is trained than the baseline was from scratch.

C10. The architecture is the pick of the search that is nearest to twice the baseline's speed: it
inherits from the library and is distilled. The baseline's own architecture begins with random
weights and labels. Both are trained where Accelerate says, so on a GPU if there is one, and scored
on the search split as they go, in f32. Looked at is what was spent, scoring left out, until 99 % of
what each ends at: seconds, and training FLOPs, which depend on no machine. What the library took,
and what the teacher's own training took, is told beside it.
"""

from __future__ import annotations

import copy
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import _cifar
import numpy as np
import torch
import train_baselines
from _common import Figure, Outcome, Said, finish, options, show
from _prepared import Ready, accuracy, ready
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import nn

from paretune.search.choosing import pick
from paretune.search.finish import distil
from paretune.search.flops import flops
from paretune.search.ledger import Ledger, StageCost

#: Of the final accuracy.
LEVEL = 0.99
SPEED = 2.0
LOOKS = 40

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """One training.

    Attributes:
        curve: rows of (seconds, score).
        flops: of all of it; every second spends as many.
    """

    curve: Curve
    flops: float

    @property
    def whole(self) -> StageCost:
        """All of it."""
        return StageCost(wall_s=float(self.curve[-1, 0]), training_flops=self.flops)

    @property
    def until(self) -> StageCost:
        """What it spends until `LEVEL` of the last score."""
        reached = np.flatnonzero(self.curve[:, 1] >= LEVEL * self.curve[-1, 1])
        seconds = float(self.curve[reached[0], 0])
        return StageCost(wall_s=seconds, training_flops=self.flops * seconds / self.whole.wall_s)


def scratch(found: Ready, epochs: int) -> Trained:
    """The baseline's architecture from random weights, on labels."""
    network = _cifar.resnet(56)
    images, labels = _cifar.tensors(_cifar.dataset(), "train")
    each = flops(network, (images[:1],), backward=True)
    network.to(Accelerator().device)
    curve, spent, since = [], 0.0, time.perf_counter()

    def look(text: str) -> None:
        nonlocal spent, since
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        spent += time.perf_counter() - since
        curve.append((spent, _seen(network, found)))
        Said().step(f"{text}, {curve[-1][1]:.2%} after {spent:.1f} s")
        since = time.perf_counter()

    train_baselines.fit(
        network, images.numpy(), labels, epochs=epochs, rate=0.1, shift=4, seed=0, said=look
    )
    look("the end")
    return Trained(np.array(curve), each * epochs * len(images))


def inherited(found: Ready, seconds: float) -> tuple[Trained, float]:
    """A found architecture from the library's weights, by distillation; its speed."""
    known, ground = found.prepared, found.ground
    picks = pick(known.space, known.latency, known.surrogate, found.oracle, ground.progress, 0.0)
    one = min(picks, key=lambda p: abs(np.log(p.speed / SPEED)))
    spent = Ledger()
    done = distil(
        known.network(known.space.of(one.ids)),
        ground.model.module,
        ground.train,
        seconds=seconds,
        evaluate=lambda module: _seen(module, found),
        evaluations=LOOKS,
        ledger=spent,
        progress=ground.progress,
    )
    return Trained(np.array(done.curve), spent.summary().training_flops), one.speed


def _seen(module: nn.Module, found: Ready) -> float:
    """Accuracy of a network as it is now, where it is trained."""
    return accuracy(copy.deepcopy(module).to(Accelerator().device).eval(), found.ground.search)


def measure(
    epochs: int, seconds: float, search: float | None, threads: int | None
) -> tuple[list[Figure], dict[str, Any]]:
    """Both, one after the other."""
    with ready("training-speed", seconds=search, threads=threads) as found:
        ours, speed = inherited(found, seconds)
        before = StageCost()
        for cost in found.ground.ledger.summary().stages.values():
            before = before.plus(cost)
        theirs = scratch(found, epochs)
    sums = [
        ("found, inherited and distilled", ours.until),
        ("the same, with what the search did before", ours.until.plus(before)),
        (
            "the same, with the teacher's own training",
            ours.until.plus(before).plus(theirs.whole),
        ),
        ("baseline from scratch", theirs.until),
    ]
    show(
        f"to {LEVEL:.0%} of the final accuracy; found: {speed:.2f}x, {ours.curve[-1, 1]:.2%} in "
        f"the end; baseline: {theirs.curve[-1, 1]:.2%}",
        ("training", "seconds", "the baseline's over it", "TFLOP", "the baseline's over it"),
        [
            (
                name,
                f"{cost.wall_s:.0f}",
                f"{theirs.until.wall_s / cost.wall_s:.2f}x",
                f"{cost.training_flops / 1e12:.0f}",
                f"{theirs.until.training_flops / cost.training_flops:.2f}x",
            )
            for name, cost in sums
        ],
    )
    figures = []
    for key, (_, cost) in (("", sums[0]), ("_teacher", sums[2])):
        gain = theirs.until.wall_s / cost.wall_s
        figures.append(Figure(f"training_speed{key}", gain, f"{gain:.2f}x"))
        gain = theirs.until.training_flops / cost.training_flops
        figures.append(Figure(f"training_flops{key}", gain, f"{gain:.2f}x"))
    return figures, {
        "found": ours.curve.tolist(),
        "scratch": theirs.curve.tolist(),
        "speed": speed,
        "costs": {name: cost.model_dump(mode="json") for name, cost in sums},
    }


def main() -> int:
    """Measure."""
    parser = options(__doc__ or "")
    parser.add_argument("--epochs", type=int, default=20, help="of the baseline from scratch")
    parser.add_argument("--seconds", type=float, default=600.0, help="of the distillation")
    parser.add_argument("--search", type=float, help="seconds of the search; the task's by default")
    parser.add_argument("--threads", type=int, help="that networks are timed on; all by default")
    args = parser.parse_args()
    epochs, seconds = (1, 30.0) if args.quick else (args.epochs, args.seconds)
    found = Outcome()
    found.part("C10", partial(measure, epochs, seconds, args.search, args.threads))
    return finish(__file__, args, found)


if __name__ == "__main__":
    sys.exit(main())
