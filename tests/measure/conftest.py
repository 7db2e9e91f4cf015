"""Programs that the measuring process loads."""

import pytest

from paretune import runtimes
from paretune.data import load_data, materialise
from paretune.sources import load_model
from tests.pipeline.tiny import write_digits, write_onnx


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("measure")


@pytest.fixture(scope="session")
def model(folder):
    return load_model(write_onnx(folder / "tiny.onnx"))


@pytest.fixture(scope="session")
def arrays(folder, model):
    """The search split of 301 digits: 90 samples."""
    dataset = load_data(write_digits(folder / "digits.npz", 301))
    return materialise(dataset, "search", model, folder / "arrays")


@pytest.fixture(scope="session")
def programs(folder, model):
    """The tiny model prepared for each runtime that starts fast."""
    made = {}
    for name in ("openvino", "onnxruntime"):
        place = folder / name
        place.mkdir()
        made[name] = runtimes.get(name).prepare(model, "f32", place)
    return made
