"""What PyTorch's runtimes share: threads, precisions, devices, and the session."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from paretune.core import Device, LayerTime, Precision, Target, UnsupportedError
from paretune.runtimes import _onednn
from paretune.runtimes._common import check_feeds, check_settings, need
from paretune.runtimes.base import Array, Feeds, Program, Session, Settings

if TYPE_CHECKING:
    import torch

INSTALL = "torch"


def precisions(target: Target, device: Device) -> tuple[Precision, ...]:
    """Floating-point precisions of PyTorch on a target."""
    if device == "cuda":
        return ("f32", "tf32", "bf16", "f16") if target.gpus else ()
    return ("f32", "bf16") if target.multiplies_bf16 else ("f32",)


def isa_environment(cap: str) -> dict[str, str]:
    """Variables that cap kernels of oneDNN, of MKL, and PyTorch's own, compiled ones included."""
    own = "avx2" if cap.startswith("avx2") else "avx512"
    return {
        **_onednn.isa_environment(cap),
        "ATEN_CPU_CAPABILITY": own,
        "MKL_ENABLE_INSTRUCTIONS": own.upper(),
    }


def set_up(program: Program, settings: Settings) -> Any:
    """Import torch and set this process's threads and float32 modes for the settings.

    Raises:
        UnsupportedError: no such device here, or settings the program cannot be run with.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # read when torch is imported: no log lines
    torch = need("torch", runtime=program.runtime, install=INSTALL)
    cuda = settings.device == "cuda"
    check_settings(program, settings, device_ok=not cuda or torch.cuda.is_available())
    torch.set_num_threads(max(1, settings.threads // settings.streams))
    if cuda:
        mode = "tf32" if program.precision == "tf32" else "ieee"
        torch.backends.cuda.matmul.fp32_precision = mode
        torch.backends.cudnn.fp32_precision = mode
    return torch


def reduced_dtype(precision: Precision) -> torch.dtype | None:
    """The 16-bit type that a precision computes in, None for f32, tf32 and int8."""
    import torch

    return {"bf16": torch.bfloat16, "f16": torch.float16}.get(precision)


def cast_module(module: Any, dtype: torch.dtype) -> Any:
    """Convert a module's parameters to a 16-bit type, in place; batch normalisation stays f32.

    Converting is preferred to autocast, which casts every weight again on each call. The
    kernels of batch normalisation take 16-bit activations with f32 statistics, and statistics
    rounded to bf16 (8 bits of mantissa) would cost accuracy for nothing.
    """
    import torch

    module.to(dtype)
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.float()
    return module


def exported_module(program: Program, device: str) -> Any:
    """The module of a program's exported file, on a device, in inference form."""
    from paretune.runtimes import _pt2

    exported = _pt2.load(program.folder / program.files[0])
    if device == "cuda":  # tensors made inside the graph move too, which `Module.to` cannot do
        from torch.export.passes import move_to_device_pass

        exported = move_to_device_pass(exported, device)
    return exported.module()


def example_feeds(program: Program, batch: int) -> Feeds:
    """Zeros for every input, for a first call."""
    return {spec.name: np.zeros(spec.concrete(batch), dtype=spec.dtype) for spec in program.inputs}


def autocast(module: Callable[..., Any], dtype: torch.dtype, device: str) -> Callable[..., Any]:
    """`module` under autocast, for exported graphs.

    Their batch normalisation is a bare operator that cannot be told apart by module, so they
    cannot be converted as `cast_module` does.
    """
    import torch

    def call(*tensors: torch.Tensor) -> Any:
        with torch.autocast(device, dtype=dtype):
            return module(*tensors)

    return call


class TorchSession(Session):
    """A callable over tensors that answers calls; the streams are the caller's threads.

    Args:
        function: called with the inputs in order; gives a tensor, sequence or mapping of tensors.
        dtype: floating inputs are cast to it inside each call, None for no cast.
    """

    def __init__(
        self,
        program: Program,
        settings: Settings,
        function: Callable[..., Any],
        *,
        dtype: torch.dtype | None = None,
    ) -> None:
        self._program = program
        self._settings = settings
        self._function = function
        self._dtype = dtype

    def run(self, feeds: Feeds, stream: int = 0) -> list[Array]:
        """Outputs in order, floating ones as float32, copied."""
        import torch

        tensors = self.tensors(feeds)
        with torch.inference_mode():
            outputs = flat(self._call(tensors))
        if len(outputs) < len(self._program.outputs):
            raise UnsupportedError(
                f"the module gave {len(outputs)} tensors where {len(self._program.outputs)} "
                "were promised"
            )
        pairs = zip(outputs, self._program.outputs, strict=False)
        return [_to_numpy(output, spec.dtype) for output, spec in pairs]

    def bind(self, feeds: Feeds, stream: int = 0) -> Callable[[], object]:
        """The module's call on tensors that lie on the device already.

        On CUDA the result lies on the device too, and is ready: the call synchronises.
        """
        import torch

        tensors, call = self.tensors(feeds), self._call
        inference_mode = torch.inference_mode
        synchronize = torch.cuda.synchronize if self._settings.device == "cuda" else None

        def timed() -> object:
            with inference_mode():
                result = call(tensors)
            if synchronize is not None:
                synchronize()
            return result

        return timed

    def tensors(self, feeds: Feeds) -> list[torch.Tensor]:
        """Feeds as tensors in call order on the settings' device, channels-last on CUDA."""
        import torch

        check_feeds(self._program, self._settings, feeds)
        tensors = []
        for spec in self._program.inputs:
            array = np.require(feeds[spec.name], dtype=spec.dtype, requirements=["C", "W"])
            tensor = torch.from_numpy(array).to(self._settings.device)
            if self._settings.device == "cuda" and tensor.ndim == 4:
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            tensors.append(tensor)
        return tensors

    def layers(self, feeds: Feeds, calls: int = 20) -> list[LayerTime]:
        """Mean time of each module or operator, by PyTorch's profiler."""
        import torch

        from paretune.runtimes import _torch_profile

        if self._settings.device != "cpu":
            raise UnsupportedError("layer times are told on the CPU only")
        tensors = self.tensors(feeds)
        with torch.inference_mode():
            return _torch_profile.layers(
                lambda: self._call(tensors), self._function, self._program.precision, calls
            )

    def close(self) -> None:
        """Drop the module."""
        del self._function

    def _call(self, tensors: Sequence[torch.Tensor]) -> Any:
        if self._dtype is None:
            return self._function(*tensors)
        dtype = self._dtype
        return self._function(*(t.to(dtype) if t.is_floating_point() else t for t in tensors))


def flat(outputs: Any) -> list[torch.Tensor]:
    """The tensors of a module's result, in order, out of whatever tuple or mapping holds them."""
    import torch
    from torch.utils import _pytree

    leaves = [outputs] if isinstance(outputs, torch.Tensor) else _pytree.tree_leaves(outputs)
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]


def _to_numpy(tensor: torch.Tensor, dtype: str) -> Array:
    """An owned array in `dtype`; numpy has no bf16, so floating tensors go through float32."""
    tensor = tensor.detach()
    array = (tensor.float() if tensor.is_floating_point() else tensor).cpu().numpy()
    return np.array(array, dtype=dtype)
