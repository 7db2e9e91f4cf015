import numpy as np
import pytest

from paretune.core import InputError
from paretune.data import load_data
from paretune.testing.data import check_format
from tests.data.make import truncate

N = 120


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(N, 3, 4)).astype(np.float32)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_x_and_y(tmp_path, x, save):
    file = tmp_path / "own data.npz"
    save(file, x=x, y=np.arange(N) % 5)
    samples = load_data(file).samples
    assert samples.kind == "tensors"
    assert samples.labels.tolist() == [i % 5 for i in range(N)]
    assert (samples.raw(7)["x"] == x[7]).all()
    assert isinstance(samples.arrays["x"], np.memmap) == (save is np.savez)
    check_format("npz", str(file))


def test_fortran_order_is_mapped_right(tmp_path, x):
    np.savez(tmp_path / "f.npz", x=np.asfortranarray(x))
    samples = load_data(tmp_path / "f.npz").samples
    assert samples.labels is None
    assert (samples.arrays["x"] == x).all()


def test_several_inputs(tmp_path, x):
    file = tmp_path / "two.npz"
    np.savez(file, ids=np.ones((N, 6), np.int64), mask=np.ones((N, 6), bool), y=np.arange(N) % 2.0)
    samples = load_data(file).samples
    assert {k: v.dtype.name for k, v in samples.raw(0).items()} == {"ids": "int64", "mask": "bool"}
    assert samples.labels.dtype == np.int64


def test_refusals(tmp_path, x):
    def refused(says, **arrays):
        np.savez(tmp_path / "bad.npz", **arrays)
        with pytest.raises(InputError, match=says):
            load_data(tmp_path / "bad.npz")

    refused("arrays of different lengths", x=x, y=np.arange(N - 1))
    refused("no whole numbers", x=x, y=np.linspace(0, 1, N))
    refused("one class index for each sample", x=x, y=np.eye(N))
    refused("only one class", x=x, y=np.zeros(N, int))
    refused("of dtype <U1", x=np.array(["a"] * N))
    refused("save it again with numpy.savez", x=np.array([{}] * N, dtype=object))
    refused("120|needs|at least 100", x=x[:50])
    with pytest.raises(InputError, match="was not found"):
        load_data(tmp_path / "missing.npz")
    np.savez(tmp_path / "cut.npz", x=x)
    truncate(tmp_path / "cut.npz")
    with pytest.raises(InputError, match="save it again"):
        load_data(tmp_path / "cut.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(InputError, match="save it again"):
        load_data(tmp_path / "text.npz")


def test_damaged_content_is_found(tmp_path, x):
    np.savez_compressed(tmp_path / "c.npz", x=x)
    data = bytearray((tmp_path / "c.npz").read_bytes())
    data[300:340] = bytes(40)
    (tmp_path / "c.npz").write_bytes(data)
    with pytest.raises(InputError, match="save it again"):
        load_data(tmp_path / "c.npz")


def test_pickled_code_is_never_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    np.savez(tmp_path / "bomb.npz", x=np.array([Bomb()] * N, dtype=object))
    (tmp_path / "ran").unlink(missing_ok=True)
    with pytest.raises(InputError):
        load_data(tmp_path / "bomb.npz")
    assert not (tmp_path / "ran").exists()
