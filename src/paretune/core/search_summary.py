"""What a search looked at, and what became of the model's blocks."""

from __future__ import annotations

from paretune.core._base import Noun
from paretune.core.measurement import Ci95


class Change(Noun):
    """What a run of blocks became.

    Attributes:
        blocks: the modules that were replaced.
        operator: the kind of replacement.
        words: what happened to them.
        saves: share of the baseline's latency that it saves, as predicted.
        kl: divergence from the baseline with this change alone, nats, before the whole was trained.
    """

    blocks: tuple[str, ...]
    operator: str
    words: str
    saves: float
    kl: float | None = None


class SearchPoint(Noun):
    """One architecture that the search looked at closely.

    Attributes:
        architecture: its name in the variants, or in the search where it was not finished.
        predicted_speed: the baseline's latency over its own, both int8, as predicted.
        measured_speed: the same as measured, with its interval; None where it was not.
        speed_ci95: of `measured_speed`.
        predicted_loss: divergence from the baseline before training it whole, nats, as predicted.
        loss_ci90: 90 % interval of `predicted_loss`.
        score: on `search` after training it whole, in f32, higher is better: the accuracy, or minus
            the divergence in nats, as `judged_by` says; None where it was not trained.
        scores: after every rung of that training, the last of which is `score`.
        trained_s: seconds of that training.
        changes: what became of the blocks.
        reason: why its training was broken off, empty where it was not.
    """

    architecture: str
    predicted_speed: float
    measured_speed: float | None = None
    speed_ci95: Ci95 | None = None
    predicted_loss: float
    loss_ci90: Ci95
    score: float | None = None
    scores: tuple[float, ...] = ()
    trained_s: float = 0.0
    changes: tuple[Change, ...] = ()
    reason: str = ""


class Ranked(Noun):
    """How well the accuracy surrogate ranks the compositions that it was fitted to, each left out.

    Attributes:
        surrogate: rank correlation of predicted and measured divergence; None where either is
            constant.
        additive: the same of a plain sum of one weight an option.
        macs: the same of multiply-accumulates alone.
        covered: share of compositions inside their 90 % interval.
    """

    surrogate: float | None
    additive: float | None
    macs: float | None
    covered: float


class SearchSummary(Noun):
    """What one search did.

    Attributes:
        blocks: replaceable blocks of the model.
        architectures: how many the space holds.
        options: everything that blocks may become, keeping them included.
        worth: options that are faster than what they replace.
        judged: options whose divergence was measured with the weights that they inherit.
        trained: options that were trained.
        networks: whole networks timed for the latency model.
        latency_error: its mean relative error, leaving one out.
        scored: compositions scored without training for the accuracy surrogate.
        ranked: how well it ranks them; None where there were too few to learn from.
        points: architectures looked at closely.
        judged_by: what networks were trained for beside speed: `accuracy` or `divergence`.
    """

    blocks: int
    architectures: float
    options: int
    worth: int
    judged: int
    trained: int
    networks: int
    latency_error: float
    scored: int
    ranked: Ranked | None = None
    points: tuple[SearchPoint, ...] = ()
    judged_by: str = "accuracy"
