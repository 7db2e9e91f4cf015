"""The loop: steps until the budget is used up, checkpoints, looks in between, the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from paretune.core import Progress, Silent
from paretune.data import ArrayFolder
from paretune.search.eval_mode import in_eval_mode
from paretune.search.finish._answers import Answers
from paretune.search.finish._saved import Saved, read
from paretune.search.finish._schedule import TAIL, Budget, rate
from paretune.search.finish._stepper import DivergedError, Stepper
from paretune.search.finish.distilled import Distilled
from paretune.search.finish.recipe import FEWEST_NORM, Recipe

if TYPE_CHECKING:
    from torch import nn

    from paretune.search.ledger import Ledger

#: Times that progress is told in one budget.
TOLD = 20
#: A step's forward pass of the student alone, in parts of the step.
PASS = 0.5


def train(
    student: nn.Module,
    teacher: nn.Module,
    arrays: ArrayFolder,
    *,
    recipe: Recipe,
    seconds: float | None,
    epochs: float | None,
    seed: int,
    begin: Saved,
    clock: Callable[[], float],
    ledger: Ledger | None = None,
    checkpoint: Path | None = None,
    save_every: float = 60.0,
    progress: Progress | None = None,
    evaluate: Callable[[nn.Module], float] | None = None,
    evaluations: int = 1,
    features: Mapping[str, str] | None = None,
    answers: Answers | None = None,
) -> tuple[Distilled, Saved]:
    """Train until the budget is used up, from `begin` or from where `checkpoint` stands.

    See `distil` for the arguments; `begin` carries the fingerprint and, where a student has been
    trained before, its state; `answers` is shared by students that see the same views.

    Returns:
        How it went, and the state that another budget may go on from.
    """
    import torch

    begun = clock()
    stepper = Stepper(
        student,
        teacher,
        arrays,
        recipe=recipe,
        seed=seed,
        features=features or {},
        answers=answers,
    )
    try:
        budget = Budget.of(seconds, epochs, stepper.batches.steps)
        state = (read(checkpoint, begin.key) if checkpoint else None) or begin
        stepper.restore(state)
        run = _Run(
            stepper=stepper,
            budget=budget,
            state=state,
            checkpoint=checkpoint,
            save_every=save_every,
            told=progress or Silent(),
            evaluate=evaluate,
            evaluations=evaluations,
            ledger=ledger,
            teacher=teacher,
            clock=clock,
            begun=begun,
        )
        cards = [stepper.device] if stepper.device.type == "cuda" else []
        with torch.random.fork_rng(devices=cards):
            reason = run.to_the_end()
        done = Distilled(
            module=student,
            steps=state.step,
            samples=state.step * stepper.batches.size,
            seconds=state.elapsed,
            losses=tuple(state.losses),
            rates=tuple(state.rates),
            curve=tuple((float(when), float(score)) for when, score in state.curve),
            looking=state.looking,
            micro_batch=stepper.micro,
            reason=reason,
        )
        return done, state
    finally:
        stepper.close()


@dataclass
class _Run:
    """One budget being used up; the arguments are those of `train`."""

    stepper: Stepper
    budget: Budget
    state: Saved
    checkpoint: Path | None
    save_every: float
    told: Progress
    evaluate: Callable[[nn.Module], float] | None
    evaluations: int
    ledger: Ledger | None
    teacher: nn.Module
    clock: Callable[[], float]
    begun: float

    def to_the_end(self) -> str | None:
        """Bring the state to its end, and the student with it; a reason where it diverged."""
        stepper, state = self.stepper, self.state
        if state.finished:
            stepper.student.load_state_dict(stepper.average.weights)
            in_eval_mode(stepper.student)
            return state.reason
        self.told.stage("distil", TOLD)
        self._booked, self._saved, self._last = state.step, state.elapsed, self.clock()
        if not state.step:
            state.preparing = self._last - self.begun
        self._said = int(self._used() * TOLD)
        while (share := self._share()) < 1 or not state.step:
            try:
                if self._settles(share):
                    share = self._settle(share)
                    if share >= 1 and state.step:  # it took all that was left
                        break
                self._step(share)
            except DivergedError as error:
                self._tick()
                state.reason, state.finished = str(error), True
                self._save()
                return state.reason
            self._look(share)
            if state.elapsed - self._saved >= self.save_every:
                self._save()
        self._end()
        return None

    def _share(self) -> float:
        """Share of the budget at the coming step."""
        state = self.state
        # What BatchNorm's statistics will take.
        tail = 0.0
        if self.stepper.settled is None:
            self.stepper.norm_batches = self._norm_batches()
            tail = self.stepper.norm_batches * state.pace * PASS
        coming = self.budget.coming(state.step, state.elapsed, state.pace, tail)
        return self.stepper.agreed(max(coming, state.settled_at))

    def _norm_batches(self) -> int:
        """Batches that statistics are estimated on: fewer where steps are long for the budget."""
        wanted, seconds = self.stepper.recipe.norm_batches, self.budget.seconds
        if seconds is None or not self.state.pace:
            return wanted
        able = int(self.stepper.agreed(seconds * TAIL / (self.state.pace * PASS)))
        return min(wanted, max(able, FEWEST_NORM))

    def _used(self) -> float:
        """Share of the budget that is used up."""
        return self.budget.used(self.state.step, self.state.elapsed)

    def _settles(self, share: float) -> bool:
        recipe = self.stepper.recipe
        return self.stepper.settled is None and recipe.settle > 0 and share >= 1 - recipe.settle

    def _settle(self, share: float) -> float:
        """Compute as the student will serve from here on; the share that is used up afterwards."""
        self.stepper.settle(self.state.step)
        self._tick()
        # What it took less than was set aside must not raise the rate again.
        self.state.settled_at = share
        return self._share()

    def _step(self, share: float) -> None:
        state, recipe = self.state, self.stepper.recipe
        if not state.step:
            # How long it will take is not known, and at either end of a budget the rate is 0.
            share = min(max(share, recipe.warmup / 2), 0.5)
        lr = rate(min(share, 1.0), peak=recipe.lr, warmup=recipe.warmup)
        loss = self.stepper.step(state.origin + state.step, state.step, lr)
        state.rates.append(lr)
        state.losses.append(loss)
        state.step += 1
        took = self._tick()
        # The first step prepares kernels and is no measure of the others.
        state.pace = took if state.step <= 2 else 0.8 * state.pace + 0.2 * took
        done = self._used()
        if int(done * TOLD) > self._said:
            self._said = int(done * TOLD)
            self.told.step(f"{min(done, 1.0):.0%} of the budget, loss {loss:.3f}")

    def _look(self, share: float) -> None:
        """Score the averaged student where a look is due; looks are not training."""
        due = len(self.state.curve) + 1
        if self.evaluate is None or due >= self.evaluations or share < due / self.evaluations:
            return
        with self.stepper.averaged() as module:
            self._evaluate(self.evaluate, module)

    def _evaluate(self, evaluate: Callable[[nn.Module], float], module: nn.Module) -> None:
        self.state.curve.append((self.state.elapsed, float(evaluate(module))))
        self.state.looking += self._lap()

    def _end(self) -> None:
        """Average, estimate statistics, score, and write what a later budget goes on from."""
        stepper, state = self.stepper, self.state
        trained = {key: value.clone() for key, value in stepper.student.state_dict().items()}
        stepper.finish()
        self._tick()
        if self.evaluate is not None:
            with stepper.at_home() as module:
                self._evaluate(self.evaluate, module)
        state.finished = True
        self._save(trained)

    def _save(self, trained: dict[str, object] | None = None) -> None:
        self._book()
        self._saved = self.state.elapsed
        self.stepper.capture(self.state)
        self.state.student = trained or self.state.student
        if self.checkpoint is not None and self.stepper.accelerator.is_main_process:
            self.state.write(self.checkpoint)
        self.stepper.accelerator.wait_for_everyone()

    def _book(self) -> None:
        """Tell the ledger the steps since the last time."""
        batches, steps = self.stepper.batches, self.state.step - self._booked
        self._booked = self.state.step
        if self.ledger is not None and steps:
            shape = batches.inputs(batches.some(1))
            asked, self.stepper.asked = self.stepper.asked, 0
            self.ledger.train(
                self.stepper.student,
                shape,
                samples=steps * batches.size,
                teacher=self.teacher,
                # Every process asks about as many.
                asked=asked * self.stepper.accelerator.num_processes,
            )

    def _tick(self) -> float:
        """Book the time since the last tick on the budget."""
        took = self._lap()
        self.state.elapsed += took
        return took

    def _lap(self) -> float:
        """Seconds since the last lap."""
        now = self.clock()
        took, self._last = now - self._last, now
        return took
