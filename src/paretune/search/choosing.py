"""From predictions to the few architectures that are trained whole: solve, time, spread."""

from __future__ import annotations

import numpy as np

from paretune.core import Ci95, Noun, ParetuneError, Progress
from paretune.search.accuracy import AccuracySurrogate
from paretune.search.latency import LatencyModel, LatencyOracle
from paretune.search.solve import front, nondominated, refine
from paretune.search.space import Choice, Space

#: Budgets of the integer programme, and architectures a budget.
POINTS, DIVERSE = 16, 2
#: Architectures that are trained whole: fewest, most, and seconds of the finish that one is worth.
FEWEST_PICKS, MOST_PICKS, PICK_SECONDS = 6, 10, 200.0
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


def pick(
    space: Space,
    latency: LatencyModel,
    surrogate: AccuracySurrogate,
    oracle: LatencyOracle,
    told: Progress,
    seconds: float,
    *,
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
        seconds: of the finish, which say how many can be trained.
        least: by how much each must be faster than the baseline. Where none that was timed is, the
            fastest one is taken, which is as near as the space comes.
        seed: of the genetic search.
    """
    most = round(min(max(seconds / PICK_SECONDS, FEWEST_PICKS), MOST_PICKS))
    timed = 2 * most

    def objectives(rows: Choice) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.column_stack([latency.predict(rows), surrogate.predict(rows).mean])

    seeds = front(
        space,
        loss=surrogate.linear(),
        latency=latency.weights,
        base_latency=max(latency.intercept, 1e-3 - _fastest(space, latency)),
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
    values = objectives(rows)
    rows = rows[nondominated(values)]
    rows = rows[np.argsort(-latency.predict(rows))]
    times = latency.predict(rows)
    # Nobody is left out by what predictions err by; slowest first, so the last is the fastest.
    margin = 1 + 2 * latency.error
    promising = times < margin / LEAST_SPEED
    rows, times = rows[promising], times[promising]
    serving = times < margin / least
    rows = rows[serving] if serving.any() else rows[-1:]
    told.stage("time what was found", min(timed, len(rows)))
    found = []
    for place in np.unique(np.linspace(0, len(rows) - 1, timed).round().astype(int)):
        if len(rows) == 0:
            break
        told.step(space.name(rows[place])[:60])
        try:
            reading = oracle.measure(rows[place])
        except ParetuneError as error:
            told.note(f"an architecture cannot be timed and is left out: {error}")
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
    faster = [p for p in found if p.speed > LEAST_SPEED]
    nearest = sorted(faster, key=lambda p: p.speed)[-1:]
    return _spread([p for p in faster if p.speed >= least] or nearest, most)


def _fastest(space: Space, latency: LatencyModel) -> float:
    """Least sum of option weights over a covering of the blocks."""
    least = [0.0] * (space.blocks + 1)
    for block in reversed(range(space.blocks)):
        least[block] = min(
            latency.weights[p] + least[space.options[p].last + 1] for p in space.starting[block]
        )
    return least[0]


def _spread(found: list[Pick], most: int) -> list[Pick]:
    """At most `most` that none beats in both speed and loss, at evenly spread speeds, named."""
    best = [p for p in found if not any(q.speed > p.speed and q.loss < p.loss for q in found)]
    best.sort(key=lambda p: p.speed)
    if len(best) > most:
        wanted = np.geomspace(best[0].speed, best[-1].speed, most)
        places = {int(np.argmin([abs(np.log(p.speed / w)) for p in best])) for w in wanted}
        best = [best[place] for place in sorted(places)]
    return [one.model_copy(update={"name": f"s{i + 1}"}) for i, one in enumerate(best)]
