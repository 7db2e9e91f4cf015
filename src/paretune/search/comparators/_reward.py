"""One number for accuracy and latency together."""

from __future__ import annotations

from paretune.search.comparators._oracle import Evaluation


def reward(evaluation: Evaluation, target_ms: float, exponent: float = -0.07) -> float:
    """MnasNet's reward with a soft constraint: accuracy x (latency / target) ^ exponent.

    With one exponent on both sides the target only scales the reward: which architectures are
    preferred, and so where on the front a search ends, is the exponent's choice alone.

    Args:
        evaluation: of the architecture.
        target_ms: the latency aimed at, ms.
        exponent: the same on both sides of the target. At -0.07, twice the latency has to buy 5 %
            more accuracy, relatively.

    Source: Tan et al. 2019 (arXiv 1807.11626), equation 2 and section 3.
    """
    return float(evaluation.accuracy * (evaluation.latency_ms / target_ms) ** exponent)
