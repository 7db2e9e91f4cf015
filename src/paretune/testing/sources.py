"""Conformance of a source: what every one must hold, whatever form it brings a model from."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretune.core import Model
from paretune.sources import Request, Source, forms, source_of
from paretune.sources._specs import example_arrays

Arrays = list[NDArray[Any]]


def check_source(source: Source, text: str, folder: Path, request: Request | None = None) -> Model:
    """Load `text` and check all that the rest of the library relies on.

    The model is found by its text, loads to equal digests, describes inputs and outputs that
    it really has, travels between processes, and answers the same once converted to OpenVINO,
    under the same names in the same order.

    Args:
        source: a registered source.
        text: a MODEL text of its form, of a model that runs on random inputs.
        folder: an empty folder for conversions.
        request: what the caller says beside the text.

    Returns:
        The loaded model, for checks of the source's own.

    Raises:
        AssertionError: it does not conform; the message says how.
    """
    request = request or Request()
    assert source.match(text), f"{source.name} does not recognise {text}"
    assert source_of(text) is source, f"{source_of(text).name} answers for {text} instead"
    for other in ("", "no such model", "no-such-model", "."):
        assert not source.match(other), f"{source.name} recognises {other!r}"
    model = source.load(text, request)
    assert model.digest == source.load(text, request).digest, "two loads have two digests"
    assert model.name == text
    assert model.source == source.name
    _check_nouns(model)
    travelled = pickle.loads(pickle.dumps(model))
    feeds = example_arrays(model.inputs, 2)
    answers = native_outputs(travelled, feeds)
    _check_outputs(model, answers)
    _check_openvino(model, folder, feeds, answers)
    return model


def _check_nouns(model: Model) -> None:
    came = [form for form in (model.module, model.onnx, model.openvino) if form is not None]
    assert len(came) == 1, "a model comes in exactly one form"
    assert model.inputs, "a model has inputs"
    assert model.outputs, "a model has outputs"
    for specs in (model.inputs, model.outputs):
        names = [spec.name for spec in specs]
        assert len(set(names)) == len(names), f"names are not unique: {names}"
        for spec in specs:
            np.dtype(spec.dtype)
    assert len(model.digest) == 64, "the digest is sha256 in hex"
    if model.labels is not None and model.classes is not None:
        assert len(model.labels) == model.classes, "one label per class"


def native_outputs(model: Model, arrays: Arrays) -> Arrays:
    """Outputs in the form the model came in, f32, in order."""
    if model.module is not None:
        import torch

        assert not model.module.training, "a module comes in eval mode"
        with torch.inference_mode():
            answer = model.module(*(torch.from_numpy(array) for array in arrays))
        several = answer if isinstance(answer, tuple) else (answer,)
        return [tensor.numpy() for tensor in several]
    feeds = {spec.name: array for spec, array in zip(model.inputs, arrays, strict=True)}
    if model.onnx is not None:
        import onnxruntime

        session = onnxruntime.InferenceSession(model.onnx, providers=["CPUExecutionProvider"])
        return list(session.run([spec.name for spec in model.outputs], feeds))
    assert model.openvino is not None
    return _openvino(model.openvino, arrays)


def _openvino(file: Path, arrays: Arrays) -> Arrays:
    import openvino as ov

    compiled = ov.compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    answers = compiled(dict(enumerate(arrays)))
    return [answers[index] for index in range(len(compiled.outputs))]


def _check_outputs(model: Model, answers: Arrays) -> None:
    assert len(answers) == len(model.outputs), "outputs are described one by one"
    for spec, answer in zip(model.outputs, answers, strict=True):
        assert str(answer.dtype) == spec.dtype, f"{spec.name} is {answer.dtype}"
        fits = len(answer.shape) == len(spec.shape) and all(
            size in (None, real) for size, real in zip(spec.shape, answer.shape, strict=True)
        )
        assert fits, f"{spec.name} is {answer.shape}, not {spec.shape}"


def _check_openvino(model: Model, folder: Path, feeds: Arrays, answers: Arrays) -> None:
    import openvino as ov

    file = forms.as_openvino(model, folder)
    assert forms.as_openvino(model, folder) == file, "a conversion is found again"
    graph = ov.Core().read_model(file)
    for ports, specs in ((graph.inputs, model.inputs), (graph.outputs, model.outputs)):
        for port, spec in zip(ports, specs, strict=True):
            assert spec.name in port.get_names(), f"{spec.name} is {port.get_names()}"
    for spec, one, two in zip(model.outputs, answers, _openvino(file, feeds), strict=True):
        worst = float(np.abs(one.astype(np.float64) - two).max(initial=0.0))
        size = float(np.abs(one.astype(np.float64)).max(initial=0.0))
        assert worst <= 1e-3 * max(size, 1.0), f"{spec.name} differs by {worst}"
