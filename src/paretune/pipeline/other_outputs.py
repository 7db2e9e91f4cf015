"""Outputs after a model's first, which no constraint looks at: how near they stay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paretune.core import ParetuneError
from paretune.data import ArrayFolder
from paretune.measure.accuracy import Outputs, fidelity
from paretune.pipeline.candidates import Candidates
from paretune.pipeline.context import Candidate, Context

#: Samples that are compared: such outputs may be whole feature maps, which nobody stores.
SAMPLES = 64


def tell_others(
    context: Context, found: Candidates, chosen: Candidate, arrays: ArrayFolder
) -> None:
    """Say that the outputs after the first are held to nothing, and how near they are.

    Args:
        context: the run; told where its model has several outputs.
        found: has the baseline.
        chosen: what is handed back.
        arrays: inputs that no choice has seen.
    """
    names = [spec.name for spec in context.model.outputs]
    if len(names) < 2 or chosen is found.baseline:
        return
    try:
        baseline, ours = (_run(context, one, arrays) for one in (found.baseline, chosen))
    except ParetuneError as error:
        near = f"they could not be compared: {error}"
    else:
        pairs = zip(names, baseline, ours, strict=True)
        near = ", ".join(f"{name} {_nearness(a, b)}" for name, a, b in list(pairs)[1:])
        near = f"1 minus their error relative to the baseline's, {len(ours[0])} samples: {near}"
    context.tell(
        "outputs",
        f"constraints are held on the first of {len(names)} outputs, {names[0]}, and the others "
        f"go with it unguarded; {near}",
    )


def _run(context: Context, candidate: Candidate, arrays: ArrayFolder) -> Sequence[Outputs]:
    context.progress.step(f"other outputs: {candidate.program.runtime}")
    variant = context.variant(candidate.program, context.threads)
    with context.open(candidate.program, variant) as host:
        made: list[Outputs] = host.call("all_outputs", arrays, SAMPLES)
    return made


def _nearness(baseline: Outputs, ours: Outputs) -> str:
    """Mean fidelity of an output, as text."""
    if baseline.shape != ours.shape:
        return f"of another shape, {ours.shape} for {baseline.shape}"
    near = fidelity(ours.astype(np.float32), None, baseline.astype(np.float32)).mean()
    return f"{near:.3f}" if np.isfinite(near) else "not finite"
