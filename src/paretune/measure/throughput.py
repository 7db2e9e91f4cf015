"""Throughput at saturation: streams and batch are grown until more of them buys nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from paretune.core import Estimate, Progress, Silent
from paretune.engine import Actor
from paretune.measure.interleave import THROUGHPUT, run_rounds

#: A doubling of streams or batch that gains less than this is saturation.
WORTH = 1.03


def saturate(
    opener: Callable[[int], Actor],
    *,
    limit: int,
    seconds: float,
    start: int = 1,
    progress: Progress | None = None,
) -> Iterator[tuple[int, Estimate, bool]]:
    """Double a size (streams or batch) until throughput stops growing.

    Each size is timed in interleaved rounds against the best one so far, so that a machine that
    slows down meanwhile is not taken for saturation.

    Args:
        opener: size -> a warmed-up actor of `SessionHost` that runs at that size.
        limit: largest size to try.
        seconds: time for each size.
        start: first size.
        progress: told of each size.

    Yields:
        (size, samples per second, whether it is the best so far) for every size tried, growing;
        the last one yielded as best is the saturation point.
    """
    told = progress or Silent()
    told.step(f"size {start}")
    best = opener(start)
    try:
        rounds = run_rounds({"best": best}, seconds=seconds, probe=THROUGHPUT)
        yield start, rounds.throughput("best"), True
        size = start * 2
        while size <= limit:
            told.step(f"size {size}")
            larger = opener(size)
            pair = {"best": best, "larger": larger}
            rounds = run_rounds(pair, seconds=seconds, probe=THROUGHPUT)
            gain = rounds.ratio("best", "larger")
            grew = gain.value >= WORTH
            if grew:
                best, larger = larger, best
            larger.close()
            yield size, rounds.throughput("larger"), grew
            if not grew:
                return
            size *= 2
    finally:
        best.close()
