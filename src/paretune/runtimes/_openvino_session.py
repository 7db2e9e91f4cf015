"""A compiled OpenVINO model that answers calls, one infer request per stream."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from paretune.core import LayerTime, UnsupportedError
from paretune.runtimes._common import check_feeds
from paretune.runtimes._openvino_work import work
from paretune.runtimes.base import Array, Feeds, Program, Session, Settings

_PRECISIONS = {"i8": "int8", "u8": "int8", "f32": "f32", "bf16": "bf16", "f16": "f16"}


def input_indices(ports: list[Any], names: list[str]) -> list[int]:
    """Position of each name among a model's inputs: by name where all are known, else by order.

    TensorFlow front ends reorder and rename inputs; a source that read them through OpenVINO
    gave them OpenVINO's own names.

    Raises:
        UnsupportedError: the model has another number of inputs.
    """
    by_name = {name: index for index, port in enumerate(ports) for name in port.get_names()}
    if all(name in by_name for name in names):
        return [by_name[name] for name in names]
    if len(ports) != len(names):
        raise UnsupportedError(
            f"OpenVINO sees {len(ports)} inputs where the model has {len(names)}"
        )
    return list(range(len(names)))


class OpenVinoSession(Session):
    """One compiled model; stream i is infer request i."""

    def __init__(self, program: Program, settings: Settings, compiled: Any) -> None:
        self._program = program
        self._settings = settings
        self._compiled = compiled
        self._requests = [compiled.create_infer_request() for _ in range(settings.streams)]
        self._bound: list[dict[int, Array]] = []
        self._indices = input_indices(list(compiled.inputs), [spec.name for spec in program.inputs])

    def run(self, feeds: Feeds, stream: int = 0) -> list[Array]:
        """Outputs in order, copied out of the request."""
        request = self._requests[stream]
        results = request.infer(self._inputs(feeds), share_inputs=True, share_outputs=True)
        return [np.array(results[index]) for index in range(len(self._program.outputs))]

    def bind(self, feeds: Feeds, stream: int = 0) -> Callable[[], object]:
        """`infer` of a request of its own whose input tensors share the feeds' memory.

        The result is OpenVINO's dictionary over the request's own output tensors, not copied.
        """
        import openvino as ov

        request = self._compiled.create_infer_request()
        inputs = self._inputs(feeds)
        for index, array in inputs.items():
            request.set_input_tensor(index, ov.Tensor(array, shared_memory=True))
        self._bound.append(inputs)  # a tensor with shared memory does not keep its array alive
        return functools.partial(request.infer, share_outputs=True)

    def layers(self, feeds: Feeds, calls: int = 20) -> list[LayerTime]:
        """Mean time of each executed layer, from OpenVINO's own profiling."""
        if not self._settings.profile:
            raise UnsupportedError("OpenVINO tells layer times only when loaded with profile=True")
        inputs, request = self._inputs(feeds), self._requests[0]
        request.infer(inputs, share_inputs=True)  # the first call allocates
        totals: dict[str, float] = {}
        infos: dict[str, Any] = {}
        for _ in range(calls):
            request.infer(inputs, share_inputs=True)
            for info in request.get_profiling_info():
                if info.status == info.Status.EXECUTED:
                    infos[info.node_name] = info
                    spent = info.real_time.total_seconds() * 1e6
                    totals[info.node_name] = totals.get(info.node_name, 0.0) + spent
        known = work(self._compiled)
        return [
            LayerTime(
                name=name,
                op=info.node_type,
                kernel=info.exec_type,
                precision=_precision(info.exec_type),
                microseconds=totals[name] / calls,
                macs=known[name].macs if name in known else None,
                moved=known[name].moved if name in known else None,
            )
            for name, info in infos.items()
        ]

    def close(self) -> None:
        """Drop the requests and the compiled model."""
        self._requests.clear()
        self._compiled = None

    def _inputs(self, feeds: Feeds) -> dict[int, Array]:
        """Feeds by input position, in the program's dtypes; copied only where they must be."""
        check_feeds(self._program, self._settings, feeds)
        return {
            index: np.require(feeds[spec.name], dtype=spec.dtype, requirements=["C", "W"])
            for index, spec in zip(self._indices, self._program.inputs, strict=True)
        }


def _precision(exec_type: str) -> str:
    """Precision at the end of a kernel's name, such as `brgconv_avx512_I8`."""
    return _PRECISIONS.get(exec_type.rpartition("_")[2].lower().replace("fp", "f"), "")
