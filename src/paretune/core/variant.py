"""One point of the joint space that is measured and chosen from."""

from __future__ import annotations

from typing import Literal

from paretune.core._base import Noun

Precision = Literal["f32", "tf32", "bf16", "f16", "int8"]
Device = Literal["cpu", "cuda"]

DEVICES: tuple[Device, ...] = ("cpu", "cuda")
PRECISIONS: tuple[Precision, ...] = ("f32", "tf32", "bf16", "f16", "int8")


class Variant(Noun):
    """Architecture x runtime x precision (with its recipe) x threads x streams x batch.

    Attributes:
        architecture: name of the architecture; the model's own name before any search.
        runtime: `torch-eager`, `torch-compile`, `onnxruntime`, `openvino`, ...
        precision: what the weights and activations are computed in where the runtime can.
        recipe: which quantisation recipe made an int8 program, empty otherwise.
        device: `cpu` or `cuda`.
        threads: CPU threads of all streams together.
        streams: requests in flight at once.
        batch: samples in one call.
    """

    architecture: str
    runtime: str
    precision: Precision
    recipe: str = ""
    device: Device = "cpu"
    threads: int = 1
    streams: int = 1
    batch: int = 1

    @property
    def program(self) -> str:
        """Id of what must be built and scored: variants that differ only in threads share it."""
        parts = [self.architecture, self.runtime, self.precision]
        if self.recipe:
            parts.append(self.recipe)
        if self.device != "cpu":
            parts.append(self.device)
        return "/".join(parts)

    @property
    def id(self) -> str:
        """Unique, readable id, such as `net/openvino/int8/fast/t2s1b1`."""
        return f"{self.program}/t{self.threads}s{self.streams}b{self.batch}"
