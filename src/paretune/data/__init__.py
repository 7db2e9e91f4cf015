"""Where samples come from, and how they become model inputs."""

from paretune.data.arrays import ArrayFolder, materialise
from paretune.data.base import SPLITS, Dataset, Raw, Samples
from paretune.data.load import load_data
from paretune.data.preprocess import apply, batch
from paretune.data.registry import Format, Opened, find, formats, register
from paretune.data.splits import split

__all__ = [
    "SPLITS",
    "ArrayFolder",
    "Dataset",
    "Format",
    "Opened",
    "Raw",
    "Samples",
    "apply",
    "batch",
    "find",
    "formats",
    "load_data",
    "materialise",
    "register",
    "split",
]
