"""The one face that every source shows.

A source knows one form of MODEL text and brings the model behind it in. It is found by asking the
registered sources in order which of them recognises the text.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from paretune.core import Model, Preprocessing, Task, TensorSpec


@dataclass(frozen=True)
class Request:
    """What the caller says about the model beyond its text; None leaves it to the source.

    Attributes:
        weights: a safetensors file to load into the module, or the word `random`.
        input_shape: shape of one sample without the batch axis, or full specs of every input.
        preprocessing: how a raw sample becomes an input, or its text form
            (`imagenet`, `unit`, a JSON file).
        labels: class names by index.
        task: overrides the detected task.
    """

    weights: Path | None = None
    input_shape: Sequence[int] | Sequence[TensorSpec] | None = None
    preprocessing: Preprocessing | str | None = None
    labels: Sequence[str] | None = None
    task: Task | None = None


class Source(ABC):
    """One form a model comes in. Stateless; heavy imports happen inside `load`."""

    name: ClassVar[str]
    #: How a MODEL text of this source looks, for messages, such as `FILE.onnx`.
    form: ClassVar[str]
    #: Sources are asked in ascending rank: a form that another one's texts also have comes later.
    rank: ClassVar[int] = 0
    #: Whether a text names code that `load` runs: never done for a text that came with a file.
    runs_code: ClassVar[bool] = False

    @abstractmethod
    def match(self, text: str) -> bool:
        """Whether `text` has this source's form; must be quick and never raise."""

    @abstractmethod
    def load(self, text: str, request: Request) -> Model:
        """Bring the model in.

        Raises:
            InputError: what is behind `text` cannot be used; one sentence with the mend.
        """
