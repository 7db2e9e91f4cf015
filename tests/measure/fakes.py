"""Subjects whose speed is known exactly, through the public face of an actor."""

import numpy as np

from paretune.engine import Actor


class Time:
    """A clock that only the subjects' work moves."""

    def __init__(self):
        self.now = 0.0


class FakeSubject(Actor):
    """Answers as a `SessionHost` would.

    Args:
        time: the shared clock.
        seconds: what one call costs when asked at a given time.
        noise: standard deviation of the log of a burst's time.
        per_call: samples a call.
    """

    def __init__(self, time, seconds, *, noise=0.0, seed=0, memory=50.0, streams=1, per_call=1):
        self.time = time
        self.seconds = seconds if callable(seconds) else lambda now: seconds
        self.noise = noise
        self.random = np.random.default_rng(seed)
        self.memory = memory
        self.streams = streams
        self.per_call = per_call
        self.asked = []
        self.closed = 0

    def call(self, method, /, *args, timeout=None, **kwargs):
        assert not self.closed, "asked after it was closed"
        self.asked.append(method)
        if method == "peak_memory_mb":
            return self.memory
        if method == "batch":
            return self.per_call
        (window,) = args
        # The burst's middle stands for all of it.
        cost = self.seconds(self.time.now + window / 2)
        cost *= np.exp(self.noise * self.random.standard_normal())
        self.time.now += window
        if method == "burst":
            return np.full(5, round(cost * 1e9), dtype=np.int64)
        assert method == "concurrent"
        times = np.full(100 * self.streams, round(cost * 1e9), dtype=np.int64)
        return 100 * self.per_call * self.streams, 100 * cost, times

    def close(self):
        self.closed += 1
