"""What `import paretune` offers, with objects in place of texts."""

import re
import subprocess
import sys

import numpy as np
import pytest
from torch import nn

import paretune
from paretune.core import InputError
from tests.pipeline import nets
from tests.pipeline.conftest import environment
from tests.pipeline.tiny import digits

OPTIONS = {"threads": (1,), "precisions": ("f32",), "budget": "60s"}
SHAPE = (1, 8, 8)


class Own(nn.Module):
    """A module whose class only this test file knows."""

    def __init__(self):
        super().__init__()
        self.net = nets.digits()

    def forward(self, image):
        return self.net(image) * 2


@pytest.fixture(scope="module")
def samples():
    x, y = digits()
    order = np.random.default_rng(0).permutation(len(x))[:300]
    return x[order], y[order]


@pytest.fixture(scope="module")
def optimised(samples, tmp_path_factory):
    out = tmp_path_factory.mktemp("api") / "out"
    result = paretune.optimize(
        Own(), samples, out=out, runtimes=("onnxruntime",), input_shape=SHAPE, **OPTIONS
    )
    return out, result


def test_a_module_and_arrays_are_optimised(optimised, samples):
    out, result = optimised
    x, y = samples
    assert result.model == "Own"
    assert result.dataset.name == "arrays"
    assert result.dataset.metric == "top1"
    # Only ONNX Runtime was asked for, and the baseline is still the module as it came.
    assert result.variant(result.baseline).runtime == "torch-eager"
    assert result.variant(result.chosen).runtime == "onnxruntime"
    with paretune.load(out / "artifact") as predictor:
        rows = predictor.predict(x[:20])
    assert np.mean([row.index == label for row, label in zip(rows, y, strict=False)]) > 0.8
    assert not any("exported program" in c.text for c in result.conditions)


def test_a_bench_takes_models_of_every_kind_at_once(samples):
    model = paretune.load_model(nets.digits(), input_shape=SHAPE)
    record = paretune.bench(
        [model, Own()],
        runtimes=("onnxruntime",),
        precisions=("f32",),
        threads=(1,),
        baseline="Digits",
        seconds=0.2,
        starts=2,
        input_shape=SHAPE,
    )
    assert {v.architecture for v in record.variants} == {"Digits", "Own"}
    assert all(v.status == "ok" and v.latency_ms for v in record.variants)
    assert record.baseline == "Digits/onnxruntime/f32/t1s1b1"
    (ratio,) = record.ratios
    assert ratio.id.startswith("Own/")
    assert ratio.latency.ci95[0] <= ratio.latency.value <= ratio.latency.ci95[1]


def test_data_is_loaded_once_and_given_as_it_is(samples):
    dataset = paretune.load_data(samples, seed=1)
    assert {name: len(rows) for name, rows in dataset.splits.items()} == {
        "train": 120,
        "search": 90,
        "holdout": 90,
    }
    assert paretune.load_data(dataset) is dataset


def test_errors_have_one_root():
    assert issubclass(paretune.InputError, paretune.ParetuneError)
    with pytest.raises(paretune.ParetuneError):
        paretune.load_model("no-such-model")
    with pytest.raises(InputError, match="cannot be made of int"):
        paretune.load_model(3)


SCRIPT = """
import sys
import numpy as np, torch
from torch import nn
import paretune

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(16, 4)
    def forward(self, x):
        return torch.relu(self.head(x))

class Told:
    def stage(self, name, total): print("stage", name)
    def step(self, text): pass
    def note(self, text): print("note", text)

torch.manual_seed(0)
x = np.random.default_rng(0).standard_normal((150, 16)).astype(np.float32)
result = paretune.optimize(
    Net(), (x, None), out=sys.argv[1], input_shape=(16,), budget="12s", threads=(1,),
    runtimes=("onnxruntime",), precisions=("f32",), progress=Told(),
)
print("chosen", result.chosen, *(c.kind for c in result.conditions))
"""


def test_a_script_without_a_guard_may_define_its_own_module(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py", "out"],
        cwd=tmp_path,
        env=environment(PARETUNE_HOME=str(tmp_path / "home")),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("stage bring in") == 1  # no process ran the script again
    assert "note the module cannot be sent to another process (Net is defined in" in done.stdout
    assert re.search(r"chosen Net/.+/f32/t1s1b1 labels fallback", done.stdout)
    with paretune.load(tmp_path / "out" / "artifact") as predictor:
        assert len(predictor.predict(np.zeros((3, 16), np.float32))) == 3
