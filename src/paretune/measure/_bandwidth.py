"""The copying end: how fast so many threads copy memory, by the size of what they work on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

#: Bytes between the starts of two copies that NumPy makes in one call: at a distance of none it
#: would turn its loops round.
STEP = 64
#: Bytes that a thread copies at least between two looks at the clock.
A_CALL = 32_000_000
#: Bursts at least, of which the best counts.
BURSTS = 3


class Copier:
    """Threads pinned to cores, each with buffers of its own.

    Args:
        cores: logical CPUs, one thread each.
    """

    def __init__(self, cores: Sequence[int]) -> None:
        self._cores = list(cores)

    def rate(self, size: int, seconds: float) -> float:
        """Bytes read and written a second by all threads together, best of the bursts.

        Args:
            size: bytes of all buffers together: sources and copies of every thread.
            seconds: to spend.
        """
        each = max(STEP, size // (2 * len(self._cores)) // 8 * 8)
        before = threading.Barrier(len(self._cores))
        end = time.perf_counter() + seconds
        spans: list[list[tuple[float, float]]] = [[] for _ in self._cores]
        turns = max(1, A_CALL // _windows(each).nbytes)

        def work(place: int, core: int) -> None:
            os.sched_setaffinity(0, [core])
            source, copy = _windows(each), _windows(each)
            while True:
                before.wait()
                start = time.perf_counter()
                for _ in range(turns):
                    np.copyto(copy, source)
                spans[place].append((start, time.perf_counter()))
                # All leave after the same burst: who comes last has seen the latest clock.
                if before.wait() == 0:
                    done.append(time.perf_counter() > end and len(spans[place]) >= BURSTS)
                before.wait()
                if done[-1]:
                    return

        done: list[bool] = []
        with ThreadPoolExecutor(len(self._cores)) as pool:
            list(pool.map(work, range(len(self._cores)), self._cores))
        moved = 2 * _windows(each).nbytes * turns * len(self._cores)
        bursts = zip(*spans, strict=True)
        spent = min(max(end for _, end in b) - min(start for start, _ in b) for b in bursts)
        return float(moved / spent)


def _windows(each: int) -> NDArray[np.float64]:
    """Windows of `each` bytes over one buffer, every one a little further on than the last.

    Together they are a quarter wider than one at most, and enough for one look at the clock.
    """
    walk = max(1, min(each // 4 // STEP, A_CALL // each))
    buffer = np.ones((each + walk * STEP) // 8 + 1)
    return np.lib.stride_tricks.as_strided(buffer, (walk, each // 8), (STEP, 8), writeable=True)
