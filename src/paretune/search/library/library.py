"""Training the library, and taking pieces and networks from it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError, Progress
from paretune.core.progress import Silent
from paretune.data import ArrayFolder
from paretune.engine import Engine, machine
from paretune.search.ledger import Ledger
from paretune.search.library._budget import shares
from paretune.search.library._cache import Cache
from paretune.search.library._crew import Crew
from paretune.search.library._entry import Entry
from paretune.search.library._films import held
from paretune.search.library._recipe import Recipe
from paretune.search.library._request import check, wanted_options, work_for
from paretune.search.library._scores import Scores, score
from paretune.search.library._training import Training
from paretune.search.space import KEEP, Choice, Option, Space
from paretune.store import Store

if TYPE_CHECKING:
    from torch import nn

    from paretune.search.library._work import Work
    from paretune.search.proposals import Proposals

STAGE = "library"
#: Share of the time that is promised to candidates; recording takes the rest.
_TRAINING = 0.85


class Library:
    """Trained replacements of a network's blocks. Made by `train`.

    Attributes:
        entries: what is known of each candidate, by option id.
    """

    def __init__(
        self, work: Work, entries: Mapping[str, Entry], *, engine: Engine, size: int
    ) -> None:
        self._work, self._engine, self._size = work, engine, size
        self._proposals = work.proposals
        self._built: dict[str, nn.Module] = {}
        self.entries: Mapping[str, Entry] = dict(entries)

    @classmethod
    def train(
        cls,
        proposals: Proposals,
        arrays: ArrayFolder,
        *,
        search: ArrayFolder,
        model_digest: str,
        engine: Engine,
        store: Store,
        seconds: float,
        options: Sequence[str] | None = None,
        each: float | None = None,
        seed: int,
        recipe: Recipe | None = None,
        workers: int | None = None,
        ledger: Ledger | None = None,
        progress: Progress | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> Library:
        """Train every option, or find it trained; what is missing shares the time.

        With `each`, options are taken in the order given until the time is up; what it does not
        suffice for is left out.

        Each candidate learns to give what the blocks in its place gave for the same input, by
        normalised MSE and without labels (DONNA, arXiv 2012.08859, section 3.2; LANA, 2107.10624,
        section 3.1): on the baseline's own activations and, where the recipe has drift, then in
        part on those of networks whose blocks upstream are replaced. Every finished round is kept,
        so that a repeated call goes on where the last one ended.

        Args:
            proposals: the baseline, its blocks and what they may become.
            arrays: inputs of the train split.
            search: inputs of the search split, with labels where there are any: candidates are
                judged on some of them.
            model_digest: sha256 of the baseline.
            engine: where candidates are trained.
            store: where what is known of them is kept.
            seconds: wall time for all of it.
            options: ids of those to train, in this order; all by default.
            each: process seconds that a single block's candidate may take, a longer run's more;
                0: judge them as they are.
            seed: of everything random.
            recipe: how candidates are trained.
            workers: processes, one thread each; as many as there are cores by default: a thread
                more speeds up small layers less than a process more.
            ledger: told the FLOPs, the teacher's included, under the stage `library`.
            progress: told every candidate.
            clock: in seconds.

        Raises:
            InputError: an unknown option, a module that cannot be sent to another process, no time,
                no disk space for what must be recorded to train what is missing.
        """
        told = progress or Silent()
        recipe = recipe or Recipe()
        wanted = wanted_options(proposals, options)
        check(proposals, seconds)
        size = workers or machine.detect().usable_cores
        begun = clock()
        share = shares(wanted, seconds * size * _TRAINING, each)
        cache = Cache(store, model_digest, arrays, search, recipe, seed, seconds)
        found = cache.finished(wanted, share)
        missing = [option for option in wanted if option.id not in found]
        work = work_for(
            proposals,
            arrays,
            search,
            wanted,
            recipe,
            seed,
            seconds * size,
            cache.films(),
            recorded=bool(missing),
        )
        with ledger.stage(STAGE) if ledger else nullcontext():
            if missing:
                what = "judge" if each == 0 else "train"
                told.stage(f"{what} {len(missing)} of {len(wanted)} candidates", len(missing))
                if found:
                    told.note(f"{len(found)} candidates are known from before and are used again")
                with held(work.films), _crew(engine, work, size) as crew:
                    training = Training(
                        work,
                        crew,
                        cache,
                        wanted=wanted,
                        share=share,
                        in_turn=each is not None,
                        deadline=begun + seconds,
                        size=size,
                        spend=ledger.spend if ledger else _unbooked,
                        progress=told,
                        clock=clock,
                    )
                    found |= training.run(missing)
        known = {option.id: found[option.id] for option in wanted if option.id in found}
        return cls(work, known, engine=engine, size=size)

    @property
    def space(self) -> Space:
        """What choices are made from."""
        return self._proposals.space

    def piece(self, option: Option) -> nn.Module:
        """What stands in the place of an option, in eval mode: copy it before changing it.

        Raises:
            InputError: it was not trained, or failed.
        """
        if option.operator == KEEP:
            return self._proposals.site(option).module
        if option.id not in self._built:
            from safetensors.torch import load_file

            state = load_file(self._weights(option.id))
            self._built[option.id] = self._proposals.filled(option, state)
        return self._built[option.id]

    def network(self, choice: Choice) -> nn.Module:
        """The network of these options, in eval mode; nothing is shared with the baseline.

        All of it can be trained, whatever the baseline came with frozen.

        BatchNorm statistics are as each piece was trained: `reestimate` fits them to the whole.

        Args:
            choice: bool (m,).

        Raises:
            InputError: an option was not trained, or failed.
        """
        from paretune.search.library._thaw import thaw
        from paretune.search.network.compose import compose

        chosen = [o for o in self._proposals.space.chosen(choice) if o.operator != KEEP]
        pieces = {(o.first, o.last): self.piece(o) for o in chosen}
        return thaw(compose(self._proposals.module, self._proposals.blocks, pieces))

    def swap_one(self) -> NDArray[np.float64]:
        """KL divergence in nats with each option alone put in, float (m,).

        0 for those that keep their block, NaN for those that failed or were not asked for.
        """
        return np.array([self._swapped(option) for option in self._proposals.space.options])

    def usable(self) -> NDArray[np.bool_]:
        """Which options a network can be made of, bool (m,)."""
        return np.isfinite(self.swap_one())

    def score_untrained(
        self,
        choices: Choice,
        *,
        seconds: float = math.inf,
        settle: bool = True,
        progress: Progress | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> Scores:
        """What composed networks do on the held-out samples without any further training.

        Args:
            choices: bool (n, m).
            seconds: wall time after which none is begun; the first few are scored in any case.
            settle: whether BatchNorm statistics are re-estimated from training samples first.
            progress: told every network that is scored.
            clock: in seconds.

        Raises:
            InputError: a choice has an option that was not trained, or failed.
        """
        space = self._proposals.space
        networks = [
            {
                o.id: None if o.operator == KEEP else self._weights(o.id)
                for o in space.chosen(choice)
            }
            for choice in np.atleast_2d(choices)
        ]
        with _crew(self._engine, self._work, self._size) as crew:
            return score(
                crew,
                networks,
                seconds=seconds,
                settle=settle,
                labelled=self._work.held.arrays.labelled,
                progress=progress or Silent(),
                clock=clock,
            )

    def _swapped(self, option: Option) -> float:
        if option.operator == KEEP:
            return 0.0
        entry = self.entries.get(option.id)
        return math.nan if entry is None else entry.kl

    def _weights(self, name: str) -> Path:
        entry = self.entries.get(name)
        if entry is None or entry.weights is None:
            why = "was not trained" if entry is None else f"failed ({entry.reason})"
            raise InputError(f"{name} {why}: choose among the usable options of the library")
        return entry.weights


def _crew(engine: Engine, work: Work, size: int) -> Crew:
    where = "paretune.search.library._worker:Trainer"
    return Crew(engine, where, (work,), size=size, attempts=work.recipe.attempts)


def _unbooked(flops: float) -> None:
    """Where nobody keeps a ledger."""
