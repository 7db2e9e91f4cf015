"""The search as a stage of a run: what it stands on, and what it adds."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paretune.core import (
    Constraint,
    InputError,
    Model,
    ParetuneError,
    Score,
    SearchSummary,
    UnsupportedError,
    VariantRecord,
)
from paretune.core import Ledger as CoreLedger
from paretune.data import ArrayFolder
from paretune.measure.accuracy import Outputs
from paretune.pipeline.asked_speed import least_speed, most_ms, quickest_threads
from paretune.pipeline.candidates import Candidates
from paretune.pipeline.context import Context, Shares
from paretune.pipeline.rundir import RunDir
from paretune.pipeline.scoring import score_on
from paretune.pipeline.yardstick import Yardstick
from paretune.sources import digest_of_module
from paretune.store import write_text_atomic

if TYPE_CHECKING:
    from paretune.search import Found
    from paretune.search.ledger import Ledger

#: Seconds and share of the budget that are kept for the finalists (built, scored, timed) and for
#: the comparison, holdout and report: at least, at most, and between them the share.
FINALISTS, COMPARISON = (40.0, 240.0, 0.08), (25.0, 120.0, 0.04)
#: Sessions that are opened from the comparison on: starts times subjects, two for the holdout, two
#: for layers. How long that takes is the machine's affair.
SESSIONS = 20
#: Until the baseline has been compiled, quantised and raced.
FIRST = Shares(screened=0.13, raced=0.15, compared=0.98)

#: Folder in the run's, for what a killed search goes on from; what it has spent so far.
CHECKPOINTS, SPENT = "search", "ledger.json"
#: And what it broke off with.
TRACEBACK = "traceback.txt"
JUDGED_AT_ONCE = 64


def kept(reserve: tuple[float, float, float], budget: float, needed: float = 0.0) -> float:
    """Share of a budget that is kept for something, which is known to need so many seconds."""
    least, most, share = reserve
    return min(max(least, share * budget, min(needed, budget / 5)), most) / budget


def kept_to_compare(budget: float, opening: float) -> float:
    """Share kept for the comparison and what follows it, by seconds that a session opens in."""
    return kept(COMPARISON, budget, SESSIONS * opening)


def last_shares(budget: float, opening: float = 0.0) -> Shares:
    """Until the finalists have been raced against the rest, and compared.

    Args:
        budget: seconds.
        opening: seconds that a session takes to open.
    """
    end = 1 - kept_to_compare(budget, opening)
    return Shares(screened=end - 0.02, raced=end, compared=0.5 + end / 2)


@dataclass(frozen=True)
class Searched:
    """What a search added to a run.

    Attributes:
        summary: for the result.
        models: found networks by architecture name.
        ids: their options.
        found: for whoever writes the artifact.
        spending: what it spent; whoever trains further tells it.
        checkpoints: folder for what a killed search goes on from; whoever trains further uses it.
    """

    summary: SearchSummary
    models: dict[str, Model]
    ids: dict[str, tuple[str, ...]]
    found: Found
    spending: Ledger
    checkpoints: Path

    def files(self, model: Model, architecture: str) -> dict[str, bytes] | None:
        """What a found network is built again from; None for the user's own architecture."""
        if architecture not in self.models:
            return None
        from paretune.search.rebuild import files

        module = self.models[architecture].module
        return files(model, self.found.proposals, self.ids[architecture], module)


def spent(rundir: RunDir, run: CoreLedger) -> CoreLedger:
    """A run's ledger with what a search spent put in, whether or not it came to its end."""
    from paretune.search.ledger import Ledger

    summary = Ledger(rundir.path / CHECKPOINTS / SPENT).summary()
    return summary.merged(run, others={"quantisation-aware": "finalists"})


def look(
    context: Context,
    rundir: RunDir,
    found: Candidates,
    own: VariantRecord,
    raced: Sequence[VariantRecord],
    constraints: tuple[Constraint, ...],
    train: ArrayFolder,
) -> Searched | None:
    """Search for architectures; the finalists come as models of their own.

    A search that fails costs the run its finalists and nothing else: the reason is told, and None
    is returned. So does one that meets what nobody thought of in a model: what was compiled and
    measured before it is not lost.

    Args:
        context: the run.
        rundir: where it goes on from after a kill.
        found: has the baseline and its outputs.
        own: the baseline as it was raced.
        raced: all variants of its architecture.
        constraints: all that will be held.
        train: inputs of the train split.
    """
    try:
        return _search(context, rundir, found, own, raced, constraints, train)
    except ParetuneError as error:
        context.tell("fallback", f"the search ended without a network: {error}")
    except Exception as error:
        why = defect(rundir.path / CHECKPOINTS, error)
        context.tell("fallback", f"the search broke off with {why}")
    return None


def defect(folder: Path, error: Exception) -> str:
    """What an error that nobody thought of is to the user; its traceback is left in a folder."""
    file = folder / TRACEBACK
    write_text_atomic(file, "".join(traceback.format_exception(error)))
    return (
        f"an unexpected {type(error).__name__}, which is a defect of Paretune: please report it "
        f"with {file}"
    )


def _search(
    context: Context,
    rundir: RunDir,
    found: Candidates,
    own: VariantRecord,
    raced: Sequence[VariantRecord],
    constraints: tuple[Constraint, ...],
    train: ArrayFolder,
) -> Searched:
    """See `look`."""
    from paretune.search import Ground, search
    from paretune.search.journal import Journal
    from paretune.search.ledger import Ledger
    from paretune.search.search import FEWEST_SECONDS

    checkpoints = rundir.path / CHECKPOINTS
    checkpoints.mkdir(exist_ok=True)
    spending = Ledger(checkpoints / SPENT)
    example = context.search.tensors(slice(1))
    spending.baseline(context.model.module, example, samples=train.n)
    budget = context.request.budget_s
    after = kept(FINALISTS, budget) + kept_to_compare(budget, context.opening_s)
    score, yardstick = found.baseline.score, Yardstick.of(constraints)

    def judge(module: Any) -> float:
        try:
            made = judged(context, module, found.baseline_outputs)
        except InputError as error:  # such as the user's metric, which may not bear these outputs
            raise UnsupportedError(str(error)) from error
        if made is None:
            raise UnsupportedError("its outputs are not finite on the search split")
        return yardstick.good(made)

    price = context.request.price_per_hour
    journal, left = Journal(checkpoints), context.left(1 - after)
    # One that is refused, because too little time is left, has not begun.
    begins = "budget" in journal or left >= FEWEST_SECONDS
    begun = journal.once("budget", lambda: budget) if begins else budget
    if begun != budget:
        context.tell(
            "budget",
            f"the search goes on as it was begun, for a budget of {begun / 60:.3g} min: for one of "
            f"{budget / 60:.3g} give another --out",
        )
    threads = journal.once("threads", lambda: quickest_threads(raced))
    outcome = search(
        Ground(
            model=context.model,
            train=train,
            search=context.search,
            judge=judge,
            own=yardstick.own(score),
            least=yardstick.least(constraints, score),
            most_ms=most_ms(constraints, own),
            least_speed=least_speed(constraints, own, raced, price),
            target=context.target,
            engine=context.engine,
            store=context.store,
            checkpoints=checkpoints,
            settings=context.request.search_settings(context.target, threads),
            seed=context.request.seed,
            ledger=spending,
            progress=context.progress,
        ),
        seconds=left,
    )
    if outcome.reason:
        context.tell("fallback", outcome.reason)
    base = context.model.architecture
    models = {
        f"{base}+{one.name}": replace(
            context.model,
            name=f"{base}+{one.name}",
            module=one.module,
            digest=digest_of_module(one.module, context.model.inputs, " ".join(one.ids)),
        )
        for one in outcome.finalists
    }
    points = tuple(
        point.model_copy(update={"architecture": f"{base}+{point.architecture}"})
        for point in outcome.summary.points
    )
    return Searched(
        summary=outcome.summary.model_copy(
            update={"points": points, "judged_by": yardstick.figure}
        ),
        models=models,
        ids={f"{base}+{one.name}": one.ids for one in outcome.finalists},
        found=outcome,
        spending=spending,
        checkpoints=checkpoints,
    )


def judged(context: Context, module: Any, baseline: Outputs) -> Score | None:
    """Score of a module on the search split, in PyTorch and f32; None where it is not finite."""
    import torch

    rows = []
    # Not in inference mode: what a model remembers of its forward pass is trained with later.
    with torch.no_grad():
        size = context.search.at_once(JUDGED_AT_ONCE)
        for start in range(0, context.search.n, size):
            made = module(*context.search.tensors(slice(start, start + size)))
            first = made[0] if isinstance(made, tuple | list) else made
            rows.append(first.float().numpy())
    outputs = np.concatenate(rows)
    if not np.isfinite(outputs).all():
        return None
    return score_on(context, context.search, "search", outputs, baseline)
