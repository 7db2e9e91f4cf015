"""Latency, throughput, memory and accuracy, each with its interval."""

from paretune.measure.accuracy import METRICS, Metric, choose_metric, score
from paretune.measure.compare import Comparison, compare
from paretune.measure.host import open_host, pinned_cores
from paretune.measure.interleave import (
    Rounds,
    latency_probe,
    run_rounds,
    summarise,
    throughput_probe,
)
from paretune.measure.race import Final, Standing, final, screen, survivors
from paretune.measure.throughput import saturate

__all__ = [
    "METRICS",
    "Metric",
    "Comparison",
    "Final",
    "Rounds",
    "Standing",
    "choose_metric",
    "compare",
    "final",
    "latency_probe",
    "open_host",
    "pinned_cores",
    "run_rounds",
    "saturate",
    "score",
    "screen",
    "summarise",
    "survivors",
    "throughput_probe",
]
