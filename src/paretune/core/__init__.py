"""The nouns of Paretune, plain and typed; imports nothing else of Paretune."""

from paretune.core._base import Noun
from paretune.core.errors import (
    InputError,
    InterruptedRunError,
    MissingPackageError,
    ParetuneError,
    UnsupportedError,
    WorkerError,
)
from paretune.core.measurement import (
    Ci95,
    Estimate,
    Latency,
    LayerTime,
    Score,
    VariantRecord,
)
from paretune.core.model import Model, Task, TensorSpec
from paretune.core.preprocessing import (
    ImagePreprocessing,
    Interpolation,
    Preprocessing,
    TextPreprocessing,
)
from paretune.core.progress import Progress, Silent
from paretune.core.result import (
    SCHEMA,
    BenchRatio,
    BenchRecord,
    Condition,
    ConstraintResult,
    DatasetSummary,
    Holdout,
    Ledger,
    Ratios,
    Result,
)
from paretune.core.target import Gpu, Target
from paretune.core.variant import PRECISIONS, Device, Precision, Variant

__all__ = [
    "PRECISIONS",
    "SCHEMA",
    "BenchRatio",
    "BenchRecord",
    "Ci95",
    "Condition",
    "ConstraintResult",
    "DatasetSummary",
    "Device",
    "Estimate",
    "Gpu",
    "Holdout",
    "ImagePreprocessing",
    "InputError",
    "InterruptedRunError",
    "Interpolation",
    "Latency",
    "LayerTime",
    "Ledger",
    "MissingPackageError",
    "Model",
    "Noun",
    "ParetuneError",
    "Precision",
    "Preprocessing",
    "Progress",
    "Ratios",
    "Result",
    "Score",
    "Silent",
    "Target",
    "Task",
    "TensorSpec",
    "TextPreprocessing",
    "UnsupportedError",
    "Variant",
    "VariantRecord",
    "WorkerError",
]
