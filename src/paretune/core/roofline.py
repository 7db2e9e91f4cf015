"""What a machine could do at most, and how far each layer of a model is from it."""

from __future__ import annotations

from typing import Literal

from paretune.core._base import Noun
from paretune.core.target import Target

Bound = Literal["arithmetic", "memory", "untold"]


class Peaks(Noun):
    """Measured limits of a machine with so many threads.

    Attributes:
        threads: CPU threads.
        macs_per_s: multiply-accumulates a second by precision.
        bytes_per_s: bytes read and written a second, by the bytes that are worked on: ascending.
    """

    threads: int
    macs_per_s: dict[str, float]
    bytes_per_s: tuple[tuple[int, float], ...]

    def bandwidth(self, size: int) -> float:
        """Bytes a second for a layer that works on `size` bytes: of the next smaller size known."""
        found = self.bytes_per_s[0][1]
        for known, rate in self.bytes_per_s:
            if known <= size:
                found = rate
        return found


class LayerLimit(Noun):
    """One executed layer against the machine's limits.

    Attributes:
        name, op, kernel, precision: as in its profile.
        microseconds: taken in a call.
        limit_us: what its arithmetic or its memory traffic takes at the peak, whichever is more.
        bound: which of them; `untold` where the runtime does not tell the layer's shapes.
        macs: multiply-accumulates.
        moved: bytes of inputs, weights and outputs.
        why: what keeps it from its limit, and what to do; empty where nothing stands out.
    """

    name: str
    op: str
    kernel: str
    precision: str
    microseconds: float
    limit_us: float
    bound: Bound
    macs: int
    moved: int
    why: str = ""

    @property
    def fraction(self) -> float:
        """Share of the time that the limit would take: 1 is as fast as this machine can."""
        return self.limit_us / self.microseconds if self.microseconds else 0.0

    @property
    def lost_us(self) -> float:
        """Time above the limit, microseconds; 0 where there is none to be above."""
        return 0.0 if self.bound == "untold" else max(0.0, self.microseconds - self.limit_us)


class Roofline(Noun):
    """One variant of a model against the limits of its machine.

    Attributes:
        target: the machine.
        variant: id of what was measured.
        peaks: the limits.
        layers: in order of execution.
        call_us: a whole call as it is timed without a profile, microseconds.
    """

    target: Target
    variant: str
    peaks: Peaks
    layers: tuple[LayerLimit, ...]
    call_us: float

    @property
    def limit_us(self) -> float:
        """Of all layers, one after the other."""
        return sum(layer.limit_us for layer in self.layers)

    @property
    def layers_us(self) -> float:
        """Of all layers as profiled."""
        return sum(layer.microseconds for layer in self.layers)

    @property
    def untold_us(self) -> float:
        """Of layers whose shapes the runtime does not tell, which so have no limit."""
        return sum(layer.microseconds for layer in self.layers if layer.bound == "untold")

    def worst(self, count: int = 5) -> tuple[LayerLimit, ...]:
        """The layers that lose most time."""
        return tuple(sorted(self.layers, key=lambda layer: -layer.lost_us)[:count])
