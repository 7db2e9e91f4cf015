"""The one face that every runtime shows.

A runtime does two things, each in whatever process the caller chose: `prepare` turns a model into
a `Program` (files in a folder: converted, compiled ahead or quantised), and `load` opens a program
as a `Session` that answers calls. A program is plain data, so it travels between processes and
into artifacts; a session never leaves its process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from paretune.core import Device, LayerTime, Model, Noun, Precision, Target, TensorSpec, Variant

Array = NDArray[Any]
Feeds = Mapping[str, Array]


class Program(Noun):
    """A model made ready for one runtime at one precision: plain data plus files in a folder.

    Attributes:
        runtime: name of the runtime that prepared it and can load it.
        precision: what it computes in where the runtime can.
        recipe: the quantisation recipe of an int8 program.
        folder: where its files are; a program is moved by moving the folder.
        files: file names in `folder`, the main one first.
        inputs: every input, in call order; dynamic axes are None.
        outputs: every output, in order.
        max_batch: largest batch it accepts, None for any.
        needs_isa: instruction sets it cannot run without (one of them suffices).
        needs_code: why its files alone cannot be run, so that whoever has the model's code must
            load them; empty where they can.
        payload: in-memory form for the torch-eager runtime only: the pickled module, which
            travels from a process to its own child over a private pipe and is never written.
    """

    runtime: str
    precision: Precision
    recipe: str = ""
    folder: Path
    files: tuple[str, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch: int | None = None
    needs_isa: tuple[str, ...] = ()
    needs_code: str = ""
    payload: bytes | None = None

    @property
    def size_mb(self) -> float:
        """Size of the files on disk, MB (10^6 bytes)."""
        return sum((self.folder / name).stat().st_size for name in self.files) / 1e6


class Settings(Noun):
    """How a program is to be run.

    Attributes:
        threads: CPU threads of all streams together.
        streams: calls in flight at once; `Session.bind` takes a stream index below it.
        batch: samples in one call; inputs are compiled for it where the runtime can.
        device: `cpu` or `cuda`.
        profile: keep per-layer times (slows calls down; never while timing).
    """

    threads: int = 1
    streams: int = 1
    batch: int = 1
    device: Device = "cpu"
    profile: bool = False

    @classmethod
    def of(cls, variant: Variant, *, profile: bool = False) -> Settings:
        """How a variant is run."""
        return cls(
            threads=variant.threads,
            streams=variant.streams,
            batch=variant.batch,
            device=variant.device,
            profile=profile,
        )


class Session(ABC):
    """A loaded program. Not thread-safe, except that different streams may run at once."""

    @abstractmethod
    def run(self, feeds: Feeds, stream: int = 0) -> list[Array]:
        """Outputs in order, as arrays the caller owns.

        Args:
            feeds: every input by name, batch on axis 0, in the dtypes of the program's inputs.
            stream: which of the session's streams runs it.
        """

    @abstractmethod
    def bind(self, feeds: Feeds, stream: int = 0) -> Callable[[], object]:
        """A call with fixed inputs, for timing: one call of it is one inference.

        The returned callable does what a caller who already holds the inputs in memory would do
        and no more; it returns when the outputs are ready to be read.
        """

    def layers(self, feeds: Feeds, calls: int = 20) -> list[LayerTime]:
        """Mean time of each executed layer, in execution order.

        Raises:
            UnsupportedError: the runtime does not tell.
        """
        from paretune.core import UnsupportedError

        raise UnsupportedError(f"{type(self).__name__} reports no per-layer times")

    def of_batch(self, batch: int) -> Session:
        """The same program, in the same memory, for calls of `batch` samples.

        Raises:
            UnsupportedError: it was loaded for its own batch alone.
        """
        from paretune.core import UnsupportedError

        raise UnsupportedError(f"{type(self).__name__} answers calls of one batch alone")

    def close(self) -> None:  # noqa: B027 - most sessions have nothing to give back
        """Give back what the session holds."""


class Runtime(ABC):
    """One way to execute models. Stateless; heavy imports happen inside its methods."""

    name: ClassVar[str]
    #: Distributions whose versions decide its speed and results, the main one first.
    packages: ClassVar[tuple[str, ...]]
    #: How to get it when it is missing, as a pip argument.
    install: ClassVar[str]

    @abstractmethod
    def precisions(self, target: Target, device: Device) -> tuple[Precision, ...]:
        """Precisions worth trying on that target: bf16 only where the CPU has it in hardware."""

    def isa_environment(self, cap: str) -> Mapping[str, str] | None:
        """Variables that keep its processes within an ISA cap, None where nothing does.

        Args:
            cap: one of `paretune.engine.machine.ISA_CAPS`.
        """
        return None

    @abstractmethod
    def recipes(self) -> tuple[str, ...]:
        """Names of its int8 quantisation recipes, the one to try first leading."""

    @abstractmethod
    def prepare(
        self,
        model: Model,
        precision: Precision,
        folder: Path,
        *,
        recipe: str = "",
        calibration: Sequence[Feeds] = (),
        device: Device = "cpu",
    ) -> Program:
        """Make `model` ready in `folder` (exists, empty, private to this program).

        Args:
            calibration: representative feeds, batch on axis 0, for int8.

        Raises:
            UnsupportedError: it cannot be done for this model; one sentence says why.
        """

    @abstractmethod
    def load(self, program: Program, settings: Settings) -> Session:
        """Open a program in this process; sets this process's thread counts.

        Raises:
            UnsupportedError: it cannot be run with these settings; one sentence says why.
        """


def as_feeds(inputs: Sequence[TensorSpec], arrays: Sequence[Array]) -> dict[str, Array]:
    """Pair arrays with inputs in order, cast to each input's dtype and made contiguous."""
    return {
        spec.name: np.ascontiguousarray(array, dtype=spec.dtype)
        for spec, array in zip(inputs, arrays, strict=True)
    }
