"""The nouns of Paretune, plain and typed; imports nothing else of Paretune."""

from paretune.core import user_code
from paretune.core._base import Noun
from paretune.core.constraint import DEFAULT_CONSTRAINT, UNLABELLED_CONSTRAINTS, Constraint
from paretune.core.constraint import parse as parse_constraint
from paretune.core.errors import (
    InputError,
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
from paretune.core.metric import (
    ALIASES,
    FIGURES,
    QUALITY,
    Figure,
    cost_per_million,
    measured,
    quality,
)
from paretune.core.model import Model, Task, TensorSpec
from paretune.core.objective import OBJECTIVES, UNDER_LOAD, Objective
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
from paretune.core.search_summary import Change, Ranked, SearchPoint, SearchSummary
from paretune.core.target import Gpu, Target
from paretune.core.variant import DEVICES, PRECISIONS, Device, Precision, Variant

__all__ = [
    "ALIASES",
    "DEFAULT_CONSTRAINT",
    "DEVICES",
    "FIGURES",
    "OBJECTIVES",
    "PRECISIONS",
    "QUALITY",
    "SCHEMA",
    "UNDER_LOAD",
    "UNLABELLED_CONSTRAINTS",
    "BenchRatio",
    "BenchRecord",
    "Change",
    "Ci95",
    "Condition",
    "Constraint",
    "ConstraintResult",
    "DatasetSummary",
    "Device",
    "Estimate",
    "Figure",
    "Gpu",
    "Holdout",
    "ImagePreprocessing",
    "InputError",
    "Interpolation",
    "Latency",
    "LayerTime",
    "Ledger",
    "MissingPackageError",
    "Model",
    "Noun",
    "Objective",
    "ParetuneError",
    "Precision",
    "Preprocessing",
    "Progress",
    "Ranked",
    "Ratios",
    "Result",
    "Score",
    "SearchPoint",
    "SearchSummary",
    "Silent",
    "Target",
    "Task",
    "TensorSpec",
    "TextPreprocessing",
    "UnsupportedError",
    "Variant",
    "VariantRecord",
    "WorkerError",
    "cost_per_million",
    "measured",
    "parse_constraint",
    "quality",
    "user_code",
]
