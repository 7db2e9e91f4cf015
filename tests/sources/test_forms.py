from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from paretune.core import TensorSpec, UnsupportedError
from paretune.sources import forms, load_model
from paretune.sources._specs import example_arrays
from paretune.testing.sources import native_outputs


class Mix(torch.nn.Module):
    """Two inputs and two outputs, whose order conversions must keep."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.scale = torch.nn.Linear(3, 4)

    def forward(self, zebra: torch.Tensor, apple: torch.Tensor) -> dict[str, torch.Tensor]:
        scores = self.scale(zebra) - apple
        return {"scores": scores, "best": scores.argmax(1)}


SPECS = (
    TensorSpec(name="zebra", shape=(None, 3), dtype="float32"),
    TensorSpec(name="apple", shape=(None, 4), dtype="float32"),
)


def test_onnx_keeps_names_order_and_batch(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = load_model(Mix(), input_shape=SPECS)
    file = forms.as_onnx(model, tmp_path)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [port.name for port in session.get_inputs()] == ["zebra", "apple"]
    assert [port.name for port in session.get_outputs()] == ["scores", "best"]
    for batch in (1, 2, 5):
        arrays = example_arrays(model.inputs, batch, seed=batch)
        feeds = dict(zip(("zebra", "apple"), arrays, strict=True))
        for one, two in zip(session.run(None, feeds), native_outputs(model, arrays), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5)
    assert sorted(path.name for path in file.parent.iterdir()) == ["model.onnx"]


def test_exported_program_is_saved_with_a_free_batch(tmp_path: Path) -> None:
    model = load_model(Mix(), input_shape=SPECS)
    program = torch.export.load(forms.exported(model, tmp_path))
    assert forms.batch_of(program) is None
    arrays = example_arrays(model.inputs, 7)
    answer = program.module()(*(torch.from_numpy(array) for array in arrays))
    torch.testing.assert_close(answer[0].detach().numpy(), native_outputs(model, arrays)[0])


class Rowwise(torch.nn.Module):
    """Runs for any batch, but its loop over the batch cannot be traced for a free one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[row] * (row + 1) for row in range(int(x.shape[0]))])


class Branching(torch.nn.Module):
    """Looks at values to decide, which no export can follow."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if bool((x.sum() > 0).item()) else x


def test_a_module_that_exports_for_one_sample_only(tmp_path: Path) -> None:
    model = load_model(Rowwise(), input_shape=(3,))
    assert model.inputs[0].shape == (None, 3)
    assert forms.batch_of(forms.exported_program(model)) == 1


def test_what_cannot_be_exported_says_so(tmp_path: Path) -> None:
    model = load_model(Branching(), input_shape=(3,))
    for form in (forms.exported, forms.as_onnx, forms.as_openvino):
        with pytest.raises(UnsupportedError) as caught:
            form(model, tmp_path)
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_openvino_without_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no translation for this operator")

    model = load_model(Mix(), input_shape=SPECS)
    monkeypatch.setattr(torch.onnx, "export", fails)
    with pytest.raises(UnsupportedError, match="no translation for this operator"):
        forms.as_onnx(model, tmp_path)
    import openvino as ov

    compiled = ov.compile_model(
        forms.as_openvino(model, tmp_path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    assert [port.any_name for port in compiled.inputs] == ["zebra", "apple"]
    arrays = example_arrays(model.inputs, 3)
    answers = compiled(dict(zip(("zebra", "apple"), arrays, strict=True)))
    np.testing.assert_allclose(answers["scores"], native_outputs(model, arrays)[0], rtol=1e-5)


def test_two_who_ask_at_once_get_one_whole_form(tmp_path: Path) -> None:
    model = load_model(Mix(), input_shape=SPECS)
    gate = threading.Barrier(2)
    found: list[Path] = []

    def write(file: Path) -> None:
        file.write_text("first half, ")
        gate.wait(timeout=10)
        file.write_text("first half, second half")

    def ask() -> None:
        found.append(forms._once(model, tmp_path, "text", "model.txt", write))

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(set(found)) == 1
    assert found[0].read_text() == "first half, second half"
    assert [path.name for path in tmp_path.iterdir()] == [found[0].parent.name]


def test_a_failed_conversion_leaves_nothing(tmp_path: Path) -> None:
    model = load_model(Mix(), input_shape=SPECS)

    def write(file: Path) -> None:
        file.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        forms._once(model, tmp_path, "text", "model.txt", write)
    assert list(tmp_path.iterdir()) == []


def test_an_ir_with_other_port_names_is_read_and_renamed(tmp_path):
    import openvino as ov

    folder = tmp_path / "ir"
    folder.mkdir()
    x = ov.opset13.parameter([1, 4], np.float32, name="inner")
    ov.save_model(ov.Model([ov.opset13.relu(x)], [x], "net"), folder / "net.xml")
    model = load_model(folder / "net.xml")
    renamed = dataclasses.replace(
        model, inputs=(TensorSpec(name="x", shape=(1, 4), dtype="float32"),)
    )
    graph = ov.Core().read_model(forms.as_openvino(renamed, tmp_path / "forms"))
    assert graph.inputs[0].get_any_name() == "x"
