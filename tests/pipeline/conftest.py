"""Whole runs that many tests look at."""

import json
import os
from pathlib import Path

import pytest

from paretune.core import SearchSummary, TensorSpec
from paretune.pipeline import optimize
from paretune.sources import load_model
from paretune.store import Store
from tests.pipeline.tiny import write_digits, write_onnx


class Told:
    """A progress that remembers."""

    def __init__(self):
        self.stages, self.steps, self.notes = [], [], []

    def stage(self, name, total):
        self.stages.append(name)

    def step(self, text):
        self.steps.append(text)

    def note(self, text):
        self.notes.append(text)


def nothing_searched():
    """The summary of a search that only stands in for one."""
    counts = dict.fromkeys(SearchSummary.model_fields, 0)
    return SearchSummary(**counts | {"points": (), "judged_by": "accuracy", "ranked": None})


class Run:
    """What a run left in its folder, read as a script would, and what it told."""

    def __init__(self, out, result, told):
        self.out, self.result, self.told = Path(out), result, told

    @property
    def json(self):
        return json.loads((self.out / "result.json").read_text())

    @property
    def journal(self):
        lines = (self.out / "measurements.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def variants(self, **wanted):
        """Variants whose fields are as wanted."""
        return [
            variant
            for variant in self.json["variants"]
            if all(variant[key] == value for key, value in wanted.items())
        ]


def run(model, data, out, **options):
    """Optimise with a budget that is short but suffices here."""
    told = Told()
    options = {"threads": (1,), "runtimes": ("onnxruntime",), "budget": "60s"} | options
    result = optimize(str(model), data, out=out, progress=told, **options)
    return Run(out, result, told)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """Folder of `tiny.onnx`, `digits.npz` (all), and `unlabelled.npz` (300 digits)."""
    folder = tmp_path_factory.mktemp("inputs")
    write_onnx(folder / "tiny.onnx")
    write_digits(folder / "digits.npz")
    write_digits(folder / "unlabelled.npz", 300, labelled=False)
    return folder


@pytest.fixture(scope="session")
def module_run(inputs, tmp_path_factory):
    """The whole trip of a PyTorch module through three runtimes."""
    model = load_model(
        "tests.pipeline.nets:digits",
        input_shape=(TensorSpec(name="image", shape=(None, 1, 8, 8), dtype="float32"),),
    )
    told = Told()
    out = tmp_path_factory.mktemp("module") / "run of a module"
    result = optimize(
        model,
        str(inputs / "digits.npz"),
        out=out,
        runtimes=("openvino", "onnxruntime", "torch-eager"),
        precisions=("f32", "int8"),
        budget="120s",
        progress=told,
    )
    return Run(out, result, told)


@pytest.fixture(scope="session")
def onnx_run(inputs, tmp_path_factory):
    """The trip of an ONNX file through two runtimes, with a store of its own."""
    folder = tmp_path_factory.mktemp("onnx")
    store = folder / "store.sqlite"
    with Store.open(f"sqlite:///{store}") as shelf:
        found = run(
            inputs / "tiny.onnx",
            str(inputs / "digits.npz"),
            folder / "first",
            runtimes=("onnxruntime", "openvino"),
            precisions=("f32", "int8"),
            budget="60s",
            store=shelf,
        )
    found.store = store
    return found


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """A cache and a store that no other test has used."""
    monkeypatch.setenv("PARETUNE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def environment(**more):
    """Environment of a `paretune` process that a test starts."""
    root = Path(__file__).resolve().parents[2]
    return os.environ | {"PYTHONPATH": str(root), "COLUMNS": "100"} | more
