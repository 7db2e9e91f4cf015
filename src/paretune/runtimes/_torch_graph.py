"""PyTorch on a GPU with each call captured once as a CUDA graph and replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from paretune.core import Device, Precision, Target
from paretune.runtimes import _torch
from paretune.runtimes._torch_eager import TorchEager
from paretune.runtimes.base import Feeds


class GraphSession(_torch.TorchSession):
    """A session whose bound call replays a captured CUDA graph.

    `run` stays eager: a graph reads and writes fixed memory, which a caller's outputs must not be.
    """

    def bind(self, feeds: Feeds, stream: int = 0) -> Callable[[], object]:
        """Capture one call on static inputs after warming up on a side stream, and replay it."""
        import torch

        tensors, side = self.tensors(feeds), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        graph = torch.cuda.CUDAGraph()
        with torch.inference_mode():
            with torch.cuda.stream(side):
                for _ in range(3):
                    self._call(tensors)
            torch.cuda.current_stream().wait_stream(side)
            with torch.cuda.graph(graph):
                result = self._call(tensors)

        def timed() -> object:
            graph.replay()
            torch.cuda.synchronize()
            return result

        return timed


class TorchGraph(TorchEager):
    """Eager PyTorch's kernels without the time that Python and the driver take to launch them.

    Small calls on a GPU are bound by their launches, so this is what eager PyTorch could do there.
    """

    name: ClassVar[str] = "torch-graph"
    session: ClassVar[type[_torch.TorchSession]] = GraphSession

    def precisions(self, target: Target, device: Device) -> tuple[Precision, ...]:
        """As eager PyTorch on CUDA, none on a CPU."""
        return _torch.precisions(target, device) if device == "cuda" else ()
