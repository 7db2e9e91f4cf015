"""PyTorch eager: the module as it came, default memory format, nothing compiled."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from paretune.core import Device, Model, Precision, Target, UnsupportedError
from paretune.core.target import BF16_ISA
from paretune.runtimes import _pt2, _torch
from paretune.runtimes._common import attempt, first_line, fixed_batch, forms_folder
from paretune.runtimes.base import Feeds, Program, Runtime, Session, Settings

MODULE_FILE = "model.pt2"
WEIGHTS_FILE = "weights.safetensors"
REASON_FILE = "not-exported.txt"


class EagerSession(_torch.TorchSession):
    """A session of which nothing is compiled for a batch."""

    def of_batch(self, batch: int) -> EagerSession:
        """See `Session.of_batch`."""
        settings = self._settings.model_copy(update={"batch": batch})
        return EagerSession(self._program, settings, self._function, dtype=self._dtype)


class TorchEager(Runtime):
    """PyTorch without a compiler.

    The module itself travels pickled in `Program.payload`, never on disk. An exported program is
    written beside it, from which an artifact is made and which is run where there is no payload.
    A module that cannot be exported has its weights written instead, with the reason.
    """

    name: ClassVar[str] = "torch-eager"
    packages: ClassVar[tuple[str, ...]] = ("torch",)
    install: ClassVar[str] = _torch.INSTALL
    #: What `load` gives.
    session: ClassVar[type[_torch.TorchSession]] = EagerSession

    def precisions(self, target: Target, device: Device) -> tuple[Precision, ...]:
        """F32; bf16 where the CPU has it in hardware; tf32, bf16 and f16 on CUDA."""
        return _torch.precisions(target, device)

    def isa_environment(self, cap: str) -> Mapping[str, str]:
        """See `_torch.isa_environment`."""
        return _torch.isa_environment(cap)

    def recipes(self) -> tuple[str, ...]:
        """None: eager PyTorch has no int8."""
        return ()

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
        """Pickle the module and write it exported too."""
        if model.module is None:
            form = "ONNX" if model.onnx is not None else "OpenVINO"
            raise UnsupportedError(f"{self.name} runs PyTorch modules, and the model is {form}")
        if precision == "int8" or (device == "cpu" and precision in ("tf32", "f16")):
            raise UnsupportedError(f"{self.name} has no {precision} on {device}")
        from paretune.sources import forms

        payload = _pickled(model.module)
        files = _written(model, folder)
        why = "" if MODULE_FILE in files else _reason(folder)
        if payload is None and why:
            raise UnsupportedError(
                "the module can be neither pickled nor exported, so no other process can run it: "
                + why
            )
        max_batch = fixed_batch([spec.shape for spec in model.inputs])
        if payload is None:
            max_batch = forms.batch_of(_pt2.load(folder / MODULE_FILE))
        return Program(
            runtime=self.name,
            precision=precision,
            recipe=recipe,
            folder=folder,
            files=files,
            inputs=model.inputs,
            outputs=model.outputs,
            max_batch=max_batch,
            needs_isa=BF16_ISA if precision == "bf16" and device == "cpu" else (),
            needs_code=why,
            payload=payload,
        )

    def load(self, program: Program, settings: Settings) -> Session:
        """Unpickle the module sent along, or load the exported program where none was."""
        torch = _torch.set_up(program, settings)
        dtype = _torch.reduced_dtype(program.precision)
        with attempt("loading the module"):
            if program.payload is not None:
                module = pickle.loads(program.payload).eval().to(settings.device)
                if dtype is not None:
                    _torch.cast_module(module, dtype)
                function: Callable[..., Any] = module
            else:
                if program.files[0] != MODULE_FILE:
                    raise UnsupportedError(
                        f"there are weights alone, because {_reason(program.folder)}: load "
                        f"{WEIGHTS_FILE} into the model's own code"
                    )
                module = _torch.exported_module(program, settings.device)
                function = _torch.autocast(module, dtype, settings.device) if dtype else module
                dtype = None  # autocast casts inputs by itself
            if settings.device == "cuda":
                module.to(memory_format=torch.channels_last)
        return self.session(program, settings, function, dtype=dtype)


def _reason(folder: Path) -> str:
    """Why the module was not exported."""
    return (folder / REASON_FILE).read_text(encoding="utf-8").strip()


def _pickled(module: Any) -> bytes | None:
    """The module pickled, or None where its class cannot be, such as one defined in a function.

    An exported program is none: it is run from its file.
    """
    from torch import nn

    if not isinstance(module, nn.Module):
        return None
    try:
        return pickle.dumps(module, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


def _written(model: Model, folder: Path) -> tuple[str, ...]:
    """Write the exported program, or the bare weights and why it could not be exported."""
    from paretune.sources import forms

    try:
        _pt2.copy(forms.exported(model, forms_folder(model)), folder / MODULE_FILE)
    except UnsupportedError as error:
        from safetensors.torch import save_model

        (folder / REASON_FILE).write_text(first_line(error) + "\n", encoding="utf-8")
        with attempt("writing the weights"):
            save_model(model.module, str(folder / WEIGHTS_FILE))
        return (WEIGHTS_FILE, REASON_FILE)
    return (MODULE_FILE,)
