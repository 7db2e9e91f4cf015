"""Measured latencies of architectures, compiled to int8 on the real target."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from paretune.core import Ci95, LayerTime, Model, Noun, ParetuneError, Target, WorkerError
from paretune.data import ArrayFolder
from paretune.engine import Actor, Engine
from paretune.measure import Standing
from paretune.runtimes.base import Program, Settings
from paretune.search.blocks import Block
from paretune.search.latency.attribution import Part, attribute
from paretune.search.space import Choice, Space
from paretune.store import Store

#: Seconds of interleaved timing of one network against the baseline.
SECONDS = 0.6
#: Raised when what is measured changes meaning, so that older readings are not reused.
FORMAT = 1


class Reading(Noun):
    """What was measured of one architecture.

    Attributes:
        options: ids of its options, in order.
        speed: the baseline's time over its own, both compiled to int8; above 1 is faster.
        ci95: of `speed`.
        shares: by option id, its share of the time of the network's layers as profiled; the empty
            name stands for what is in no block. Empty where it was not profiled or not told.
    """

    options: tuple[str, ...]
    speed: float
    ci95: Ci95
    shares: dict[str, float] = {}


class LatencyOracle:
    """Compiles and times architectures; remembers what it measured. Use as a context manager.

    Args:
        model: the baseline, with its module.
        blocks: its blocks.
        space: what they may become; `oracle.space` may be set to a part of it later.
        arrays: real inputs.
        target: the machine.
        engine: where compiling and timing happen.
        store: where readings are remembered.
        using: operators that the space was made with.
        settings: threads and batch of every network timed; all usable cores and 1 by default.
        folder: for its files, what a killed process left there removed; a temporary one by default.
    """

    def __init__(
        self,
        model: Model,
        blocks: Sequence[Block],
        space: Space,
        arrays: ArrayFolder,
        *,
        target: Target,
        engine: Engine,
        store: Store,
        using: Sequence[str] = (),
        settings: Settings | None = None,
        folder: Path | None = None,
    ) -> None:
        self._model, self.space, self._arrays = model, space, arrays
        self._target, self._engine, self._store = target, engine, store
        self._settings = settings or Settings(threads=target.usable_cores)
        self._start = partial(
            engine.actor,
            "paretune.search.latency._compiler:Compiler",
            model,
            tuple(blocks),
            arrays,
            tuple(using),
            self._settings.batch,
        )
        self._compiler: Actor | None = None
        self._timer: Actor | None = None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        self._folder = folder or Path(tempfile.mkdtemp(prefix="paretune-latency-"))
        self._count = 0

    def measure(self, choice: Choice, *, profile: bool = False) -> Reading:
        """Time one architecture against the baseline, in interleaved rounds.

        Args:
            choice: bool (m,).
            profile: also tell how its layers' time is shared among its options.

        Raises:
            ParetuneError: it cannot be compiled or run; one sentence.
        """
        options = tuple(option.id for option in self.space.chosen(choice))
        key = {
            "format": FORMAT,
            "model": self._model.digest,
            "signatures": [option.signature for option in self.space.chosen(choice)],
            "profile": profile,
            "inputs": self._arrays.digest,
            "threads": self._settings.threads,
            "batch": self._settings.batch,
            "target": self._target.digest,
        }
        known = self._store.get("search-latency", key)
        if known is not None:
            shares = dict(zip(("", *options), known["shares"], strict=False))
            return Reading(options=options, speed=known["speed"], ci95=known["ci95"], shares=shares)
        try:
            standing, shares = self._timed(choice, profile)
        except WorkerError:
            self._end()
            standing, shares = self._again(choice, profile)
        speed = standing.speed
        ordered = [shares[name] for name in ("", *options)] if shares else []
        self._store.put(
            "search-latency",
            key,
            {"speed": speed.value, "ci95": speed.ci95, "shares": ordered},
        )
        return Reading(options=options, speed=speed.value, ci95=speed.ci95, shares=shares)

    def baseline_ms(self) -> float:
        """Median latency of the baseline compiled to int8, milliseconds."""
        return float(self._timing().call("baseline_ms"))

    def costs(self) -> dict[str, tuple[int, int]]:
        """Multiply-accumulates and parameters of every option, by id."""
        try:
            found: dict[str, tuple[int, int]] = self._compile().call("costs")
        except WorkerError:
            self._end()
            found = self._compile().call("costs")
        return found

    def close(self) -> None:
        """End all processes and remove all files. Idempotent."""
        self._end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> LatencyOracle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self) -> None:
        for actor in (self._compiler, self._timer):
            if actor is not None:
                actor.close()
        self._compiler = self._timer = None

    def _again(self, choice: Choice, profile: bool) -> tuple[Standing, dict[str, float]]:
        """The same with fresh processes, which the next network is given, too, if these die."""
        try:
            return self._timed(choice, profile)
        except WorkerError:
            self._end()
            raise

    def _timed(self, choice: Choice, profile: bool) -> tuple[Standing, dict[str, float]]:
        """How an architecture comes off, and its options' shares where they are asked for."""
        timer = self._timing()
        program, parts = self._program(choice)
        try:
            shares = _shares(timer.call("layers", program), parts) if profile else {}
            return timer.call("screen", program, SECONDS), shares
        finally:
            shutil.rmtree(program.folder, ignore_errors=True)

    def _compile(self) -> Actor:
        if self._compiler is None:
            self._compiler = self._start()
        return self._compiler

    def _program(self, choice: Choice) -> tuple[Program, list[Part]]:
        self._count += 1
        folder = self._folder / f"{self._count}"
        folder.mkdir(parents=True)
        ids = [option.id for option in self.space.chosen(choice)]
        try:
            made: tuple[Program, list[Part]] = self._compile().call("program", ids, folder)
        except ParetuneError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return made

    def _timing(self) -> Actor:
        if self._timer is None:
            program, _ = self._program(self.space.baseline())
            self._timer = self._engine.actor(
                "paretune.search.latency._timer:Timer", program, self._settings, self._arrays
            )
        return self._timer


def _shares(layers: Sequence[LayerTime], parts: Sequence[Part]) -> dict[str, float]:
    """Each option's share of the profiled time; empty where it cannot be told."""
    found = attribute(layers, parts)
    if found is None:
        return {}
    total = sum(found.values())
    return {name: time / total for name, time in found.items()}
