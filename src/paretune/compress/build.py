"""Programs by content: each is prepared once for a model, and found again by what went into it."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from paretune import runtimes
from paretune._version import __version__
from paretune.compress._travel import Export, obstacle
from paretune.compress._workshop import Cargo, Workshop
from paretune.core import Device, Model, Precision, Target, UnsupportedError, WorkerError
from paretune.data import ArrayFolder
from paretune.engine import Engine
from paretune.runtimes.base import Program
from paretune.store import Store, key_digest, paths

#: Raised when what `prepare` writes changes meaning, so that older programs are not reused.
FORMAT = 4


class Builds:
    """Prepares and remembers programs of one model.

    Args:
        model: the model.
        calibration: inputs for int8, or None where int8 is not wanted.
        target: the machine; versions and ISA are part of a program's identity.
        engine: where preparing happens.
        store: where finished programs are remembered.
        workshop: the process that prepares; one of its own by default, which `close` ends.
    """

    def __init__(
        self,
        model: Model,
        calibration: ArrayFolder | None,
        *,
        target: Target,
        engine: Engine,
        store: Store,
        workshop: Workshop | None = None,
    ) -> None:
        self._model = model
        self._calibration = calibration
        self._target = target
        self._engine = engine
        self._store = store
        self._borrowed = workshop is not None
        self._workshop = workshop or Workshop(engine)
        why = "" if model.module is None else obstacle(model.module)
        self._export = Export(model, why) if why else None
        self._cargo: Cargo = (
            (model, calibration, None)
            if self._export is None
            else (replace(model, module=None), calibration, self._export.file)
        )
        #: What the user must know of how the model is built, empty where there is nothing.
        self.fallback = (
            f"the module cannot be sent to another process ({why}): its exported program is "
            "measured in its place"
            if why
            else ""
        )

    def key(
        self, runtime: str, precision: Precision, recipe: str, device: Device
    ) -> dict[str, Any]:
        """Everything that decides what a program is."""
        wanted = runtimes.get(runtime).packages
        if self._model.module is not None:  # which PyTorch converts first
            wanted = tuple(dict.fromkeys((*wanted, "torch")))
        versions: Mapping[str, str] = self._target.versions
        arrays = self._calibration if precision == "int8" else None
        return {
            "format": FORMAT,
            "paretune": __version__,  # what prepares programs changes with every version
            "model": self._model.digest,
            "exported": self._export is not None,
            "runtime": runtime,
            "precision": precision,
            "recipe": recipe,
            "device": device,
            "calibration": None if arrays is None else arrays.digest,
            "versions": {name: versions.get(name, "") for name in wanted},
            "isa": list(self._target.isa),
        }

    def build(
        self,
        runtime: str,
        precision: Precision,
        recipe: str = "",
        *,
        device: Device = "cpu",
        timeout: float | None = None,
    ) -> Program:
        """The program, prepared now or found in the store.

        Args:
            timeout: seconds after which preparing is given up.

        Raises:
            UnsupportedError: the runtime cannot, crashed, or took too long; one sentence.
        """
        key = self.key(runtime, precision, recipe, device)
        digest = key_digest(key)[:24]
        folder = paths.programs() / digest
        known = self._store.get("program", key)
        if known is not None and "unsupported" in known:
            raise UnsupportedError(str(known["unsupported"]))
        if known is not None:
            program = self._remembered(known, folder)
            if folder.is_dir() and all((folder / name).is_file() for name in program.files):
                return program
            shutil.rmtree(folder, ignore_errors=True)  # somebody took files of it away
        try:
            program = self._prepare(runtime, precision, recipe, device, digest, timeout)
        except UnsupportedError as error:
            if not error.passing:
                self._store.put("program", key, {"unsupported": str(error)})
            raise
        except WorkerError as error:  # a crash, the clock, no memory: not the model's, not kept
            self._workshop.close()  # the next program gets a fresh process
            raise UnsupportedError(f"preparing it failed: {error}") from error
        payload = program.payload is not None
        record = program.model_copy(update={"payload": None})
        self._store.put("program", key, {"program": record, "payload": payload})
        return program

    def _remembered(self, known: Mapping[str, Any], folder: Path) -> Program:
        """A program from the store; a payload is never written, so it is made again."""
        program = Program.model_validate(known["program"] | {"folder": str(folder)})
        if known["payload"]:
            payload = pickle.dumps(self._model.module, protocol=5)
            program = program.model_copy(update={"payload": payload})
        return program

    def _prepare(
        self,
        runtime: str,
        precision: Precision,
        recipe: str,
        device: Device,
        digest: str,
        timeout: float | None,
    ) -> Program:
        """Prepare in the builder process, in a folder that appears only when it is whole."""
        final = paths.programs() / digest
        with paths.folder_atomic(final, exist_ok=True) as folder:
            program: Program = self._workshop.holding(self._cargo).call(
                "prepare", runtime, precision, recipe, device, folder, timeout=timeout
            )
        return program.model_copy(update={"folder": final})

    def of(self, model: Model, calibration: ArrayFolder | None) -> Builds:
        """Programs of another model, prepared in the same process as this one's."""
        return Builds(
            model,
            calibration,
            target=self._target,
            engine=self._engine,
            store=self._store,
            workshop=self._workshop,
        )

    def close(self) -> None:
        """End the process, unless it is another's. Idempotent."""
        if not self._borrowed:
            self._workshop.close()

    def __enter__(self) -> Builds:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
