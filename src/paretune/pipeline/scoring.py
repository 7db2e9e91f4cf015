"""Outputs of a program on a split, computed once and remembered."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping

import numpy as np

from paretune.core import InputError, Precision, Score, UnsupportedError, Variant, WorkerError
from paretune.data import ArrayFolder
from paretune.engine import Actor
from paretune.measure import score
from paretune.measure.accuracy import Outputs
from paretune.pipeline.context import Context
from paretune.runtimes.base import Program
from paretune.store import key_digest, paths

#: Calls of a session that are asked for at once.
PART = 256
#: Samples that PyTorch without a compiler answers in one call where that changes nothing: alone,
#: small networks spend nearly all their time between layers. Bounded by the bytes of its inputs.
AT_ONCE = 32
#: Share of the largest output by which answers may differ with what else is in the batch.
ALIKE = 1e-4


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
    result = _run(context, program, arrays)
    context.taken += 1
    buffer = io.BytesIO()
    np.save(buffer, result)
    content = buffer.getvalue()
    file.parent.mkdir(parents=True, exist_ok=True)
    paths.write_bytes_atomic(file, content)
    context.store.put("outputs", identity, {"sha256": hashlib.sha256(content).hexdigest()})
    return result


def _run(context: Context, program: Program, arrays: ArrayFolder) -> Outputs:
    """The outputs, computed now: several samples a call where that is quicker and the same.

    Raises:
        InputError, UnsupportedError: as `outputs`.
    """
    variant, batch = context.variant(program, context.threads), context.request.batch
    # In parts, since a call that takes too long is given up.
    part, many = PART * batch, _at_once(program, variant, arrays)
    while True:
        try:
            with context.open(program, variant) as host:
                if many > batch and not _alike(host, arrays, many):
                    many = batch
                parts = [
                    host.call("evaluate", arrays, row, part, many)
                    for row in range(0, arrays.n, part)
                ]
                return np.concatenate(parts)
        except (WorkerError, UnsupportedError, InputError) as error:
            if many > batch:
                many = batch
                continue
            if isinstance(error, WorkerError):
                raise UnsupportedError(f"running it failed: {error}") from error
            raise


def _at_once(program: Program, variant: Variant, arrays: ArrayFolder) -> int:
    """Samples a call: more than asked for where nothing was compiled for a number of them."""
    any_batch = program.payload is not None and program.max_batch is None
    if not any_batch or (variant.device, variant.precision) != ("cpu", "f32"):
        return variant.batch
    return max(variant.batch, arrays.at_once(AT_ONCE))


def _alike(host: Actor, arrays: ArrayFolder, many: int) -> bool:
    """Whether the first samples get the same answers together as they get alone."""
    alone = host.call("evaluate", arrays, 0, many)
    together = host.call("evaluate", arrays, 0, many, many)
    if alone.shape != together.shape:
        return False
    return bool(np.allclose(alone, together, rtol=0.0, atol=ALIKE * np.abs(alone).max(initial=0.0)))


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
