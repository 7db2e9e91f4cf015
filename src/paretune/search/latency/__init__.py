"""The latency model: measured networks, and what they tell of all others."""

from paretune.search.latency.design import design
from paretune.search.latency.measured import least_seconds, measured, time_networks
from paretune.search.latency.model import LEAST, LatencyModel, fit
from paretune.search.latency.oracle import LatencyOracle, Reading

__all__ = [
    "LEAST",
    "LatencyModel",
    "LatencyOracle",
    "Reading",
    "design",
    "fit",
    "least_seconds",
    "measured",
    "time_networks",
]
