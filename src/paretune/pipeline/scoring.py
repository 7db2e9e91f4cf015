"""Outputs of a program on a split, computed once and remembered."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping

import numpy as np

from paretune.core import Precision, Score, UnsupportedError, WorkerError
from paretune.data import ArrayFolder
from paretune.measure import score
from paretune.measure.accuracy import Outputs
from paretune.pipeline.context import Context
from paretune.runtimes.base import Program
from paretune.store import key_digest, paths

#: Calls of a session that are asked for at once.
PART = 256


def build_and_run(
    context: Context,
    runtime: str,
    precision: Precision,
    recipe: str = "",
    *,
    timeout: float | None = None,
) -> tuple[Program, dict[str, object], Outputs]:
    """A program, what identifies it, and its outputs on `search`.

    Raises:
        InputError: an output is not finite.
        UnsupportedError: it cannot be built or run.
    """
    device = context.device
    program = context.builds.build(runtime, precision, recipe, device=device, timeout=timeout)
    key = context.builds.key(runtime, precision, recipe, device)
    return program, key, outputs(context, program, key, context.search)


def outputs(
    context: Context, program: Program, key: Mapping[str, object], arrays: ArrayFolder
) -> Outputs:
    """First output of every sample, float32 (n, ...), from the store where it was computed before.

    Raises:
        InputError: an output is not finite.
        UnsupportedError: the program cannot be run.
    """
    identity = {"program": dict(key), "arrays": arrays.digest, "batch": context.request.batch}
    file = paths.home() / "outputs" / f"{key_digest(identity)[:24]}.npy"
    known = context.store.get("outputs", identity)
    if known is not None and file.exists():
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() == known["sha256"]:
            context.reused += 1
            return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
    variant = context.variant(program, context.threads)
    try:
        with context.open(program, variant) as host:
            # In parts, since a call that takes too long is given up.
            part = PART * context.request.batch
            result: Outputs = np.concatenate(
                [host.call("evaluate", arrays, row, part) for row in range(0, arrays.n, part)]
            )
    except WorkerError as error:
        raise UnsupportedError(f"running it failed: {error}") from error
    context.taken += 1
    buffer = io.BytesIO()
    np.save(buffer, result)
    content = buffer.getvalue()
    file.parent.mkdir(parents=True, exist_ok=True)
    paths.write_bytes_atomic(file, content)
    context.store.put("outputs", identity, {"sha256": hashlib.sha256(content).hexdigest()})
    return result


def score_on(
    context: Context, arrays: ArrayFolder, split: str, result: Outputs, baseline: Outputs
) -> Score:
    """The score of outputs on a split against the baseline's outputs there.

    Raises:
        UnsupportedError: the outputs have another shape than the baseline's.
    """
    if result.shape != baseline.shape:
        raise UnsupportedError(
            f"its outputs have shape {result.shape} where the baseline's have {baseline.shape}"
        )
    return score(
        context.metric,
        split,
        result,
        arrays.labels(),
        baseline,
        classifier=context.model.task == "classification",
        seed=context.request.seed,
    )
