"""Latency, throughput, memory and accuracy, each with its interval."""

from paretune.measure.accuracy import METRICS, Metric, choose_metric, score
from paretune.measure.compare import Comparison, compare
from paretune.measure.host import open_host, pinned_cores
from paretune.measure.interleave import (
    LATENCY,
    THROUGHPUT,
    Probe,
    Rounds,
    run_rounds,
    summarise,
)
from paretune.measure.race import Final, Standing, final, screen, survivors
from paretune.measure.throughput import saturate

__all__ = [
    "LATENCY",
    "METRICS",
    "THROUGHPUT",
    "Comparison",
    "Final",
    "Metric",
    "Probe",
    "Rounds",
    "Standing",
    "choose_metric",
    "compare",
    "final",
    "open_host",
    "pinned_cores",
    "run_rounds",
    "saturate",
    "score",
    "screen",
    "summarise",
    "survivors",
]
