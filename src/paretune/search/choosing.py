"""From predictions to the few architectures that are trained whole: solve, time, spread."""

from __future__ import annotations

import time

import numpy as np

from paretune.core import Ci95, Noun, ParetuneError, Progress
from paretune.search.accuracy import AccuracySurrogate
from paretune.search.finish import rung_sizes
from paretune.search.latency import LEAST, LatencyModel, LatencyOracle
from paretune.search.solve import front, reach, refine
from paretune.search.space import Choice, Space

#: Budgets of the integer programme, and architectures a budget.
POINTS, DIVERSE = 16, 2
#: Architectures that are trained whole: fewest, most, and seconds of the finish that one is worth.
FEWEST_PICKS, MOST_PICKS, PICK_SECONDS = 6, 10, 200.0
#: How many come through.
KEEP_PICKS = 2
#: Share of the finish that scoring them may take, and share in which they are timed.
SCORING, TIMING = 0.5, 0.25
#: By how much they must be faster than the baseline.
LEAST_SPEED = 1.2
#: Evaluations of the genetic search.
EVALUATIONS = 4000


class Pick(Noun):
    """An architecture to train whole.

    Attributes:
        name: short name.
        ids: its options, in order.
        predicted: its speed against the baseline as predicted.
        speed: as measured.
        ci95: of `speed`.
        loss: predicted divergence, nats, with its 90 % interval.
        loss_ci90: of `loss`.
    """

    name: str
    ids: tuple[str, ...]
    predicted: float
    speed: float
    ci95: Ci95
    loss: float
    loss_ci90: Ci95


def most_picks(seconds: float, look: float) -> int:
    """How many architectures a finish has time for.

    Args:
        seconds: of the finish.
        look: seconds that scoring one takes, and the least that it may be trained for: where
            models or data are large, many times the training that there is time for.
    """
    n = round(min(max(seconds / PICK_SECONDS, FEWEST_PICKS), MOST_PICKS))
    while n > 1 and look * sum(rung_sizes(n, keep=KEEP_PICKS)) > SCORING * seconds:
        n -= 1
    return n


def pick(
    space: Space,
    latency: LatencyModel,
    surrogate: AccuracySurrogate,
    oracle: LatencyOracle,
    told: Progress,
    seconds: float,
    *,
    most: int = MOST_PICKS,
    least: float = LEAST_SPEED,
    seed: int = 0,
) -> list[Pick]:
    """The architectures to train whole, fastest last.

    The integer programme finds the best additive ones at many budgets; the genetic search goes on
    from there with the surrogate as it is, which is not additive; the front of both is thinned to
    a few at spread latencies, and these are timed, because predictions only rank.

    Args:
        space: usable options.
        latency: predicts times relative to the baseline's.
        surrogate: predicts divergence.
        oracle: measures.
        told: told every network.
        seconds: of the finish, of which timing takes a part.
        most: how many can be trained; twice as many are timed, as far as there is time.
        least: by how much each must be faster than the baseline. Where none that was timed is, the
            fastest one is taken, which is as near as the space comes.
        seed: of the genetic search.

    Raises:
        ParetuneError: none of those to be timed can be.
    """
    timed = 2 * most

    def objectives(rows: Choice) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.column_stack([latency.predict(rows), surrogate.predict(rows).mean])

    seeds = front(
        space,
        loss=surrogate.linear(),
        latency=latency.weights,
        base_latency=max(latency.intercept, LEAST - reach(space, latency.weights).low),
        points=POINTS,
        diverse=DIVERSE,
    )
    rows = refine(
        space,
        objectives=objectives,
        seeds=np.stack(seeds),
        evaluations=EVALUATIONS,
        random=np.random.default_rng(seed),
    )
    rows = rows[np.argsort(-latency.predict(rows))]
    times = latency.predict(rows)
    # Nobody is left out by what predictions err by; slowest first, so the last is the fastest.
    margin = 1 + 2 * latency.error
    promising = times < margin / LEAST_SPEED
    rows, times = rows[promising], times[promising]
    serving = times < margin / least
    rows = rows[serving] if serving.any() else rows[-1:]
    told.stage("time what was found", min(timed, len(rows)))
    found: list[Pick] = []
    failed: ParetuneError | None = None
    end = time.monotonic() + TIMING * seconds
    for place in _places(len(rows), timed):
        if len(found) >= min(most, FEWEST_PICKS) and time.monotonic() > end:
            told.note(f"{len(found)} of {min(timed, len(rows))} were timed, then time was up")
            break
        told.step(space.name(rows[place])[:60])
        try:
            reading = oracle.measure(rows[place])
        except ParetuneError as error:
            told.note(f"an architecture cannot be timed and is left out: {error}")
            failed = error
            continue
        predicted = surrogate.predict(rows[place])
        found.append(
            Pick(
                name="",
                ids=reading.options,
                predicted=float(1 / latency.predict(rows[place])[0]),
                speed=reading.speed,
                ci95=reading.ci95,
                loss=float(predicted.mean[0]),
                loss_ci90=(float(predicted.low[0]), float(predicted.high[0])),
            )
        )
    if failed is not None and not found:
        raise failed
    faster = [p for p in found if p.speed > LEAST_SPEED]
    nearest = sorted(faster, key=lambda p: p.speed)[-1:]
    return _spread([p for p in faster if p.speed >= least] or nearest, most)


def _places(n: int, most: int) -> list[int]:
    """At most so many places among `n`, evenly spread, and the first few of them are as well.

    The last comes first; after that the order is van der Corput's (1935), by bits read backwards.
    """
    places = np.linspace(n - 1, 0, min(n, most)).round().astype(int).tolist()
    bits = len(places).bit_length()
    order = sorted(range(len(places)), key=lambda i: f"{i:0{bits}b}"[::-1])
    return [places[i] for i in order]


def _spread(found: list[Pick], most: int) -> list[Pick]:
    """At most `most` that none beats in both speed and loss, at evenly spread speeds, named."""
    best = [p for p in found if not any(q.speed > p.speed and q.loss < p.loss for q in found)]
    best.sort(key=lambda p: p.speed)
    if len(best) > most:
        wanted = np.geomspace(best[0].speed, best[-1].speed, most)
        places = {int(np.argmin([abs(np.log(p.speed / w)) for p in best])) for w in wanted}
        best = [best[place] for place in sorted(places)]
    return [one.model_copy(update={"name": f"s{i + 1}"}) for i, one in enumerate(best)]
