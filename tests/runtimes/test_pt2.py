import io
import json
import pickle
import zipfile

import pytest
import torch

from paretune.core import InputError
from paretune.runtimes import _pt2, _pt2_code
from paretune.sources import forms
from tests.runtimes import models


class Evil:
    """Writes a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("pt2") / "model.pt2"
    _pt2.save(forms.exported_program(models.two_input_model()), path)
    return path


@pytest.fixture
def trap(tmp_path):
    return tmp_path / "touched"


def rewritten(archive, folder, changes):
    """The archive with records replaced by `changes[name](old bytes)`, or added."""
    path = folder / "bad.pt2"
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(path, "w") as new:
        root = old.namelist()[0].split("/")[0]
        names = [name.split("/", 1)[1] for name in old.namelist()]
        for name in names + [name for name in changes if name not in names]:
            data = old.read(f"{root}/{name}") if name in names else b""
            new.writestr(f"{root}/{name}", changes[name](data) if name in changes else data)
    return path


def edited(edit):
    def change(data):
        parsed = json.loads(data)
        edit(parsed)
        return json.dumps(parsed).encode()

    return change


def torch_saved(thing):
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def test_round_trip(archive):
    model = models.two_input_model()
    feeds = [torch.from_numpy(array) for array in models.feeds_of(model, 3).values()]
    with torch.no_grad():
        got, want = _pt2.load(archive).module()(*feeds), model.module(*feeds)
    assert torch.allclose(got[0], want[0], atol=1e-6)


def test_an_unchanged_rewrite_loads(archive, tmp_path):
    _pt2.load(rewritten(archive, tmp_path, {}))


def refuse(path, trap, match):
    with pytest.raises(InputError, match=match):
        _pt2.load(path)
    assert not trap.exists()


def test_pickled_weight(archive, tmp_path, trap):
    def mark(config):
        entry = next(iter(config["config"].values()))
        entry |= {"use_pickle": True, "path_name": "weight_0"}

    changes = {
        "data/weights/model_weights_config.json": edited(mark),
        "data/weights/weight_0": lambda _: torch_saved(Evil(trap)),
    }
    refuse(rewritten(archive, tmp_path, changes), trap, "weights are pickled")


@pytest.mark.parametrize("name", ["custom_obj_0", "opaque_obj_0"])
def test_custom_constant(name, archive, tmp_path, trap):
    entry = {"path_name": name, "is_param": False, "use_pickle": True, "tensor_meta": None}
    changes = {
        "data/constants/model_constants_config.json": edited(lambda c: c["config"].update(x=entry)),
        f"data/constants/{name}": lambda _: pickle.dumps(Evil(trap)),
    }
    refuse(rewritten(archive, tmp_path, changes), trap, name)


def test_pickled_sample_inputs(archive, tmp_path, trap):
    changes = {"data/sample_inputs/model.pt": lambda _: torch_saved((Evil(trap),))}
    refuse(rewritten(archive, tmp_path, changes), trap, "sample inputs")


@pytest.mark.parametrize(
    "name", ["data/weights/model.pt", "data/aotinductor/model/x.so", "serialized_state_dict.pt"]
)
def test_files_of_other_kinds(name, archive, tmp_path, trap):
    path = rewritten(archive, tmp_path, {name: lambda _: torch_saved(Evil(trap))})
    refuse(path, trap, "it holds")


def test_foreign_function_in_the_graph(archive, tmp_path, trap):
    def aim(model):
        model["graph_module"]["graph"]["nodes"][0]["target"] = "torch._utils.os.system"

    path = rewritten(archive, tmp_path, {"models/model.json": edited(aim)})
    refuse(path, trap, "os.system")


def test_foreign_guard(archive, tmp_path, trap):
    guard = f"__import__('pathlib').Path({str(trap)!r}).touch() is None"
    change = edited(lambda model: model.update(guards_code=[guard]))
    refuse(rewritten(archive, tmp_path, {"models/model.json": change}), trap, "its graph holds")


def test_truncated(archive, tmp_path, trap):
    path = tmp_path / "half.pt2"
    path.write_bytes(archive.read_bytes()[:2000])
    refuse(path, trap, "no whole exported program")


def test_missing(tmp_path, trap):
    refuse(tmp_path / "none.pt2", trap, "there is no exported program")


@pytest.mark.parametrize(
    "text", ["Symbol('s52', positive=True, integer=True)", "2*s1 + 1", "Max(1, FloorDiv(s0, 2))"]
)
def test_plain_sizes(text):
    assert _pt2_code.is_size(text)


@pytest.mark.parametrize(
    "text",
    ["exec(chr(97))", "s0.__class__", "(lambda: 1)()", "Symbol('os')", "[s0 for s0 in s1]", "1 +"],
)
def test_foreign_sizes(text):
    assert not _pt2_code.is_size(text)


@pytest.mark.parametrize(
    "target",
    ["torch.ops.aten.conv2d.default", "torch.ops.aten.__and__.Tensor", "_operator.getitem",
     "torch.ops.quantized_decomposed.quantize_per_tensor.default", "torch.sym_max"],
)  # fmt: skip
def test_plain_operators(target):
    assert _pt2_code.is_operator(target)


@pytest.mark.parametrize(
    "target",
    ["torch.ops.load_library", "torch.hub.load", "torch.ops.aten.__class__", "_operator.call",
     "torch.ops.aten.from_file.default"],
)  # fmt: skip
def test_foreign_operators(target):
    assert not _pt2_code.is_operator(target)
