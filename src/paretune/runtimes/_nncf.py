"""Post-training quantisation of an OpenVINO graph by NNCF, without a word on the console."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from paretune.core import TensorSpec, UnsupportedError
from paretune.runtimes._common import attempt, exact_int8, need
from paretune.runtimes._openvino_session import input_indices
from paretune.runtimes.base import Array, Feeds, as_feeds


def quantize(
    graph: Any, inputs: Sequence[TensorSpec], calibration: Sequence[Feeds], *, recipe: str
) -> tuple[Any, tuple[str, ...]]:
    """An int8 copy of `graph`, and the instruction sets of which it needs one.

    On a CPU without any of them weights are cut to 7 bits, except depthwise ones, and any CPU can
    run it; on one that has them, those of the first layers are.

    Args:
        graph: an `openvino.Model`.
        inputs: its inputs, in call order.
        calibration: representative feeds, batch on axis 0; all of them are used.
        recipe: `fast` corrects biases from means of each layer's input alone; `full` runs the
            quantised network up to each layer, which saves some small depthwise networks;
            `quick` corrects none, which is right where speed alone is to be measured.

    Raises:
        UnsupportedError: nothing to calibrate on, already quantised, or NNCF fails.
    """
    if not calibration:
        raise UnsupportedError("int8 needs calibration samples, and none were given")
    operators = {node.get_type_name() for node in graph.get_ops()}
    if "FakeQuantize" in operators:
        raise UnsupportedError("the model is quantised already, so it is not quantised again")
    nncf = need("nncf", runtime="openvino int8", install="nncf")
    names = [spec.name for spec in inputs]
    indices = input_indices(list(graph.inputs), names)

    def as_positions(feeds: Feeds) -> dict[str, Array]:
        arrays = as_feeds(inputs, [feeds[name] for name in names])
        return {
            graph.inputs[index].get_any_name(): arrays[name]
            for index, name in zip(indices, names, strict=True)
        }

    isa = exact_int8()
    fix = nncf.OverflowFix.FIRST_LAYER if isa else nncf.OverflowFix.ENABLE
    with attempt("quantising with NNCF"), _quiet(nncf):
        quantised = nncf.quantize(
            graph,
            nncf.Dataset(list(calibration), as_positions),
            subset_size=len(calibration),
            fast_bias_correction=recipe != "full",
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                disable_bias_correction=recipe == "quick", overflow_fix=fix
            ),
            model_type=nncf.ModelType.TRANSFORMER if _is_transformer(operators) else None,
        )
    return quantised, isa


def _is_transformer(operators: set[str]) -> bool:
    """Whether a graph has attention beside normalisation over features.

    Attention is one fused operator or matrix products around a softmax that is not the last
    layer of a classifier: the layer normalisation (`MVN` in OpenVINO) tells these apart.
    """
    attention = "ScaledDotProductAttention" in operators or {"Softmax", "MatMul"} <= operators
    return attention and "MVN" in operators


@contextmanager
def _quiet(nncf: Any) -> Iterator[None]:
    """Keep NNCF's log lines and progress bars off the console while quantising.

    Its progress bars have no switch: they write to the console that rich gives by default.
    """
    from nncf.common.logging import track_progress
    from nncf.common.logging.logger import nncf_logger

    level, progress = nncf_logger.level, track_progress.track.__init__

    def silent(self: Any, *args: Any, **kwargs: Any) -> None:
        progress(self, *args, **{**kwargs, "disable": True})

    nncf_logger.setLevel(logging.ERROR)
    track_progress.track.__init__ = silent
    try:
        yield
    finally:
        nncf_logger.setLevel(level)
        track_progress.track.__init__ = progress
