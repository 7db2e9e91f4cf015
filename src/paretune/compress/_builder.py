"""The building end: prepares programs in a process of its own, which a runtime may crash."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from paretune import runtimes
from paretune.core import Device, Model, Precision, UnsupportedError, WorkerError
from paretune.data import ArrayFolder
from paretune.runtimes._common import fixed_batch
from paretune.runtimes.base import Program


class Builder:
    """Holds one model at a time and prepares programs of it."""

    def hold(
        self, model: Model, calibration: ArrayFolder | None, exported: Path | None = None
    ) -> None:
        """Take a model in place of the one before.

        Args:
            model: the model, with its module where it has one.
            calibration: representative inputs for int8, or None.
            exported: the exported program of a module that could not be sent along.
        """
        if exported is not None:
            model = replace(model, module=runtimes.read_exported(exported))
        self._model = model
        self._calibration = calibration

    def prepare(
        self, runtime: str, precision: Precision, recipe: str, device: Device, folder: Path
    ) -> Program:
        """See `Runtime.prepare`; calibration feeds have a batch of 1, or the only one it takes.

        Raises:
            UnsupportedError: it cannot be done for this model.
            WorkerError: memory or the disk ran out, which another time need not happen.
        """
        arrays = self._calibration if precision == "int8" else None
        each = fixed_batch([spec.shape for spec in self._model.inputs]) or 1
        count = 0 if arrays is None else arrays.n // each
        feeds = [] if arrays is None else [*islice(arrays.batches(each), count)]
        try:
            return runtimes.get(runtime).prepare(
                self._model, precision, folder, recipe=recipe, calibration=feeds, device=device
            )
        except UnsupportedError as error:
            if _comes_of(error, MemoryError, OSError):
                raise WorkerError(str(error)) from error
            if _comes_of(error, ImportError):  # what is not installed may be tomorrow
                raise UnsupportedError(str(error), passing=True) from error
            raise


def _comes_of(error: BaseException, *kinds: type[BaseException]) -> bool:
    """Whether one of these caused it: the machine's state and not the model."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, kinds):
        cause = cause.__cause__
    return cause is not None
