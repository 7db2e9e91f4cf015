"""The course of training: record, first round, drift, second round."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paretune.core import Progress, WorkerError
from paretune.search.library._budget import Pace, Turns
from paretune.search.library._cache import DONE, DRAFT, Cache
from paretune.search.library._crew import Call, Crew
from paretune.search.library._entry import Entry
from paretune.search.space import KEEP, Option
from paretune.store import key_digest

if TYPE_CHECKING:
    from paretune.engine import Actor
    from paretune.search.library._work import Trained, Work

#: Samples of one task of recording; of drift, each with a network of its own.
SHARD = 256
#: A drifted network prefers candidates that copy well, as a search does: an option weighs
#: 1 / (this + its error).
DOUBT = 0.05
#: Seconds beyond twice its share after which a task is taken to hang.
PATIENCE = 1200.0


@dataclass(frozen=True)
class Training:
    """One training of a library.

    Attributes:
        work: what the workers know.
        crew: the workers.
        cache: where candidates are kept.
        wanted: every candidate that is asked for.
        share: its process seconds, by id.
        in_turn: whether candidates are taken in order until the time is up, in place of all of
            them sharing it.
        deadline: when all must be done, by `clock`.
        size: how many workers.
        spend: told training FLOPs.
        progress: told every candidate.
        clock: in seconds.
    """

    work: Work
    crew: Crew
    cache: Cache
    wanted: Sequence[Option]
    share: Mapping[str, float]
    in_turn: bool
    deadline: float
    size: int
    spend: Callable[[float], None]
    progress: Progress
    clock: Callable[[], float]

    def run(self, missing: Sequence[Option]) -> dict[str, Entry]:
        """Train these candidates; what becomes of each that there was time for, by id."""
        recipe = self.work.recipe
        self._record()
        drafts = self.cache.drafts(missing, self.share) if recipe.rounds == 2 else {}
        ahead = [o for o in missing if o.id not in drafts]
        planned = sum(self.share[o.id] for o in ahead)
        planned += recipe.second * sum(self.share[i] for i in drafts)
        pace: Pace | Turns = Turns(deadline=self.deadline, clock=self.clock)
        if not self.in_turn:
            pace = Pace(planned, deadline=self.deadline, workers=self.size, clock=self.clock)
        if recipe.rounds == 2:
            first = [option for option in ahead if self.share[option.id] > 0]
            drafts |= self._round(first, pace, drafts, last=False)
            if drafts:  # what is only judged as it is meets no drifted inputs
                self._drift(drafts)
        return self._round(missing, pace, drafts, last=True)

    def _record(self) -> None:
        """Run the baseline once over all samples that are used.

        Where nothing is trained, the first training samples suffice: errors are normalised by
        their variance.
        """
        calls: list[Call] = []
        marks: list[Path] = []
        # What an earlier process recorded for other sites lacks some of these.
        sites = key_digest({"sites": self.work.sites})[:16]
        for split, n in (("train", self.work.train.n), ("held", self.work.held.n)):
            judging = split == "train" and not any(self.share.values())
            for start in range(0, min(n, SHARD) if judging else n, SHARD):
                mark = self.work.films / f"{split}-{start}-of-{n}-{sites}"
                if not mark.exists():
                    marks.append(mark)
                    calls.append(_recording(split, start, min(start + SHARD, n)))
        for place, flops in self._all(calls, "recording activations"):
            marks[place].touch()
            self.spend(flops)

    def _drift(self, drafts: Mapping[str, Entry]) -> None:
        """Run networks of trained candidates, a different one for each shard."""
        known = dict(drafts) | self.cache.finished(self.wanted, self.share)
        usable = {name: entry for name, entry in known.items() if entry.status != "failed"}
        random = np.random.default_rng(self.work.seed)
        n = self.work.train.n
        calls = [
            _drifting(self._network(usable, random), usable, start, min(start + SHARD, n))
            for start in range(0, n, SHARD)
        ]
        for _, flops in self._all(calls, "recording drifted activations"):
            self.spend(flops)

    def _network(self, usable: Mapping[str, Entry], random: np.random.Generator) -> list[str]:
        """A random network, from one that keeps most blocks to one that keeps few."""
        whole = self.work.proposals.space
        space = whole.only(np.array([option.id in usable for option in whole.options]))
        weights = np.ones(len(space.options))
        for name, entry in usable.items():
            weights[space.index[name]] = 1 / (DOUBT + max(entry.error_after, 0.0))
        kept = [place for place, o in enumerate(space.options) if o.operator == KEEP]
        weights[kept] = weights.sum() / space.blocks * 10 ** random.uniform(-1, 0.5)
        choice = space.sample(random, 1, weights)[0]
        return [option.id for option in space.chosen(choice)]

    def _round(
        self,
        options: Sequence[Option],
        pace: Pace | Turns,
        drafts: Mapping[str, Entry],
        *,
        last: bool,
    ) -> dict[str, Entry]:
        """One round of these candidates: in their order, or the longest first."""
        recipe = self.work.recipe
        kind = DONE if last else DRAFT
        ordered = list(options)
        if not self.in_turn:
            ordered.sort(key=lambda o: -self.share[o.id])
        found = {}
        calls = []
        for option in list(ordered):
            draft = drafts.get(option.id)
            if draft is not None and draft.status == "failed":
                ordered.remove(option)
                found[option.id] = self._kept(option, kind, draft)
                continue
            part = 1.0
            if recipe.rounds == 2:
                part = recipe.second if last else 1 - recipe.second
            seconds = self.share[option.id] * part
            file = self.cache.file(option, self.share[option.id], kind)
            timed = pace if self.in_turn or recipe.steps is None else None
            calls.append(_fitting(option, timed, seconds, draft, file, last, recipe.enough))
        with closing(self.crew.run(calls)) as results:
            for done in results:
                option = ordered[done.place]
                if done.result is None and not done.reason:
                    continue  # there was no time for it
                draft = drafts.get(option.id)
                entry = _entry(option, done.result, done.reason, draft)
                entry = entry.model_copy(update={"died": done.died})
                if entry.status != "failed":
                    file = self.cache.file(option, self.share[option.id], kind)
                    entry = entry.model_copy(update={"weights": file})
                found[option.id] = self._kept(option, kind, entry)
                if done.result is not None:
                    self.spend(done.result.effort.flops)
                if last and draft is not None and draft.weights is not None:
                    draft.weights.unlink(missing_ok=True)
        return found

    def _kept(self, option: Option, kind: str, entry: Entry) -> Entry:
        if not entry.died:  # what a process died of another run may be spared
            self.cache.keep(option, self.share[option.id], kind, entry)
        if kind == DONE:
            self.progress.step(_said(entry))
        return entry

    def _all(self, calls: Sequence[Call], what: str) -> Iterator[tuple[int, Any]]:
        """Results of tasks that nothing can go on without."""
        with closing(self.crew.run(calls)) as results:
            for done in results:
                if done.reason:
                    raise WorkerError(f"{what} failed: {done.reason}")
                yield done.place, done.result


def _recording(split: str, start: int, stop: int) -> Call:
    return lambda actor: actor.call("record", split, start, stop)


def _drifting(ids: Sequence[str], usable: Mapping[str, Entry], start: int, stop: int) -> Call:
    weights = {name: usable[name].weights for name in ids if name in usable}
    return lambda actor: actor.call("drift", ids, weights, start, stop)


def _fitting(
    option: Option,
    pace: Pace | Turns | None,
    seconds: float,
    draft: Entry | None,
    into: Path,
    last: bool,
    most: int | None,
) -> Call:
    attempts = count()

    def call(actor: Actor) -> Any:
        # How long it may take is known only when it begins. A system that is out of memory kills
        # the process without a word, so another attempt takes half the batch.
        granted = pace.take(seconds) if pace else seconds
        if granted is None:
            return None
        done: Trained = actor.call(
            "fit",
            option,
            seconds=granted,
            before=draft.weights if draft is not None else None,
            bar=draft.error_before if draft is not None else math.inf,
            into=into,
            last=last,
            halvings=next(attempts),
            timeout=PATIENCE + 2 * seconds,
        )
        enough = most is not None and done.effort.steps >= most
        return replace(done, short=granted < seconds / 2 and not enough)

    return call


def _entry(option: Option, done: Trained | None, reason: str, draft: Entry | None) -> Entry:
    """What is known of a candidate after a round, the round before included."""
    if done is None:
        return Entry(option=option.id, status="failed", reason=reason)
    kept = done.trained or (draft is not None and draft.status == "trained")
    return Entry(
        option=option.id,
        status="trained" if kept else "inherited",
        error_before=draft.error_before if draft else done.before,
        error_after=done.after,
        kl=done.kl,
        short=done.short or (draft is not None and draft.short),
        seconds=done.effort.seconds + (draft.seconds if draft else 0.0),
        steps=done.effort.steps + (draft.steps if draft else 0),
        flops=done.effort.flops + (draft.flops if draft else 0.0),
    )


def _said(entry: Entry) -> str:
    if entry.status == "failed":
        return f"{entry.option} failed: {entry.reason}"
    change = f"error {entry.error_before:.3f} -> {entry.error_after:.3f}"
    return f"{entry.option}: {change} in {entry.steps} steps, KL {entry.kl:.4f}"
