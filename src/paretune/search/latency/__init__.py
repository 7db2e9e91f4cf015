"""The latency model: measured networks, and what they tell of all others."""

from paretune.search.latency.design import design
from paretune.search.latency.measured import measured, time_networks
from paretune.search.latency.model import LatencyModel, check_enough, fit
from paretune.search.latency.oracle import LatencyOracle, Reading

__all__ = [
    "LatencyModel",
    "LatencyOracle",
    "Reading",
    "check_enough",
    "design",
    "fit",
    "measured",
    "time_networks",
]
