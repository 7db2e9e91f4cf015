"""PyTorch compiled by Inductor with frozen weights; int8 by the PT2E x86 quantiser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from paretune.core import Device, Model, Precision, Target, UnsupportedError
from paretune.core.target import BF16_ISA
from paretune.runtimes import _pt2, _torch
from paretune.runtimes._common import attempt, first_line, forms_folder, need
from paretune.runtimes.base import Feeds, Program, Runtime, Session, Settings

MODULE_FILE = "model.pt2"
INSTALL = "torch torchao"


class TorchCompile(Runtime):
    """`torch.compile` of the exported program, specialised on the batch of the settings.

    It loads the exported graph, never the user's code. Weights are frozen, so Inductor folds
    constants and packs weights into the layouts that its kernels want; a memory format is not
    chosen here because Inductor chooses its own. bf16 runs under autocast, whose weight casts
    freezing folds away; what autocast deems unsafe stays f32.
    """

    name: ClassVar[str] = "torch-compile"
    packages: ClassVar[tuple[str, ...]] = ("torch", "torchao")
    install: ClassVar[str] = INSTALL

    def precisions(self, target: Target, device: Device) -> tuple[Precision, ...]:
        """As eager PyTorch, and int8 on x86 CPUs."""
        plain = _torch.precisions(target, device)
        return (*plain, "int8") if device == "cpu" and "avx2" in target.isa else plain

    def isa_environment(self, cap: str) -> Mapping[str, str]:
        """See `_torch.isa_environment`."""
        return _torch.isa_environment(cap)

    def recipes(self) -> tuple[str, ...]:
        """The x86 quantiser's default: histograms for activations, extremes for weights."""
        return ("default",)

    def prepare(
        self,
        model: Model,
        precision: Precision,
        folder: Path,
        *,
        recipe: str = "",
        calibration: Sequence[Feeds] = (),
        device: Device = "cpu",
    ) -> Program:
        """Write the exported program, quantised for int8; compiling waits for the settings."""
        need("torch", runtime=self.name, install=self.install)
        if model.module is None:
            form = "ONNX" if model.onnx is not None else "OpenVINO"
            raise UnsupportedError(f"torch-compile runs PyTorch modules, and the model is {form}")
        cpu_only, cuda_only = precision == "int8", precision in ("tf32", "f16")
        if (cpu_only and device == "cuda") or (cuda_only and device == "cpu"):
            raise UnsupportedError(f"torch-compile has no {precision} on {device}")
        if device == "cpu":
            need_compiler()
        from paretune.sources import forms

        path = folder / MODULE_FILE
        isa: tuple[str, ...] = BF16_ISA
        if precision == "int8":
            from paretune.runtimes import _pt2e

            recipe = recipe or self.recipes()[0]
            program, isa = _pt2e.quantize(model, calibration)
            _pt2.save(program, path)
        else:
            _pt2.copy(forms.exported(model, forms_folder(model)), path)
        return Program(
            runtime=self.name,
            precision=precision,
            recipe=recipe,
            folder=folder,
            files=(MODULE_FILE,),
            inputs=model.inputs,
            outputs=model.outputs,
            max_batch=forms.batch_of(_pt2.load(path)),
            needs_isa=isa if device == "cpu" and precision != "f32" else (),
        )

    def load(self, program: Program, settings: Settings) -> Session:
        """Compile for the settings' batch and threads, and make the first call."""
        torch = _torch.set_up(program, settings)
        if settings.device == "cpu":
            need_compiler()
        dtype = _torch.reduced_dtype(program.precision)
        # Not one of the options of `compile`: these take effect after Dynamo has made the weights
        # inputs of the graph, and then nothing is frozen.
        torch._inductor.config.freezing = True
        options: dict[str, Any] = {}
        if settings.device == "cuda":
            options["triton.cudagraphs"] = True
        elif settings.profile:
            options["cpp.enable_kernel_profile"] = True
        if program.precision == "int8":
            from paretune.runtimes import _pt2e

            _pt2e.register()
        with attempt("compiling with Inductor"):
            module = _torch.exported_module(program, settings.device)
            if settings.device == "cuda":
                module.to(memory_format=torch.channels_last)
            plain: Callable[..., Any] = module
            if dtype is not None:
                plain = _torch.autocast(module, dtype, settings.device)
            compiled = torch.compile(plain, dynamic=False, options=options)
            session = _torch.TorchSession(program, settings, compiled)
            session.run(_torch.example_feeds(program, settings.batch))
        return session


def need_compiler() -> None:
    """Make sure that Inductor finds a C++ compiler and can call it.

    Raises:
        UnsupportedError: it cannot, as this machine is now; says what to mend.
    """
    import torch
    from torch._inductor.cpp_builder import get_cpp_compiler

    # Inductor 2.13 passes its library folders to the linker without quoting them.
    if any(character.isspace() for character in torch.__file__):
        raise UnsupportedError(
            f"Inductor cannot link where PyTorch lies in a folder with a space in its name "
            f"({torch.__file__}): install it elsewhere",
            passing=True,
        )
    try:
        get_cpp_compiler()
    except Exception as error:
        raise UnsupportedError(
            f"Inductor needs a C++ compiler and finds none ({first_line(error)}): install g++",
            passing=True,
        ) from error
