"""An ONNX Runtime session that answers calls; streams are concurrent runs of one session."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paretune.core import LayerTime
from paretune.runtimes._common import checked_feeds
from paretune.runtimes.base import Array, Feeds, Program, Session, Settings

_PRECISIONS = {"uint8": "int8", "int8": "int8", "float": "f32", "float16": "f16"}


class OrtSession(Session):
    """One session for all streams.

    The pool holds the caller's own thread too, so `threads - streams + 1` threads in the pool and
    `streams` callers make `threads` in all.
    """

    def __init__(self, program: Program, settings: Settings) -> None:
        self._program = program
        self._settings = settings
        self._session = self._open()

    def run(self, feeds: Feeds, stream: int = 0) -> list[Array]:
        """Outputs in order, in memory of their own."""
        return list(self._session.run(None, checked_feeds(self._program, self._settings, feeds)))

    def bind(self, feeds: Feeds, stream: int = 0) -> Callable[[], object]:
        """A run with inputs bound to the feeds' memory and outputs bound to the CPU."""
        import onnxruntime as ort

        binding = self._session.io_binding()
        for name, array in checked_feeds(self._program, self._settings, feeds).items():
            binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))
        for output in self._session.get_outputs():
            binding.bind_output(output.name, "cpu")
        # The inner call: the outer one only translates errors of a provider that has fallen back.
        return functools.partial(self._session.run_with_iobinding, binding)

    def layers(self, feeds: Feeds, calls: int = 20) -> list[LayerTime]:
        """Mean time of each kernel, from ONNX Runtime's profile of a session of its own."""
        inputs = checked_feeds(self._program, self._settings, feeds)
        with tempfile.TemporaryDirectory() as folder:
            session = self._open(str(Path(folder) / "profile"))
            for _ in range(calls + 1):
                session.run(None, inputs)
            profile = Path(session.end_profiling())
            events = json.loads(profile.read_text(encoding="utf-8"))
        return _layers(events, calls)

    def close(self) -> None:
        """Drop the session with its threads."""
        del self._session

    def _open(self, profile: str = "") -> Any:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = self._settings.threads - self._settings.streams + 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        options.log_severity_level = 3  # errors only
        if profile:
            options.enable_profiling = True
            options.profile_file_prefix = profile
        path = self._program.folder / self._program.files[0]
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _layers(events: list[dict[str, Any]], calls: int) -> list[LayerTime]:
    """Mean kernel times of the last `calls` runs in a profile, in order of execution."""
    kernels: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            kernels.setdefault(event["name"].removesuffix("_kernel_time"), []).append(event)
    layers = []
    for name, runs in kernels.items():
        details = runs[-1]["args"]
        layers.append(
            LayerTime(
                name=name,
                op=details["op_name"],
                kernel=f"{details.get('provider', '')}:{details['op_name']}".lstrip(":"),
                precision=_precision(details),
                microseconds=sum(run["dur"] for run in runs[-calls:]) / calls,
            )
        )
    return layers


def _precision(details: dict[str, Any]) -> str:
    """Precision of a kernel: the type of its first input."""
    for entry in details.get("input_type_shape", []):
        for kind in entry:
            return _PRECISIONS.get(kind, "")
    return ""
