"""The timing end: the baseline and one network after another in a single process.

Both run in the same runtime, one at a time, so they share its thread pool and a process of their
own would only cost its start. What is claimed in the end is timed with a process for each.
"""

from __future__ import annotations

from typing import Any

from paretune.core import LayerTime
from paretune.data import ArrayFolder
from paretune.engine import Actor
from paretune.measure import Standing, screen
from paretune.measure._host import LEAST_CALLS_OF_A_BURST, SessionHost
from paretune.measure.host import WARM_UP_SECONDS, feeds_of, pinned_cores
from paretune.runtimes.base import Program, Settings

#: Rounds at least, and the calls of either program that they come to: a slow program's calls are
#: long, and noise of a shared machine averages out within each.
ROUNDS = 4
LEAST_CALLS = 2 * ROUNDS * LEAST_CALLS_OF_A_BURST


class _Here(Actor):
    """A session host in this process, behind the face of one in another."""

    def __init__(self, host: SessionHost) -> None:
        self._host = host

    def call(self, method: str, /, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Call it directly."""
        return getattr(self._host, method)(*args, **kwargs)

    def close(self) -> None:
        """Give back what the session holds."""
        self._host.session.close()


class Timer:
    """Holds the baseline's program, to time others against.

    Args:
        program: the baseline's.
        settings: threads and batch of all of them.
        arrays: inputs.
    """

    def __init__(self, program: Program, settings: Settings, arrays: ArrayFolder) -> None:
        self._settings = settings
        self._feeds = feeds_of(arrays, settings.batch)
        self._cores = pinned_cores(settings.threads)
        self._reference = self._open(program)

    def screen(self, program: Program, seconds: float) -> Standing:
        """How a program stands against the baseline."""
        return screen(
            self._reference, lambda: self._open(program), seconds=seconds, min_rounds=ROUNDS
        )

    def layers(self, program: Program) -> list[LayerTime]:
        """A program's time by layer."""
        with self._open(program, profile=True) as host:
            found: list[LayerTime] = host.call("layers")
        return found

    def baseline_ms(self) -> float:
        """Median time of the baseline's calls in five bursts, milliseconds."""
        times = sorted(t for _ in range(5) for t in self._reference.call("burst", 0.1))
        return float(times[len(times) // 2]) / 1e6

    def _open(self, program: Program, *, profile: bool = False) -> Actor:
        settings = self._settings.model_copy(update={"profile": profile})
        host = SessionHost(program, settings, self._cores, self._feeds)
        host.warm_up(WARM_UP_SECONDS)
        return _Here(host)
