"""Post-training quantisation of an exported program by torchao's x86 quantiser."""

from __future__ import annotations

import dataclasses
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from paretune.core import Model, UnsupportedError
from paretune.runtimes._common import attempt, exact_int8, need
from paretune.runtimes.base import Feeds, as_feeds

if TYPE_CHECKING:
    from torch.export import ExportedProgram


#: Importing it registers the operators and the lowering passes.
QUANTIZER = "torchao.quantization.pt2e.quantizer.x86_inductor_quantizer"
#: Calibration samples used, evenly spread: its histograms take about a second a sample.
SAMPLES = 64


def register() -> None:
    """Make the operators of quantised programs known to PyTorch, and their kernels to Inductor."""
    with quiet():
        need(QUANTIZER, runtime="torch-compile int8", install="torchao")


def quantize(model: Model, calibration: Sequence[Feeds]) -> tuple[ExportedProgram, tuple[str, ...]]:
    """An int8 copy of the model, exported again with the same free axes.

    Args:
        model: a model with a module.
        calibration: representative feeds, batch on axis 0.

    Returns:
        The program, in which quantise and dequantise operators stand around what Inductor lowers
        to int8 kernels, and the instruction sets of which it needs one: without them activations
        are cut to 7 bits, because 8-bit products would saturate, and any CPU can run it.

    Raises:
        UnsupportedError: nothing to calibrate on, or quantising or exporting fails.
    """
    if not calibration:
        raise UnsupportedError("int8 needs calibration samples, and none were given")
    from paretune.sources import forms

    isa = exact_int8()
    with quiet():
        x86 = need(QUANTIZER, runtime="torch-compile int8", install="torchao")
        import torch
        from torchao.quantization.pt2e import allow_exported_model_train_eval
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

        exported = forms.exported_program(model)
        with attempt("quantising with torchao"), torch.no_grad():
            quantizer = x86.X86InductorQuantizer()
            quantizer.set_global(
                x86.get_default_x86_inductor_quantization_config(reduce_range=not isa)
            )
            plain = exported.module()
            _tell_sources(plain.graph)
            observed = prepare_pt2e(plain, quantizer)
            for feeds in calibration[:: -(-len(calibration) // SAMPLES)]:
                arrays = as_feeds(model.inputs, [feeds[spec.name] for spec in model.inputs])
                observed(*(torch.from_numpy(array) for array in arrays.values()))
            converted = convert_pt2e(observed)
            _drop_unused(converted)
            allow_exported_model_train_eval(converted)
        with attempt("exporting the quantised module"):
            quantized = forms.exported_program(dataclasses.replace(model, module=_whole(converted)))
    return quantized, isa


def _tell_sources(graph: Any) -> None:
    """Note on each operator which module of `torch.nn` it is.

    The quantiser looks for modules, and the exporter notes the innermost module of the user's
    code, so an operator called as a function or in a subclass of `Conv2d` would be passed over.
    """
    import operator

    import torch

    aten, nn = torch.ops.aten, torch.nn
    sources: dict[Any, Any] = {
        aten.conv1d.default: nn.Conv1d,
        aten.conv2d.default: nn.Conv2d,
        aten.linear.default: nn.Linear,
        aten.relu.default: nn.ReLU,
        aten.relu_.default: nn.ReLU,
        aten.relu6.default: nn.ReLU6,
        aten.silu.default: nn.SiLU,
        aten.silu_.default: nn.SiLU,
        aten.hardswish.default: nn.Hardswish,
        aten.hardswish_.default: nn.Hardswish,
        aten.hardtanh.default: nn.Hardtanh,
        aten.hardtanh_.default: nn.Hardtanh,
        aten.gelu.default: nn.GELU,
        aten.tanh.default: nn.Tanh,
        aten.max_pool2d.default: nn.MaxPool2d,
        aten.add.Tensor: operator.add,
        aten.add_.Tensor: operator.add,
    }
    for node in graph.nodes:
        if node.op == "call_function" and node.target in sources:
            node.meta["source_fn_stack"] = [(node.name, sources[node.target])]


def _drop_unused(module: Any) -> None:
    """Delete the tensors that the graph no longer reads: the f32 weights behind the int8 ones."""
    used = {node.target for node in module.graph.nodes if node.op == "get_attr"}
    tensors = [*dict(module.named_parameters()), *dict(module.named_buffers())]
    for name in tensors:
        if name not in used:
            owner, _, attribute = name.rpartition(".")
            delattr(module.get_submodule(owner), attribute)


def _whole(converted: Any) -> Any:
    """A module around a quantised graph, whose own `eval` gives nothing back."""
    import torch

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quantized = converted

        def forward(self, *inputs: torch.Tensor) -> Any:
            return self.quantized(*inputs)

    return Whole()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep torchao's remarks about its optional libraries, and deprecations, off the console."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
