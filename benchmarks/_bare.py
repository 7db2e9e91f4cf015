"""The measuring process with a bare OpenVINO loop beside it, over the same compiled model."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from paretune.measure import _host
from paretune.measure._host import SessionHost


class BareHost(SessionHost):
    """Times bursts of the harness against bursts written by hand, in one process."""

    def overhead(self, seconds: float, calls: int) -> dict[str, list[float]]:
        """Alternate the ways to call until time is up.

        Args:
            seconds: to spend.
            calls: in one burst.

        Returns:
            Microseconds a call, one entry a round: `wall` is the whole `burst` of the harness
            divided by its calls, `reported` the mean of the times it returns, `bare` a loop over
            `infer(inputs, share_inputs=True)`, `barest` one over `infer()` of a request that
            holds its inputs already.
        """
        # Settling is no part of a call; here every burst, by whatever hand, settles alike.
        _host.SETTLE_CALLS, _host.SETTLE_SECONDS = 0, 0.0
        ways = {"harness": self._harness, "bare": self._bare(), "barest": self._barest()}
        found: dict[str, list[float]] = {"wall": [], "reported": [], "bare": [], "barest": []}
        end = time.monotonic() + seconds
        names = list(ways)
        while time.monotonic() < end or len(found["wall"]) < 3:
            sums = dict.fromkeys(found, 0.0)
            for name in names + names[::-1]:
                for key, nanoseconds in ways[name](calls).items():
                    sums[key] += nanoseconds / 1e3 / calls / 2
            for key, value in sums.items():
                found[key].append(value)
            names = names[1:] + names[:1]
        return found

    def _harness(self, calls: int) -> dict[str, float]:
        self._settle(self._calls[0])
        start = time.perf_counter_ns()
        times = self.burst(0.0, calls)
        wall = time.perf_counter_ns() - start
        return {"wall": wall, "reported": float(np.sum(times))}

    def _bare(self) -> Callable[[int], dict[str, float]]:
        request = self._compiled.create_infer_request()
        inputs = {0: np.array(next(iter(self._feeds.values())))}

        def loop(calls: int) -> dict[str, float]:
            self._settle(lambda: request.infer(inputs, share_inputs=True))
            gc.disable()
            start = time.perf_counter_ns()
            for _ in range(calls):
                request.infer(inputs, share_inputs=True)
            spent = time.perf_counter_ns() - start
            gc.enable()
            return {"bare": spent}

        return loop

    def _barest(self) -> Callable[[int], dict[str, float]]:
        import openvino as ov

        request = self._compiled.create_infer_request()
        array = np.array(next(iter(self._feeds.values())))
        request.set_input_tensor(0, ov.Tensor(array, shared_memory=True))
        self._kept = array  # the request shares its memory but does not keep it alive

        def loop(calls: int) -> dict[str, float]:
            self._settle(lambda: request.infer(share_outputs=True))
            gc.disable()
            start = time.perf_counter_ns()
            for _ in range(calls):
                request.infer(share_outputs=True)
            spent = time.perf_counter_ns() - start
            gc.enable()
            return {"barest": spent}

        return loop

    @property
    def _compiled(self) -> Any:
        # The very model that the session holds: one compiled again lies elsewhere in memory,
        # which alone makes a percent.
        return cast(Any, self.session)._compiled

    @staticmethod
    def _settle(call: Callable[[], object]) -> None:
        for _ in range(2):
            call()
