"""Where samples come from, and how they become model inputs."""

from paretune.data._images import ImageFiles, open_image
from paretune.data._memory import ImageArray, TensorSamples
from paretune.data.array_folder import ArrayFolder
from paretune.data.arrays import materialise
from paretune.data.base import SPLITS, Dataset, Raw, Samples
from paretune.data.check import check_against
from paretune.data.load import load_data
from paretune.data.preprocess import apply, batch
from paretune.data.random_inputs import random_arrays, random_inputs
from paretune.data.registry import Format, Opened, find, formats, register
from paretune.data.splits import split

__all__ = [
    "SPLITS",
    "ArrayFolder",
    "Dataset",
    "Format",
    "ImageArray",
    "ImageFiles",
    "Opened",
    "Raw",
    "Samples",
    "TensorSamples",
    "apply",
    "batch",
    "check_against",
    "find",
    "formats",
    "load_data",
    "materialise",
    "open_image",
    "random_arrays",
    "random_inputs",
    "register",
    "split",
]
