"""The measuring end: lives in a process of its own and holds one loaded session.

Everything timed happens here, so nothing but the call itself lies between two clock readings.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paretune import runtimes
from paretune.core import InputError, LayerTime, UnsupportedError
from paretune.data import ArrayFolder
from paretune.runtimes.base import Array, Feeds, Program, Session, Settings

#: Calls that refill the caches after another process used them, before the clock counts: both
#: minima must be met, so a slow model settles in one call and a tiny one in many.
SETTLE_CALLS = 1
SETTLE_SECONDS = 0.002
#: Calls that a burst times at least, and makes at least.
TIMED_CALLS = 3
LEAST_CALLS_OF_A_BURST = SETTLE_CALLS + TIMED_CALLS
#: Calls that each of several streams ends at least: the first covers the ramp-up.
FEWEST_ENDS = 3
#: Runtimes' threads spin on after the last call (ONNX Runtime's for over 30 ms, OpenMP's for some
#: ms) and would take a core from whoever is timed next: a host answers only when none is running.
#: Seconds between looks, and after which it answers all the same.
QUIET_LOOK, QUIET_LIMIT = 0.0005, 0.5


class SessionHost:
    """One program, loaded and pinned, answering timing and scoring requests.

    Args:
        program: what to load.
        settings: threads, streams, batch, device.
        cores: logical CPUs this process is pinned to, empty for no pinning.
        feeds: the inputs every timed call uses, batch on axis 0.
    """

    def __init__(
        self, program: Program, settings: Settings, cores: Sequence[int], feeds: Feeds
    ) -> None:
        if cores:
            os.sched_setaffinity(0, cores)  # before any runtime starts its threads
        self._settings = settings
        self._feeds = feeds
        self._session = runtimes.get(program.runtime).load(program, settings)
        # How it came here is no part of what it needs, and is gone once this call is answered.
        self._forget = program.payload is not None
        self._program = program.model_copy(update={"payload": None})
        self._calls = [self._session.bind(feeds, stream) for stream in range(settings.streams)]

    def warm_up(self, seconds: float, calls: int = 5) -> float:
        """Call until both `seconds` and `calls` are used up; milliseconds of the last call."""
        if self._forget:
            gc.collect()
            _forget_peak()
            self._forget = False
        call, end = self._calls[0], time.perf_counter() + seconds
        last, done = 0.0, 0
        while done < calls or time.perf_counter() < end:
            start = time.perf_counter_ns()
            call()
            last = (time.perf_counter_ns() - start) / 1e6
            done += 1
        _quieten()
        return last

    def burst(self, seconds: float, min_calls: int = TIMED_CALLS) -> NDArray[np.int64]:
        """Nanoseconds of each call in a row of calls, after settling the caches.

        Returns:
            int64 (calls,), at least `min_calls` long.
        """
        call, clock = self._calls[0], time.perf_counter_ns
        times: list[int] = []
        gc.disable()
        try:
            settled = clock() + int(SETTLE_SECONDS * 1e9)
            count = 0
            while count < SETTLE_CALLS or clock() < settled:
                call()
                count += 1
            end = clock() + int(seconds * 1e9)
            now = clock()
            while len(times) < min_calls or now < end:
                start = clock()
                call()
                now = clock()
                times.append(now - start)
        finally:
            gc.enable()
        _quieten()
        return np.asarray(times, dtype=np.int64)

    def batch(self) -> int:
        """Samples in one call."""
        return self._settings.batch

    def concurrent(self, seconds: float) -> tuple[int, float, NDArray[np.int64]]:
        """Keep every stream busy; (samples finished, seconds they took, nanoseconds of each call).

        Only calls that end inside the window count; every stream runs until all have seen its end,
        so that the last counted calls were made under full load. Where calls are slow the window
        lasts until each stream has ended `FEWEST_ENDS` of them.
        """
        started = threading.Barrier(len(self._calls) + 1)
        stop = threading.Event()
        ends: list[list[int]] = [[] for _ in self._calls]
        failures: list[BaseException] = []

        def drive(call: Callable[[], object], finished: list[int]) -> None:
            started.wait()
            try:
                while not stop.is_set():
                    call()
                    finished.append(time.perf_counter_ns())
            except BaseException as error:  # re-raised below, in the caller's thread
                failures.append(error)

        threads = [
            threading.Thread(target=drive, args=pair, daemon=True)
            for pair in zip(self._calls, ends, strict=True)
        ]
        for thread in threads:
            thread.start()
        started.wait()
        time.sleep(seconds)
        while not failures and min(map(len, ends)) < FEWEST_ENDS:
            time.sleep(QUIET_LOOK)
        stop.set()
        for thread in threads:
            thread.join()
        _quieten()
        if failures:
            raise failures[0]
        # Each stream's first call covers the ramp-up; its rate counts between its own completions.
        times = [np.diff(np.asarray(finished, dtype=np.int64)) for finished in ends]
        window = float(np.mean([calls.sum() for calls in times])) / 1e9
        return sum(map(len, times)) * self._settings.batch, window, np.concatenate(times)

    def evaluate(
        self,
        arrays: ArrayFolder,
        begin: int = 0,
        most: int | None = None,
        at_once: int | None = None,
    ) -> Array:
        """First output of samples in order, float32 (n, ...).

        Args:
            arrays: all samples.
            begin: the first one.
            most: how many, all that follow by default.
            at_once: samples a call, by default as many as the session was opened for.

        Raises:
            InputError: an output is not finite.
            UnsupportedError: the session answers no calls of that many.
        """
        batch, session = self._settings.batch, self._session
        if at_once is not None and at_once != batch:
            batch, session = at_once, session.of_batch(at_once)
        outputs: list[Array] = []
        stop = arrays.n if most is None else min(begin + most, arrays.n)
        for start in range(begin, stop, batch):
            end = min(start + batch, stop)
            first = _padded(session, arrays.feeds(start, end), batch)[0]
            outputs.append(np.asarray(first[: end - start], dtype=np.float32))
        result = np.concatenate(outputs)
        finite = np.isfinite(result.reshape(len(result), -1)).all(axis=1)
        if not finite.all():
            count = int((~finite).sum())
            raise InputError(
                f"the model output is NaN or infinite for {count} of {len(result)} samples"
                f" (first: sample {begin + int(np.argmin(finite))}): check weights and "
                "preprocessing"
            )
        return result

    def all_outputs(self, arrays: ArrayFolder, most: int) -> list[Array]:
        """Every output of the first `most` samples, in call order: those of all calls in a row.

        A number that belongs to no sample, such as a loss, comes once a call.
        """
        batch, count = self._settings.batch, min(most, arrays.n)
        made: list[list[Array]] = []
        for start in range(0, count, batch):
            end = min(start + batch, count)
            outputs = _padded(self._session, arrays.feeds(start, end), batch)
            made.append([np.atleast_1d(o)[: end - start] for o in outputs])
        return [np.concatenate(parts) for parts in zip(*made, strict=True)]

    def layers(self) -> list[LayerTime]:
        """Per-layer times on the bound inputs; the session must be loaded with `profile`."""
        return self._session.layers(self._feeds)

    def peak_memory_mb(self) -> float:
        """Peak resident memory of this process so far, MB (10^6 bytes).

        Where the module itself was sent here, from the first warm-up on.
        From VmHWM, which belongs to this process alone (`ru_maxrss` survives fork and exec).
        """
        with Path("/proc/self/status").open(encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
        raise UnsupportedError("this system does not report peak memory in /proc/self/status")

    @property
    def session(self) -> Session:
        """The loaded session, for use inside this process."""
        return self._session


def _forget_peak() -> None:
    """Count `peak_memory_mb` from here on, where the kernel lets a process do so."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _quieten() -> None:
    """Wait until no other thread of this process is running.

    Thread states are looked at because CPU clocks of other threads only move with the kernel's
    tick, which is as long as the spinning.
    """
    end = time.perf_counter() + QUIET_LIMIT
    while time.perf_counter() < end:
        time.sleep(QUIET_LOOK)
        if not _others_running():
            return


def _others_running() -> bool:
    """Whether a thread of this process other than the caller's is running, by Linux's /proc."""
    me = str(threading.get_native_id())
    for task in Path("/proc/self/task").iterdir():
        try:
            state = (task / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if state == "R" and task.name != me:
            return True
    return False


def _padded(session: Session, feeds: Feeds, batch: int) -> list[Array]:
    """Outputs of up to `batch` samples; a short last batch is filled up, and so they are."""
    count = len(next(iter(feeds.values())))
    if count < batch:
        feeds = {
            name: np.concatenate([array, np.repeat(array[-1:], batch - count, axis=0)])
            for name, array in feeds.items()
        }
    return session.run(feeds)
