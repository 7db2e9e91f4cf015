from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from paretune.core import InputError, TensorSpec
from paretune.sources import Request, load_model, source_of
from paretune.testing.sources import check_source

Nets = Callable[[str], str]
SHAPE = (3, 8, 8)


def test_factory_conforms(nets: Nets, tmp_path: Path) -> None:
    text = nets("build")
    model = check_source(source_of(text), text, tmp_path / "f", Request(input_shape=SHAPE))
    assert model.inputs == (TensorSpec(name="picture", shape=(None, 3, 8, 8), dtype="float32"),)
    assert model.outputs == (TensorSpec(name="output", shape=(None, 5), dtype="float32"),)
    assert model.task == "classification"
    assert model.classes == 5
    assert model.native_runtime == "torch-eager"


def test_several_inputs_and_nested_outputs(nets: Nets, tmp_path: Path) -> None:
    text = nets("two")
    specs = (
        TensorSpec(name="tokens", shape=(None, 6), dtype="int64"),
        TensorSpec(name="extra", shape=(None, 2), dtype="float32"),
    )
    model = check_source(source_of(text), text, tmp_path / "f", Request(input_shape=specs))
    assert [spec.name for spec in model.outputs] == ["scores", "hidden"]
    assert [spec.shape for spec in model.outputs] == [(None, 3), (None, 4)]


def test_batch_of_one_only(nets: Nets, tmp_path: Path) -> None:
    text = nets("one")
    model = check_source(source_of(text), text, tmp_path / "f", Request(input_shape=(2, 4)))
    assert model.inputs[0].shape == (1, 2, 4)
    assert model.outputs[0].shape == (1, 8)


def test_an_instance_and_an_object_are_taken(nets: Nets) -> None:
    named = load_model(nets("ready"), input_shape=SHAPE)
    given = load_model(named.module, input_shape=SHAPE)
    assert named.digest == given.digest
    assert given.source == "module"
    assert given.name == "Net"


def test_digest_tells_models_apart_and_is_the_same_elsewhere(nets: Nets) -> None:
    text = nets("build")
    model = load_model(text, input_shape=SHAPE)
    code = (
        "from paretune.sources import load_model;"
        f"print(load_model({text!r}, input_shape={SHAPE}).digest)"
    )
    source = str(Path(__file__).parents[2] / "src")
    environment = {**os.environ, "PYTHONPATH": source}
    again = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert again.stdout.strip() == model.digest
    assert load_model(text, input_shape=(3, 9, 9)).digest != model.digest
    with torch.no_grad():
        model.module.conv.bias[0] += 1e-3
    assert load_model(model.module, input_shape=SHAPE).digest != model.digest


def test_digest_sees_settings() -> None:
    def digest(**settings: float) -> str:
        module = torch.nn.Linear(4, 2, bias=False)
        torch.nn.init.ones_(module.weight)
        for key, value in settings.items():
            setattr(module, key, value)
        return load_model(module, input_shape=(4,)).digest

    assert digest() == digest()
    assert digest(slope=2.0) != digest()


def test_digest_sees_what_is_no_plain_setting() -> None:
    def digest(**settings: object) -> str:
        module = torch.nn.Identity()
        for key, value in settings.items():
            setattr(module, key, value)
        return load_model(module, input_shape=(4,)).digest

    act = torch.nn.functional.gelu
    assert digest(act=act) != digest(act=torch.nn.functional.relu)
    assert digest(act=lambda x: x + 1) != digest(act=lambda x: x + 2)
    assert digest(act=partial(act, approximate="tanh")) != digest(act=partial(act))
    mean = torch.zeros(3)
    assert digest(mean=mean) == digest(mean=mean.clone()) != digest(mean=mean + 1)
    assert digest(mean=mean.numpy()) != digest(mean=mean.numpy() + 1)
    assert digest(table={"a": [1, mean]}) != digest(table={"a": [1, mean + 1]})
    assert digest(scale=np.float32(0.1)) != digest(scale=np.float32(0.2))
    assert digest(kind=torch.float16) != digest(kind=torch.float32)
    assert digest(mask=torch.eye(3).to_sparse()) == digest(mask=torch.eye(3).to_sparse())

    def slope(by: float) -> Callable[[float], float]:
        return lambda x: x * by

    assert digest(act=slope(0.1)) == digest(act=slope(0.1)) != digest(act=slope(0.2))
    assert digest(names={"a", "b", "c"}) == digest(names={"c", "b", "a"})


def test_digest_sees_a_base_class_and_what_a_method_calls() -> None:
    source = (
        "import torch\n"
        "def inner(x):\n    return x * 1.0\n"
        "def scaled(x):\n    return sum([inner(y) for y in [x]]) + 0.0\n"
        "class Base(torch.nn.Module):\n    def forward(self, x):\n        return scaled(x)\n"
        "class Net(Base):\n    pass\n"
    )
    digests = set()
    for old, new in (("Base", "Base"), ("x * 1.0", "x * 3.0"), ("scaled(x)\n", "-scaled(x)\n")):
        scope: dict[str, Any] = {"__name__": "typed"}
        exec(source.replace(old, new), scope)
        digests.add(load_model(scope["Net"](), input_shape=(4,)).digest)
    assert len(digests) == 3


def test_digest_sees_an_edited_forward(nets: Nets, tmp_path: Path) -> None:
    before = load_model(nets("build"), input_shape=SHAPE)
    name = type(before.module).__module__
    file = tmp_path / f"{name}.py"
    file.write_text(file.read_text().replace("torch.relu(", "torch.tanh("))
    importlib.reload(sys.modules[name])
    assert load_model(nets("build"), input_shape=SHAPE).digest != before.digest


def test_digest_without_source_text() -> None:
    def digest(factor: int) -> str:
        code = f"class Typed(Module):\n    def forward(self, x):\n        return x * {factor}"
        scope = {"Module": torch.nn.Module, "__name__": "typed_at_a_prompt"}
        exec(code, scope)
        return load_model(scope["Typed"](), input_shape=(4,)).digest  # type: ignore[operator]

    assert digest(2) == digest(2)
    assert digest(2) != digest(3)


def test_weights_are_loaded(nets: Nets, tmp_path: Path) -> None:
    state = load_model(nets("build"), input_shape=SHAPE).module.state_dict()
    save_file({key: value + 1 for key, value in state.items()}, tmp_path / "w.safetensors")
    model = load_model(f"{nets('build')}@w.safetensors", input_shape=SHAPE)
    torch.testing.assert_close(model.module.head.bias, state["head.bias"] + 1)
    same = load_model(nets("build"), weights=tmp_path / "w.safetensors", input_shape=SHAPE)
    assert same.digest == model.digest
    with pytest.raises(InputError, match="given twice"):
        load_model(f"{nets('build')}@w.safetensors", weights="x.safetensors", input_shape=SHAPE)


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, ("opened",))


@pytest.mark.parametrize("name", ["w.pth", "w.bin", "w.safetensors"])
@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_pickle_is_refused_unopened(nets: Nets, tmp_path: Path, name: str, how: str) -> None:
    if how == "torch":
        torch.save({"a": _Evil()}, name)
    else:
        Path(name).write_bytes(pickle.dumps({"a": _Evil()}))
    with pytest.raises(InputError, match=r"are a pickle.*convert once with.*save_file"):
        load_model(f"{nets('build')}@{name}", input_shape=SHAPE)
    assert not (tmp_path / "opened").exists()


def test_bad_weights(nets: Nets, tmp_path: Path) -> None:
    text = nets("build")
    state = load_model(text, input_shape=SHAPE).module.state_dict()
    with pytest.raises(InputError, match=r"none\.safetensors does not exist"):
        load_model(f"{text}@none.safetensors", input_shape=SHAPE)
    save_file(state, "whole.safetensors")
    Path("cut.safetensors").write_bytes(Path("whole.safetensors").read_bytes()[:-8])
    with pytest.raises(InputError, match="not a whole safetensors file"):
        load_model(f"{text}@cut.safetensors", input_shape=SHAPE)
    other = {f"module.{key}": value for key, value in state.items()}
    save_file(other, "other.safetensors")
    with pytest.raises(InputError, match=r"4 keys missing \(conv\.weight.*4 unknown keys"):
        load_model(f"{text}@other.safetensors", input_shape=SHAPE)
    save_file({**state, "head.bias": torch.zeros(7)}, "shape.safetensors")
    with pytest.raises(InputError, match=r"head\.bias \[7\] instead of \[5\]"):
        load_model(f"{text}@shape.safetensors", input_shape=SHAPE)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("broken", r":broken: calling it raised RuntimeError: no such checkpoint;"),
        ("number", "returned int: it must return a torch.nn.Module"),
        ("absent", "has no absent"),
        ("NETS.x", "has no NETS.x"),
    ],
)
def test_bad_factories(nets: Nets, factory: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_model(nets(factory), input_shape=SHAPE)
    assert "\n" not in str(caught.value)


def test_a_module_that_does_not_import(nets: Nets, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no module no_such_package"):
        load_model("no_such_package:build")
    (tmp_path / "needs_more.py").write_text("import surely_not_installed")
    with pytest.raises(InputError, match="No module named 'surely_not_installed'"):
        load_model("needs_more:build")


def test_shape_is_asked_for(nets: Nets) -> None:
    with pytest.raises(InputError, match="give --input-shape 3x224x224"):
        load_model(nets("build"))
    with pytest.raises(InputError, match="fails on an input of Nx1x3x8x8"):
        load_model(nets("build"), input_shape=(1, 3, 8, 8))
    with pytest.raises(InputError, match="is not a shape"):
        load_model(nets("build"), input_shape=(3, 0, 8))
    with pytest.raises(InputError, match="cannot be made of int"):
        load_model(3)  # type: ignore[arg-type]
