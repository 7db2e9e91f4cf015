"""The model the user brings, whatever form it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from paretune.core._base import Noun
from paretune.core.preprocessing import Preprocessing

Task = Literal["classification", "other"]


class TensorSpec(Noun):
    """One input or output of a model.

    Attributes:
        name: the name by which feeds address it.
        shape: sizes by axis; `None` is a dynamic axis; axis 0 is the batch.
        dtype: numpy dtype name, such as `float32` or `int64`.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def concrete(self, batch: int) -> tuple[int, ...]:
        """The shape with `batch` on axis 0 and 1 on every other dynamic axis."""
        if not self.shape:
            return ()
        return (batch, *(1 if size is None else size for size in self.shape[1:]))


@dataclass(frozen=True)
class Model:
    """A model with its inputs, task and preprocessing, in the form it came in.

    Exactly one of `module`, `onnx` and `openvino` is the form it came in; a runtime that needs
    another form asks `paretune.sources.forms` for the conversion.

    Attributes:
        name: the MODEL text as the user wrote it.
        source: the name of the source that brought it in, such as `huggingface`.
        inputs: every input, in call order.
        outputs: every output, in order; the first one is scored.
        task: `classification` when the first output is (batch, classes) scores.
        digest: sha256 hex of structure and weights; equal digests mean equal models.
        preprocessing: how a raw sample becomes an input, or None when samples are tensors.
        labels: class names by index, where known.
        module: a `torch.nn.Module` in eval mode, called as `module(*inputs)`.
        onnx: an ONNX file.
        openvino: an OpenVINO IR `.xml`, TensorFlow SavedModel folder or `.tflite` file.
    """

    name: str
    source: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    task: Task
    digest: str
    preprocessing: Preprocessing | None = None
    labels: tuple[str, ...] | None = None
    module: Any = field(default=None, repr=False, compare=False)
    onnx: Path | None = None
    openvino: Path | None = None

    @property
    def architecture(self) -> str:
        """Short name for tables and ids: the last part of the MODEL text, weights left out."""
        text = self.name.partition("@")[0].rstrip("/").replace(":", "/").rsplit("/", 1)[-1]
        return text.rsplit(".", 1)[0] if self.module is None else text

    @property
    def native_runtime(self) -> str:
        """The runtime the model came in: the baseline is measured there."""
        if self.module is not None:
            return "torch-eager"
        return "onnxruntime" if self.onnx is not None else "openvino"

    @property
    def classes(self) -> int | None:
        """Number of classes of a classifier, None for other tasks."""
        return self.outputs[0].shape[-1] if self.task == "classification" else None
