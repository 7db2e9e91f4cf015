"""Successive halving: all get a little, the better half gets more."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from paretune.core import InputError, Progress, Silent, UnsupportedError
from paretune.data import ArrayFolder
from paretune.search.finish._answers import Answers
from paretune.search.finish._saved import Saved, fingerprint
from paretune.search.finish._states import States
from paretune.search.finish._told import Within
from paretune.search.finish._train import TOLD, train
from paretune.search.finish.distilled import Distilled
from paretune.search.finish.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from paretune.search.ledger import Ledger


#: A rung's time over that of the rung before.
GROWTH = 2.0
#: Seconds of training that a rung gets where scoring has used up the budget: some steps.
SHORTEST = 1.0


@dataclass(frozen=True)
class Standing:
    """How one candidate came off.

    Attributes:
        name: of the candidate.
        scores: after each rung that it took part in.
        promise: what it was ranked by after the last of them.
        steps: optimiser steps, all rungs together.
        seconds: of training, all rungs together.
        reason: why it was dropped for good, None where it only came off worse.
    """

    name: str
    scores: tuple[float, ...] = ()
    promise: float = -math.inf
    steps: int = 0
    seconds: float = 0.0
    reason: str | None = None


@dataclass(frozen=True)
class Halving:
    """What successive halving found.

    Attributes:
        ranking: every candidate, best first: more rungs before fewer, then the promise.
        finished: the modules that came through every rung there was time for, in eval mode, best
            first; empty where every candidate was dropped, for reasons that the ranking gives.
    """

    ranking: tuple[Standing, ...]
    finished: dict[str, nn.Module]


def rung_sizes(candidates: int, *, keep: int, rungs: int | None = None) -> tuple[int, ...]:
    """How many candidates train in each rung: from all down to `keep`, in a geometric row.

    Args:
        candidates: how many there are.
        keep: how many come through.
        rungs: how many; by default as many as halving takes, and one for those that are kept.

    Raises:
        InputError: nothing to choose from, or no rung.
    """
    keep = min(keep, candidates)
    if keep < 1 or (rungs is not None and rungs < 1):
        raise InputError("halving needs at least one candidate, one to keep and one rung")
    count = rungs or 1 + math.ceil(math.log2(candidates / keep))
    if count == 1:
        return (candidates,)
    ratio = keep / candidates
    return tuple(math.ceil(candidates * ratio ** (r / (count - 1)) - 1e-9) for r in range(count))


def halve(
    candidates: Mapping[str, nn.Module],
    teacher: nn.Module,
    arrays: ArrayFolder,
    *,
    score: Callable[[nn.Module], float],
    seconds: float,
    looking: float = 0.0,
    keep: int = 1,
    rungs: int | None = None,
    promise: Callable[[str, float, float], float] | None = None,
    recipe: Recipe | None = None,
    seed: int = 0,
    ledger: Ledger | None = None,
    checkpoints: Path | None = None,
    save_every: float = 60.0,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Halving:
    """Spend a budget on the candidates that deserve it.

    Jamieson & Talwalkar 2016 (arXiv 1502.07943, section 3), but every rung gets `GROWTH` times the
    time of the one before, evenly over the candidates in it: there are few, and who goes through
    is what is handed back. A rung anneals the learning rate to zero, because scores at a high rate
    are noise; the next one goes on from the weights and momenta before the
    averaging, with the rate up again (Loshchilov & Hutter 2017, arXiv 1608.03983, section 3).
    Time that a dropped candidate leaves goes to the others. Where scoring takes more than was
    thought, and none is left, the best as far as they came are what came through.

    Args:
        candidates: students by name; trained in place.
        teacher: what they learn from.
        arrays: prepared inputs, as for `distil`.
        score: of a module in eval mode, higher is better.
        seconds: of training and scoring all together.
        looking: seconds that scoring one candidate is thought to take; after the first rung what
            it took counts.
        keep: how many go through to the end: short trainings do not tell the best few apart.
        rungs: how many rounds, see `rung_sizes`.
        promise: of a candidate after a rung, higher is better: given its name, its score, and how
            many times the time so far its training will have taken if it goes through to the end.
            The score itself by default.
        recipe: how they are distilled.
        seed: of samples, augmentation and dropout; the same for all, so that they are compared on
            the same batches.
        ledger: is told the training FLOPs.
        checkpoints: folder of the candidates' states, to go on from after a kill.
        save_every: seconds of training between checkpoints.
        progress: told one stage a rung, every candidate with its scores so far, and how far its
            training is.
        clock: in seconds.

    Returns:
        The ranking with every score, and the finished modules.

    Raises:
        InputError: no candidates or no budget; too few samples; `checkpoints` is of another
            request.
    """
    recipe, told = recipe or Recipe(), progress or Silent()
    sizes = rung_sizes(len(candidates), keep=keep, rungs=rungs)
    names = list(candidates)
    standings = {name: Standing(name) for name in names}
    keys = {
        name: fingerprint(module, teacher, arrays, recipe, seed=seed, budget="halving")
        for name, module in candidates.items()
    }
    states = States(keys, checkpoints)
    answers = Answers()
    weights = [GROWTH**rung for rung in range(len(sizes))]
    # Training time of a candidate after each rung, in one unit.
    trained = list(accumulate(w / size for w, size in zip(weights, sizes, strict=True)))
    promise = promise or (lambda _name, score, _growth: score)
    alive, left = names, seconds
    looks: list[float] = []
    for rung, size in enumerate(sizes):
        for name in alive[size:]:
            states.dropped(name)
        alive = alive[:size]
        if not alive:
            break
        # What scoring will take is kept.
        scoring = sum(sizes[rung:]) * (fmean(looks) if looks else looking)
        training = max(left - scoring, left / 2, SHORTEST)
        share = training * weights[rung] / sum(weights[rung:]) / len(alive)
        told.stage(f"finish: rung {rung + 1} of {len(sizes)}", len(alive) * (1 + TOLD))
        for name in alive:
            told.step(" ".join([name, *(f"{score:.4g}" for score in standings[name].scores)]))
            begin, begun = states.begin(name, rung, share), clock()
            try:
                done, state = train(
                    candidates[name],
                    teacher,
                    arrays,
                    recipe=recipe,
                    seconds=share,
                    epochs=None,
                    seed=seed,
                    begin=begin,
                    ledger=ledger,
                    checkpoint=states.file(name, rung),
                    save_every=save_every,
                    progress=Within(told, name),
                    evaluate=score,
                    answers=answers,
                    clock=clock,
                )
            except UnsupportedError as error:
                # Written down, since a resumed run must plan the same, even if it has more memory.
                spent = Saved(begin.key, elapsed=clock() - begun, finished=True, reason=str(error))
                states.failed(name, rung, spent)
                total = standings[name].seconds + spent.elapsed
                standings[name] = replace(standings[name], reason=str(error), seconds=total)
                left -= spent.elapsed
            else:
                left -= state.preparing + done.seconds + done.looking
                if done.curve:  # else it diverged before it was looked at
                    looks.append(done.looking)
                growth = trained[-1] / trained[rung]
                standings[name] = _with(standings[name], done, partial(promise, name), growth)
                states.finished(name, rung, state)
            if standings[name].reason is not None:
                states.dropped(name)
                told.note(f"{name} is dropped: {standings[name].reason}")
        alive = [s.name for s in _ranked(standings) if s.name in alive and s.reason is None]
        if left <= 0 and rung + 1 < len(sizes):
            told.note(f"the time is over after {rung + 1} of {len(sizes)} rungs")
            alive = alive[: sizes[-1]]
            break
    finished = {name: candidates[name] for name in alive}
    return Halving(ranking=tuple(_ranked(standings)), finished=finished)


def _with(
    standing: Standing, done: Distilled, promise: Callable[[float, float], float], growth: float
) -> Standing:
    """A candidate's standing after one more rung."""
    known = replace(
        standing, steps=standing.steps + done.steps, seconds=standing.seconds + done.seconds
    )
    score = done.score
    if done.reason is not None or score is None or math.isnan(score):
        return replace(known, reason=done.reason or "its score is not a number")
    return replace(known, scores=(*standing.scores, score), promise=promise(score, growth))


def _ranked(standings: Mapping[str, Standing]) -> list[Standing]:
    """Best first; equals in the order in which they were given."""
    return sorted(
        standings.values(),
        key=lambda s: (s.reason is None, len(s.scores), s.promise),
        reverse=True,
    )
