"""Static quantisation by ONNX Runtime, leaving nothing on disk and nothing on the console."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from paretune.core import TensorSpec, UnsupportedError
from paretune.runtimes._common import ONE_FILE_LIMIT, attempt, exact_int8, onnx_bytes
from paretune.runtimes.base import Array, Feeds, as_feeds

#: Samples whose activations percentile calibration holds in memory at once, and uses in all:
#: it sorts every value of every activation into histograms, which takes seconds a sample.
CHUNK = 4
PERCENTILE_SAMPLES = 64
PERCENTILE = 99.99
#: First opset whose QuantizeLinear takes a scale for each channel.
PER_CHANNEL_OPSET = 13


def quantize(
    source: Path, inputs: Sequence[TensorSpec], calibration: Sequence[Feeds], *, recipe: str
) -> tuple[Any, tuple[str, ...]]:
    """An int8 model in QDQ form: unsigned activations, signed weights per channel.

    Args:
        source: an ONNX file.
        inputs: the model's inputs, in call order.
        calibration: representative feeds, batch on axis 0.
        recipe: `minmax` or `percentile` (99.99, of at most 64 samples evenly spread).

    Returns:
        The `onnx.ModelProto`, and the instruction sets of which it needs one: on CPUs without
        them 8-bit products saturate, so there the weights are cut to 7 bits instead and any
        CPU can run the result.

    Raises:
        UnsupportedError: nothing to calibrate on, already quantised, or the quantiser fails.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    if not calibration:
        raise UnsupportedError("int8 needs calibration samples, and none were given")
    isa = exact_int8()
    percentile = recipe == "percentile"
    if percentile:
        calibration = calibration[:: -(-len(calibration) // PERCENTILE_SAMPLES)]
    with (
        attempt("quantising with ONNX Runtime"),
        tempfile.TemporaryDirectory(prefix="paretune-ort-") as scratch,
        _quiet(),
    ):
        made, ready = Path(scratch) / "quantised.onnx", Path(scratch) / "ready.onnx"
        original = onnx.load(str(source))
        large = onnx_bytes(original) > ONE_FILE_LIMIT
        if any(node.op_type == "QuantizeLinear" for node in original.graph.node):
            raise UnsupportedError("the model is quantised already, so it is not quantised again")
        if _opset(original) < PER_CHANNEL_OPSET:
            source = Path(scratch) / "raised.onnx"
            raised = onnx.version_converter.convert_version(original, PER_CHANNEL_OPSET)
            onnx.save(raised, str(source), save_as_external_data=large)
        del original
        _preprocess(source, ready, large)
        quantize_static(
            str(ready),
            str(made),
            _Reader(inputs, calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=not isa,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            use_external_data_format=large,
            calibrate_method=(
                CalibrationMethod.Percentile if percentile else CalibrationMethod.MinMax
            ),
            extra_options={
                "CalibStridedMinMax": CHUNK,
                "CalibPercentile": PERCENTILE,
                "CalibTensorRangeSymmetric": False,
            },
        )
        return onnx.load(str(made)), isa


def _opset(model: Any) -> int:
    """Version of ONNX's own operators that a model is written in."""
    return max(int(one.version) for one in model.opset_import if one.domain in ("", "ai.onnx"))


def _preprocess(source: Path, ready: Path, large: bool) -> None:
    """Fold and infer shapes, as the quantiser asks; without symbolic shapes where these fail."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    symbolic = importlib.util.find_spec("sympy") is not None
    for skip in (not symbolic, True):
        try:
            quant_pre_process(
                str(source), str(ready), skip_symbolic_shape=skip, save_as_external_data=large
            )
            return
        except Exception:
            if skip:
                raise


class _Reader:
    """Feeds for the calibrator, chunk by chunk."""

    def __init__(self, inputs: Sequence[TensorSpec], calibration: Sequence[Feeds]) -> None:
        self._inputs = inputs
        self._calibration = calibration
        self._rest: Iterator[Feeds] = iter(calibration)

    def __len__(self) -> int:
        """Samples, rounded up to whole chunks because the calibrator insists on them."""
        return -(-len(self._calibration) // CHUNK) * CHUNK

    def set_range(self, start_index: int, end_index: int) -> None:
        """Continue with one chunk."""
        self._rest = iter(self._calibration[start_index:end_index])

    def get_next(self) -> dict[str, Array] | None:
        """The next feeds, None when the chunk is over."""
        feeds = next(self._rest, None)
        if feeds is None:
            return None
        return as_feeds(self._inputs, [feeds[spec.name] for spec in self._inputs])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the quantiser's prints and advice off the console."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(level)
