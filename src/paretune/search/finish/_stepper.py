"""One step of training: the same view to teacher and student, loss, gradient, averaging."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from paretune.core import UnsupportedError
from paretune.search.batchnorm import reestimate
from paretune.search.eval_mode import in_eval_mode
from paretune.search.finish._accelerator import (
    accelerator,
    agreed,
    clear_memory,
    out_of_memory,
    precision,
)
from paretune.search.finish._answers import Answers
from paretune.search.finish._augment import are_images
from paretune.search.finish._average import Average, copied
from paretune.search.finish._batches import FEWEST, Batches
from paretune.search.finish._features import Features
from paretune.search.finish._loss import blame, first, objective
from paretune.search.finish._memory import fitting
from paretune.search.finish._place import in_mode, laid_out, optimizer, placed
from paretune.search.finish._saved import Saved
from paretune.search.finish._strided import guarded
from paretune.search.finish._view import Views

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.data import ArrayFolder
    from paretune.search.finish.recipe import Recipe


class DivergedError(Exception):
    """The training cannot go on; the text is the reason."""


class Stepper:
    """A student, its teacher and its optimiser, where Accelerate puts them.

    The student is trained in place; the teacher is a copy, so that the caller's stays as it is.
    `close` brings the student back to its device, in plain memory layout.

    Args:
        student: what learns; parameters that need no gradient stay as they are.
        teacher: what it learns from.
        arrays: inputs and, where there are any, labels.
        recipe: how.
        seed: of samples, augmentation and dropout.
        features: name of a teacher's submodule by that of a student's, for the feature term.
        answers: what the teacher said before, to students of the same samples, recipe and seed.

    Raises:
        InputError: nothing to train, or too few samples.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        arrays: ArrayFolder,
        *,
        recipe: Recipe,
        seed: int,
        features: Mapping[str, str],
        answers: Answers | None = None,
    ) -> None:
        self.recipe, self.seed = recipe, seed
        self.accelerator = accelerator()
        self.device = self.accelerator.device
        self.batches = Batches(
            arrays,
            size=recipe.batch,
            seed=seed,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
        )
        self.student = student
        self._home = next((p.device for p in student.parameters()), self.device)
        self._images = are_images(self.batches.inputs(self.batches.some(1)))
        self.teacher = placed(copy.deepcopy(teacher), self.device, self._images).eval()
        self.teacher.requires_grad_(False)
        self._answers = answers or Answers(0)
        self._views = Views(self.batches, recipe, self.teacher, self.device, self._answers)
        self._model, self.optimizer = self.accelerator.prepare(
            placed(student, self.device, self._images), optimizer(student, recipe)
        )
        # Accumulation is done here, where it follows memory: a configured one is its beginning.
        self.micro = -(-self.batches.local // self.accelerator.gradient_accumulation_steps)
        self.accelerator.gradient_accumulation_steps = 1
        self._precision = precision(self.accelerator, recipe.precision)
        if self.device.type == "cpu":  # where a system that has no memory left kills the process
            two = self.batches.inputs(self.batches.some(2))
            room = fitting(student, two, self.micro, precision=self._precision)
            # Several processes share the memory, and must cut their batches alike.
            room = int(self.agreed(room / self.accelerator.num_processes))
            self.micro = max(min(FEWEST, self.micro), room)
        self._guards = guarded(student) if self.device.type == "cpu" else []
        self.average = Average(student, recipe.ema)
        self.settled: int | None = None  # step of this budget at which it did
        self.norm_batches = recipe.norm_batches  # fewer where time is short
        self._features = Features(student, self.teacher, features)
        self.asked = self._views.asked  # samples that the teacher was asked about

    def step(self, number: int, begun: int, rate: float) -> float:
        """Take a step and return its loss, the mean over all processes.

        Args:
            number: of the step since the student's training began; decides samples and chance.
            begun: of the step in this budget; averaging begins with it, or where it settled.
            rate: learning rate.

        Raises:
            DivergedError: loss or gradient is not finite.
            UnsupportedError: even the smallest batch does not fit into memory.
        """
        import torch

        # For dropout; the caller forks the generator.
        torch.manual_seed(int(self.batches.random(number).integers(2**62)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss: float = self._within_memory(
            lambda: self._descend(*self._views.training(number), number)
        )
        self.average.follow(self.student, begun - (self.settled or 0))
        return loss

    def settle(self, begun: int) -> None:
        """Train on as the student will serve, and average from here on."""
        self._within_memory(self._refresh)
        self.average = Average(self.student, self.recipe.ema)
        self.settled = begun

    def finish(self) -> None:
        """Give the student its averaged weights, with BatchNorm statistics to serve with."""
        self.student.load_state_dict(self.average.weights)
        if self.settled is None:
            self._within_memory(self._refresh)
        self.average.weights = copied(self.student.state_dict())
        in_eval_mode(self.student)

    def _refresh(self) -> None:
        """Estimate BatchNorm's statistics on the first batches."""
        count = min(self.norm_batches, self.batches.steps)
        if count:
            parts = (part for k in range(count) for part in self._parts(self._views.statistics(k)))
            passes = (lambda net, part=part: net(*part) for part in parts)
            reestimate(in_eval_mode(self.student), passes)

    @contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """The student with its averaged weights, in eval mode, for a look in between."""
        kept = copied(self.student.state_dict())
        self.student.load_state_dict(self.average.weights)
        try:
            with self.at_home() as module:
                yield module
        finally:
            self.student.load_state_dict(kept)

    @contextmanager
    def at_home(self) -> Iterator[nn.Module]:
        """The student in eval mode where it came from, for somebody who knows of no device."""
        in_eval_mode(self.student.to(self._home))
        try:
            yield self.student
        finally:
            placed(self.student, self.device, self._images)

    def capture(self, saved: Saved) -> None:
        """Put weights, averages and momenta into a state; nothing is copied."""
        saved.student = self.student.state_dict()
        saved.average = self.average.weights
        saved.optimizer = self.optimizer.state_dict()
        saved.micro, saved.settled = self.micro, self.settled

    def restore(self, saved: Saved) -> None:
        """Go on from a state."""
        if saved.student:
            self.student.load_state_dict(saved.student)
            self.optimizer.load_state_dict(saved.optimizer)
            self.average = Average(self.student, self.recipe.ema)
        for key, value in saved.average.items():
            self.average.weights[key].copy_(value)
        self.micro = min(saved.micro or self.micro, self.micro)
        self.settled = saved.settled

    def agreed(self, value: float) -> float:
        """The first process's value, so that all take the same decision."""
        return value if self.accelerator.num_processes == 1 else agreed(value, self.device)

    def close(self) -> None:
        """Bring the student back to where it was."""
        import torch

        self._features.close()
        for guard in self._guards:
            guard.remove()
        self.accelerator.unwrap_model(self._model, keep_fp32_wrapper=False)
        self.accelerator.free_memory()
        self.optimizer.zero_grad(set_to_none=True)
        self.student.to(self._home)
        laid_out(self.student, torch.contiguous_format)
        in_eval_mode(self.student)

    def _descend(
        self, inputs: list[torch.Tensor], truth: torch.Tensor | None, number: int
    ) -> float:
        """Gradient over the whole batch, in as many parts as memory needs, and a step along it."""
        import torch

        self.optimizer.zero_grad(set_to_none=True)
        n, pieces = len(inputs[0]), self._parts(inputs)
        parts = len(pieces)
        truths = [None] * parts if truth is None else truth.tensor_split(parts)
        # The feature term looks into the teacher, so that it must be run.
        known = None if self.recipe.feature_weight else self._answers.of(number)
        told = [] if known is None else list(known.tensor_split(parts))
        total = 0.0
        for place, piece in enumerate(pieces):
            in_mode(self._model, self.settled is None)
            answer = self._ask(piece) if known is None else told[place]
            # Large ones, such as a class for every pixel, are not kept until all are there.
            if known is None and self._answers.room(answer.nbytes * parts):
                told.append(answer)
            with nullcontext() if place == parts - 1 else self.accelerator.no_sync(self._model):
                loss = self._loss(piece, answer, truths[place], number) * (len(piece[0]) / n)
                self.accelerator.backward(loss)
            total += float(self.accelerator.gather(loss.detach()).mean())
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        norm: Any = self.accelerator.clip_grad_norm_(parameters, self.recipe.clip)
        if self.accelerator.scaler is None and not bool(norm.isfinite()):
            raise DivergedError(f"the gradient is not finite at step {number + 1}")
        self.optimizer.step()
        if known is None and len(told) == parts:
            self._answers.remember(number, torch.cat(told))
        return total

    def _parts(self, inputs: list[torch.Tensor]) -> list[list[torch.Tensor]]:
        """A batch in as many parts as memory needs."""
        n = len(inputs[0])
        count = max(1, min(-(-n // self.micro), n // FEWEST))
        return [list(part) for part in zip(*(x.tensor_split(count) for x in inputs), strict=True)]

    def _ask(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        import torch

        ways = [inputs]
        if self.recipe.both_ways and self._views.flips:
            # As it is comes last: features are of the latest pass.
            ways.insert(0, [x.flip(-1) for x in inputs])
        self.asked += len(ways) * len(inputs[0])
        with self._precision(), torch.no_grad():
            said = [first(self.teacher(*way)) for way in ways]
        # What has a place in the image would be mirrored, too.
        return torch.stack(said).mean(0) if said[-1].ndim == 2 else said[-1]

    def _loss(
        self,
        inputs: list[torch.Tensor],
        answer: torch.Tensor,
        truth: torch.Tensor | None,
        number: int,
    ) -> torch.Tensor:
        import torch

        with self._precision():
            given = first(self._model(*inputs))
        loss = objective(given, answer, truth, self.recipe)
        feature = self._features.loss()
        if feature is not None:
            loss = loss + self.recipe.feature_weight * feature
        # All processes stop together, or one would wait for another's gradient for ever.
        if not bool(torch.isfinite(self.accelerator.gather(loss.detach())).all()):
            raise DivergedError(blame(inputs, answer, loss, number))
        return loss

    def _within_memory(self, act: Callable[[], Any]) -> Any:
        """Act, halving what goes through at once until memory is enough; steps stay as large."""
        while True:
            try:
                return act()
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                smaller = min(self.micro, self.batches.local) // 2
                if smaller < FEWEST or self.accelerator.num_processes > 1:
                    raise UnsupportedError(
                        f"out of memory with {self.micro} samples at once: "
                        "give a smaller batch, or a machine with more memory"
                    ) from error
                self.micro = smaller
                clear_memory()
