"""From what a caller asks for to what the workers must know."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from paretune.compress import obstacle
from paretune.core import InputError
from paretune.data import ArrayFolder
from paretune.engine import machine
from paretune.search.library._budget import FEWEST, JUDGING, RECORDING, samples
from paretune.search.library._picked import drawn
from paretune.search.library._recipe import Recipe
from paretune.search.library._work import Work
from paretune.search.proposals import Proposals
from paretune.search.space import KEEP, Option
from paretune.store import paths


def wanted_options(proposals: Proposals, ids: Sequence[str] | None) -> list[Option]:
    """The options to train, in the order given; those that keep their block need nothing."""
    space = proposals.space
    for name in ids or ():
        if name not in space.index:
            raise InputError(f"the space has no option {name!r}")
    names = space.index if ids is None else dict.fromkeys(ids)
    chosen = [space.options[space.index[name]] for name in names]
    return [option for option in chosen if option.operator != KEEP]


def check(proposals: Proposals, seconds: float) -> None:
    """Refuse what could only fail later.

    Raises:
        InputError: no time, or a module that cannot be sent to another process.
    """
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"the block library is given {seconds} s: give it more than 0")
    why = obstacle(proposals.module)
    if why:
        raise InputError(
            f"the model cannot be sent to the processes that train its blocks ({why}): define its "
            "class in a file that can be imported"
        )


def work_for(
    proposals: Proposals,
    train: ArrayFolder,
    search: ArrayFolder,
    wanted: Sequence[Option],
    recipe: Recipe,
    seed: int,
    process_seconds: float,
    films: Path,
    *,
    recorded: bool,
) -> Work:
    """What the workers must know.

    As training takes about as long for any model, so should judging what was trained: the more a
    model computes, the fewer samples its candidates are judged on.

    Args:
        proposals: the baseline, its blocks and what they may become.
        train: inputs of the train split.
        search: inputs of the search split.
        wanted: the options to train.
        recipe: how.
        seed: decides which samples are used.
        process_seconds: of all processes together.
        films: where activations are to be recorded.
        recorded: whether they are; else samples are only run, and the fewest always may be.

    Raises:
        InputError: the disk has no room for the record.
    """
    from paretune.search.library._reel import held_bytes, sample_bytes

    macs = sum(block.macs for block in proposals.blocks)
    room = shutil.disk_usage(paths.home()).free / 2
    each = held_bytes(proposals.blocks)
    judged = samples(
        macs,
        each,
        seconds=JUDGING,
        most=min(recipe.held_out, search.n),
        disk=_allowed(room / 2, recipe, each, recorded),
    )
    room -= judged * each
    each = sample_bytes(proposals.blocks)
    n = samples(
        macs,
        each,
        seconds=RECORDING * process_seconds,
        most=min(recipe.samples, train.n),
        disk=_allowed(room, recipe, each, recorded),
    )
    random = np.random.default_rng(seed)
    return Work(
        proposals=proposals,
        train=drawn(train, n, random),
        held=drawn(search, judged, random),
        films=films,
        sites=tuple(sorted({(option.first, option.last) for option in wanted})),
        recipe=recipe,
        seed=seed,
        threads=1,
        bf16=machine.detect().multiplies_bf16,
    )


def _allowed(room: float, recipe: Recipe, each: int, recorded: bool) -> float:
    """Bytes that samples of so many bytes each may take of what there is.

    The fewest that are of use may take more than the recipe keeps to; where nothing is recorded,
    there is room for them whatever there is.
    """
    fewest = FEWEST * each
    allowed = min(room, max(recipe.cache_bytes, fewest))
    return allowed if recorded else max(allowed, fewest)
