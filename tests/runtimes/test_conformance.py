"""Every runtime against the shared suite, on a convolutional and a two-input model."""

import numpy as np
import pytest
import torch

from paretune import runtimes
from paretune.core import Gpu, UnsupportedError
from paretune.engine import machine
from paretune.testing import runtimes as suite
from tests.runtimes import models

CPU = machine.detect()
GPU = CPU.model_copy(update={"gpus": (Gpu(name="any", memory_mb=8e4, capability="9.0"),)})
OFFERED = [
    (name, p) for name in runtimes.names() for p in runtimes.get(name).precisions(CPU, "cpu")
]
RUNTIMES = list(dict.fromkeys(name for name, _ in OFFERED))
ON_GPU = [name for name in runtimes.names() if runtimes.get(name).precisions(GPU, "cuda")]
MODELS = {"conv": models.conv_model(), "two": models.two_input_model()}


def reference_of(model):
    def reference(feeds):
        tensors = [torch.from_numpy(np.array(feeds[spec.name])) for spec in model.inputs]
        with torch.no_grad():
            outputs = model.module(*tensors)
        return [t.numpy() for t in ([outputs] if torch.is_tensor(outputs) else outputs)]

    return reference


def feeds_for(model):
    return lambda batch, seed: models.feeds_of(model, batch, seed)


def cases():
    """Each runtime and precision with each model, but for one slow pair that tells little."""
    for name, precision in OFFERED:
        for kind in MODELS:
            if (name, precision, kind) != ("torch-compile", "bf16", "two"):
                yield name, precision, kind


@pytest.mark.parametrize(("name", "precision", "kind"), list(cases()))
def test_conformance(name, precision, kind, tmp_path):
    model = MODELS[kind]
    suite.check_runtime(
        runtimes.get(name),
        model,
        CPU,
        tmp_path,
        make_feeds=feeds_for(model),
        reference=reference_of(model),
        precisions=(precision,),
    )


@pytest.mark.parametrize("name", RUNTIMES)
def test_refusals(name, tmp_path):
    model = MODELS["conv"]
    suite.check_unsupported(runtimes.get(name), model, feeds_for(model), tmp_path)


@pytest.mark.parametrize("name", RUNTIMES)
def test_layers(name, tmp_path):
    runtime, model = runtimes.get(name), MODELS["conv"]
    program = suite.prepare(runtime, model, "f32", feeds_for(model), tmp_path / "f32")
    suite.check_layers(runtime, program, models.feeds_of(model, 1))


@pytest.mark.parametrize(
    ("name", "recipe"), [(name, r) for name in RUNTIMES for r in runtimes.get(name).recipes()]
)
def test_int8_recipe_keeps_accuracy(name, recipe, tmp_path):
    """On inputs like the calibration ones, int8 is within a few percent of f32."""
    runtime, model = runtimes.get(name), MODELS["conv"]
    program = suite.prepare(
        runtime, model, "int8", feeds_for(model), tmp_path / "int8", recipe=recipe
    )
    session = runtime.load(program, runtimes.Settings(batch=8))
    feeds = models.feeds_of(model, 8, seed=77)
    want = reference_of(model)(feeds)[0]
    error = np.abs(session.run(feeds)[0] - want).max() / np.abs(want).max()
    assert 0 < error < 0.05


@pytest.mark.parametrize("name", RUNTIMES)
def test_prepare_says_nothing_on_the_console(name, tmp_path, capfd):
    runtime, model = runtimes.get(name), MODELS["conv"]
    precision = "int8" if runtime.recipes() else "f32"
    program = suite.prepare(runtime, model, precision, feeds_for(model), tmp_path / "p")
    runtime.load(program, runtimes.Settings()).run(models.feeds_of(model, 1))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_precision_it_has_not_is_a_reason(name, tmp_path):
    with pytest.raises(UnsupportedError, match="has no f16 on cpu"):
        runtimes.get(name).prepare(MODELS["conv"], "f16", tmp_path)


def test_some_runtimes_are_for_gpus_alone():
    assert set(ON_GPU) - set(RUNTIMES) == {
        "torch-graph",
        "onnxruntime-cuda",
        "onnxruntime-tensorrt",
    }
    assert "torch-eager" in ON_GPU


@pytest.mark.cuda
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", ON_GPU)
def test_conformance_on_a_gpu(name, kind, tmp_path):
    absent = runtimes.available()[name].reason
    if absent:
        pytest.skip(absent)
    model = MODELS[kind]
    suite.check_runtime(
        runtimes.get(name),
        model,
        GPU,
        tmp_path,
        make_feeds=feeds_for(model),
        reference=reference_of(model),
        device="cuda",
    )
