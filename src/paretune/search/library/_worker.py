"""The process that trains: hosts the baseline, reads and writes the recorded activations."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import nn

from paretune.core import UnsupportedError
from paretune.search.batchnorm import even_batches, reestimate
from paretune.search.divergence import divergence
from paretune.search.eval_mode import in_eval_mode
from paretune.search.flops import flops
from paretune.search.library._error import channel_variance, normalised_error
from paretune.search.library._fit import Lesson, fit
from paretune.search.library._picked import Picked
from paretune.search.library._record import (
    BATCH,
    OUTPUTS,
    drifted,
    extra,
    first_tensor,
    record,
    record_drift,
)
from paretune.search.library._reel import Reel, entrance, exit_of
from paretune.search.library._swap import swapped
from paretune.search.library._thaw import thaw
from paretune.search.library._work import Effort, Trained, Weights, Work
from paretune.search.network.compose import compose
from paretune.search.network.site import rows_of_extras
from paretune.search.space import KEEP, Option
from paretune.store import paths

#: Samples that the variance of an output's channels is taken from.
EXAMPLES = 128
#: Bytes of candidates that a process holds to compose networks of, about.
MOST_BYTES = 512 * 2**20


class Trainer:
    """Carries out one task at a time."""

    def __init__(self, work: Work) -> None:
        torch.set_num_threads(work.threads)
        self._work = work
        self._module = work.proposals.module
        self._blocks = work.proposals.blocks
        self._train = Reel(work.films / "train", work.train.n)
        self._held = Reel(work.films / "held", work.held.n)
        self._pieces: dict[str, nn.Module] = {}
        self._evaluation = 0.0
        self._baseline: torch.Tensor | None = None

    def record(self, split: str, start: int, stop: int) -> float:
        """Record samples of `train` or `held`; returns the FLOPs of the forward passes."""
        held, flowing = split == "held", self._work.proposals.flowing
        samples, reel = self._split(split)
        names = {entrance(self._blocks, first) for first, _ in self._work.sites}
        names |= {exit_of(last) for _, last in self._work.sites}
        if held:
            names |= {exit_of(block.index) for block in self._blocks}
        record(
            self._module,
            self._blocks,
            samples,
            reel,
            range(start, stop),
            names=names,
            extras={first: flowing[first] for first, _ in self._work.sites},
            outputs=held,
        )
        return self._forward_flops(self._module) * (stop - start)

    def drift(self, ids: Sequence[str], weights: Weights, start: int, stop: int) -> float:
        """Record what reaches every site in the network of these options; returns FLOPs."""
        network = self._composed(ids, weights)
        # The last rows may be few; statistics are then taken from some before them, too.
        first = min(start, max(0, stop - 2 * BATCH))
        self._reestimate(network, range(first, min(first + 2 * BATCH, stop)))
        begins = [option.first for option in self._options(ids)]
        wanted = sorted({first for first, _ in self._work.sites})
        rows = range(start, stop)
        record_drift(
            network, self._blocks, self._work.train, self._train, rows, begins=begins, wanted=wanted
        )
        return self._forward_flops(network) * (stop - start)

    def fit(
        self,
        option: Option,
        *,
        seconds: float,
        before: Path | None,
        bar: float,
        into: Path,
        last: bool,
        halvings: int = 0,
    ) -> Trained:
        """Train a candidate for one round and write its weights.

        Those that it began with stay where training, which may have diverged, made it no better.

        Args:
            option: which one.
            seconds: what it may take, evaluation included.
            before: its weights from the round before, None for those that it inherits.
            bar: held-out error that trained weights must stay below: in the second round that of
                the inherited weights, since drifted inputs may cost some of what clean ones gave;
                infinite in the first, where those that it begins with are the bar.
            into: the file to write.
            last: whether this is its last round: then the whole network is judged, too.
            halvings: of the batch, for another attempt after the process was killed.

        Raises:
            UnsupportedError: what it began with is of no use, or it does not fit into memory; one
                sentence.
        """
        work, clock = self._work, time.perf_counter
        begun = clock()
        if before is None:
            piece = work.proposals.build(option, seed=work.seed)
        else:
            piece = work.proposals.filled(option, load_file(before))
        thaw(piece)  # what it copied may have come frozen
        lesson = self._lesson(option, self._train, drift=before is not None)
        exam = self._lesson(option, self._held, drift=False)
        image = work.proposals.flowing[option.last].gives_image
        variance = channel_variance(lesson.y[:EXAMPLES], image=image)
        first = self._error(piece, exam, variance)
        if not np.isfinite(first):
            raise UnsupportedError(f"its held-out error was {first} with the weights it inherited")
        inherited = copy.deepcopy(piece.state_dict())
        able = any(p.requires_grad for p in piece.parameters()) and seconds > 0
        effort, after, trained = Effort(0, 0, 0.0, 0.0, 0), first, False
        # What evaluation took the last time comes out of this candidate's own share.
        left = max(seconds - (clock() - begun) - self._evaluation, 0.3 * seconds)
        judged = clock()
        if able:
            random = np.random.default_rng([work.seed, *option.id.encode()])
            effort = fit(
                piece,
                lesson,
                variance,
                recipe=work.recipe,
                seconds=left,
                second=before is not None,
                random=random,
                clock=clock,
                bf16=work.bf16,
                halvings=halvings,
            )
            judged = clock()
            self._settle(piece, lesson)
            after = self._error(piece, exam, variance)
            trained = after < (first if before is None else bar)
            if not trained:
                piece.load_state_dict(inherited)
                in_eval_mode(piece)
                after = first
        kl = self._divergence(option, piece) if last else float("nan")
        self._evaluation = clock() - judged
        # One tensor may have two names here, or share its memory.
        plain = torch.contiguous_format
        state = {name: x.clone(memory_format=plain) for name, x in piece.state_dict().items()}
        paths.write_bytes_atomic(into, save(state))
        return Trained(effort, first, after, kl, trained)

    def score(
        self, ids: Sequence[str], weights: Weights, *, settle: bool
    ) -> tuple[float, float | None]:
        """Divergence of a network of these options, and its accuracy where there are labels.

        Args:
            ids: options that cover every block.
            weights: of those that are not kept.
            settle: whether BatchNorm statistics are re-estimated first.
        """
        network = self._composed(ids, weights)
        if settle:
            self._reestimate(network, range(min(self._work.recipe.settle, self._work.train.n)))
        logits = self._outputs(network)
        if self._baseline is None:
            self._baseline = self._outputs(self._module)
        labels = self._work.held.labels()
        right = None
        if labels is not None and logits.dim() == 2 and logits.shape[1] > 1:
            right = float((logits.argmax(1).numpy() == labels).mean())
        scores = self._work.recipe.scores
        return float(divergence(logits, self._baseline, scores=scores)), right

    def _outputs(self, network: nn.Module) -> torch.Tensor:
        """A network's outputs for the held-out samples, float32."""
        made = []
        with torch.no_grad():
            for start in range(0, self._held.n, BATCH):
                rows = range(start, min(start + BATCH, self._held.n))
                made.append(first_tensor(network(*self._work.held.inputs(rows))).float())
        return torch.cat(made)

    def _split(self, split: str) -> tuple[Picked, Reel]:
        if split == "held":
            return self._work.held, self._held
        return self._work.train, self._train

    def _options(self, ids: Sequence[str]) -> list[Option]:
        space = self._work.proposals.space
        return [space.options[space.index[name]] for name in ids]

    def _composed(self, ids: Sequence[str], weights: Weights) -> nn.Module:
        """The network of these options; what is kept is the baseline's."""
        pieces = {}
        for option in self._options(ids):
            if option.operator != KEEP:
                pieces[option.first, option.last] = self._piece(option, weights[option.id])
        return compose(self._module, self._blocks, pieces)

    def _piece(self, option: Option, weights: Path | None) -> nn.Module:
        """A candidate with these weights, built once while there is room."""
        name = f"{option.id} {weights}"
        if name not in self._pieces:
            if sum(map(_bytes, self._pieces.values())) > MOST_BYTES:
                self._pieces.clear()
            if weights is None:
                piece = self._work.proposals.build(option, seed=self._work.seed)
            else:
                piece = self._work.proposals.filled(option, load_file(weights))
            self._pieces[name] = piece
        return self._pieces[name]

    def _reestimate(self, network: nn.Module, rows: range) -> None:
        def batch(part: range) -> Callable[[nn.Module], object]:
            return lambda net: net(*self._work.train.inputs(part))

        reestimate(network, map(batch, even_batches(rows, BATCH)))

    def _lesson(self, option: Option, reel: Reel, *, drift: bool) -> Lesson:
        """What was recorded at a site."""
        first, last = self._blocks[option.first], self._blocks[option.last]
        flow = self._work.proposals.flowing[option.first]
        return Lesson(
            x=reel.activations(entrance(self._blocks, option.first), first.input_shape),
            y=reel.activations(exit_of(option.last), last.output_shape),
            drift=reel.activations(drifted(option.first), first.input_shape) if drift else None,
            extras={
                name: reel.strip(extra(option.first, name), x.shape[1:], x.dtype)
                for name, x in rows_of_extras(flow).items()
            },
            flow=flow,
        )

    def _settle(self, piece: nn.Module, lesson: Lesson) -> None:
        """BatchNorm statistics from the inputs that the candidate was trained on."""
        n = min(self._work.recipe.settle, len(lesson.x))
        share = self._work.recipe.drift

        def batch(part: range) -> Callable[[nn.Module], object]:
            rows = torch.arange(part.start, part.stop)
            x = lesson.inputs(rows, drifted=round(share * len(rows)))
            return lambda module: lesson.run(module, x, rows)

        reestimate(piece, [batch(part) for part in even_batches(range(n), BATCH)])

    def _error(self, piece: nn.Module, exam: Lesson, variance: torch.Tensor) -> float:
        """Normalised MSE on all held-out inputs."""
        total = 0.0
        with torch.no_grad():
            for rows in torch.arange(len(exam.x)).split(BATCH):  # type: ignore[no-untyped-call]
                made = exam.run(piece, exam.inputs(rows), rows)
                total += float(normalised_error(made, exam.y[rows], variance)) * len(rows)
        return total / len(exam.x)

    def _divergence(self, option: Option, piece: nn.Module) -> float:
        made = swapped(
            self._module,
            self._blocks,
            option.first,
            option.last,
            piece,
            samples=self._work.held,
            reel=self._held,
        )
        own = self._held.strip(OUTPUTS, made.shape[1:], torch.float32)
        return float(divergence(made, own, scores=self._work.recipe.scores))

    def _forward_flops(self, network: nn.Module) -> float:
        return float(flops(network, self._work.train.inputs(range(1))))


def _bytes(module: nn.Module) -> int:
    return sum(tensor.nbytes for tensor in module.state_dict().values())
