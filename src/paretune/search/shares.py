"""How the time of a search is shared out among its steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paretune.core import Model
    from paretune.data import ArrayFolder

#: Shares of the planned time: the latency model, judging options as they inherit, training them,
#: scoring compositions; the rest goes to the finish, which decides what comes out.
LATENCY, JUDGE, LIBRARY, COMPOSE = 0.10, 0.06, 0.14, 0.05
#: Passes over the training samples, of all candidates together, that a finish is worth. On digits
#: the best that is 1.9 times as fast scored .985 with 60 and .993 with 150.
EPOCHS = 150.0
#: Where the finish needs less than its share, all the others are as many times as large at most.
LARGEST = 2.0
#: Samples at most that a pass is timed on, and passes of the baseline that a training step is
#: worth: the teacher's forward, the student's, and its backward as two.
SAMPLES, STEP = 64, 4
#: Multiply-adds a second and core that passes of the baseline are planned with where a clock must
#: not decide: what small layers reach; those of large networks are several times as fast.
RATE = 10e9
#: Passes that are timed, and seconds after which no further one is. The fastest counts: on a shared
#: machine a single one has taken seven times as long as it does.
TIMED, ENOUGH = 7, 2.0


def planned(seconds: float, epoch: float) -> float:
    """Seconds that the shares are of: more than there are where the finish can do with less.

    Args:
        seconds: of the whole search.
        epoch: seconds of training on every sample once.
    """
    before = LATENCY + JUDGE + LIBRARY + COMPOSE
    return min(max((seconds - EPOCHS * epoch) / before, seconds), LARGEST * seconds)


def pass_seconds(model: Model, arrays: ArrayFolder) -> float:
    """Roughly how long one forward pass over all samples takes, in PyTorch."""
    import torch

    rows = arrays.at_once(SAMPLES)
    inputs = arrays.tensors(slice(rows))
    took: list[float] = []
    with torch.no_grad():
        model.module(*inputs)
        while len(took) < TIMED and sum(took) < ENOUGH:
            begun = time.perf_counter()
            model.module(*inputs)
            took.append(time.perf_counter() - begun)
    return min(took) * arrays.n / rows
