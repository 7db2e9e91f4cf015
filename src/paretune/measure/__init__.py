"""Latency, throughput, memory and accuracy, each with its interval."""

from paretune.measure.accuracy import METRICS, Metric, choose_metric, score
from paretune.measure.host import open_host, pinned_cores
from paretune.measure.interleave import (
    Rounds,
    latency_probe,
    run_rounds,
    summarise,
    throughput_probe,
)
from paretune.measure.race import Race, Standing
from paretune.measure.throughput import saturate

__all__ = [
    "METRICS",
    "Metric",
    "Race",
    "Rounds",
    "Standing",
    "choose_metric",
    "latency_probe",
    "open_host",
    "pinned_cores",
    "run_rounds",
    "saturate",
    "score",
    "summarise",
    "throughput_probe",
]
