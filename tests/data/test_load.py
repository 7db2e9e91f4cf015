import gzip
import struct
import sys

import numpy as np
import pytest

from paretune.core import InputError, MissingPackageError
from paretune.data import Dataset, TensorSamples, load_data
from paretune.testing.data import check_format, check_samples


def test_digits():
    dataset = load_data("digits")
    assert {k: len(v) for k, v in dataset.splits.items()} == {
        "train": 719,
        "search": 539,
        "holdout": 539,
    }
    image = dataset.samples.raw(0)
    assert (image.mode, image.size) == ("L", (8, 8))
    pixels = np.stack([np.asarray(dataset.samples.raw(i)) for i in range(100)])
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert np.bincount(dataset.labels("search")).min() >= 51
    check_format("digits", "digits")


def idx(path, array):
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for part, n in (("train", 200), ("t10k", 60)):
        idx(tmp_path / f"{part}-images-idx3-ubyte.gz", rng.integers(0, 256, (n, 28, 28), np.uint8))
        idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", (np.arange(n) % 10).astype(np.uint8))
    monkeypatch.setenv("PARETUNE_FASHION_MNIST", str(tmp_path))
    return tmp_path


def test_fashion_mnist(fashion):
    dataset = load_data("fashion-mnist")
    assert {k: len(v) for k, v in dataset.splits.items()} == {
        "train": 140,
        "search": 60,
        "holdout": 60,
    }
    # The official test file is the holdout.
    assert dataset.splits["holdout"].tolist() == list(range(200, 260))
    assert dataset.samples.class_names[9] == "Ankle boot"
    check_format("fashion-mnist", "fashion-mnist")


def test_fashion_mnist_refusals(fashion, monkeypatch):
    file = fashion / "train-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="get it again"):
        load_data("fashion-mnist")
    file.write_bytes(gzip.compress(gzip.decompress(whole)[:-1]))
    with pytest.raises(InputError, match="is cut off"):
        load_data("fashion-mnist")
    file.write_bytes((fashion / "train-labels-idx1-ubyte.gz").read_bytes())
    with pytest.raises(InputError, match="no IDX file of 3 axes"):
        load_data("fashion-mnist")
    file.unlink()
    with pytest.raises(InputError, match="install the Debian package dataset-fashion-mnist"):
        load_data("fashion-mnist")


@pytest.fixture
def factory(tmp_path, monkeypatch):
    (tmp_path / "own_factories.py").write_text(
        "import numpy as np\n"
        "from paretune.data import Dataset, TensorSamples, load_data\n"
        "def pair(): return np.ones((120, 3)), np.arange(120) % 2\n"
        "def named(): return {'a': np.ones((120, 3)), 'b': np.ones((120, 2))}, None\n"
        "def samples(): return TensorSamples('mine', {'x': np.ones((120, 3))})\n"
        "def dataset(): return load_data(pair(), seed=5)\n"
        "def triple(): return 1, 2, 3\n"
        "def number(): return 7\n"
        "def broken(): raise RuntimeError('no disk\\nat all')\n"
        "constant = 3\n"
    )
    (tmp_path / "own_broken.py").write_text("import own_missing_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "own_factories"
    for name in ("own_factories", "own_broken"):
        sys.modules.pop(name, None)


def test_factory(factory):
    for name in ("pair", "named", "samples", "dataset"):
        dataset = load_data(f"{factory}:{name}")
        assert len(dataset.samples) == 120
        check_samples(dataset.samples)
    assert load_data(f"{factory}:samples").samples.name == "mine"
    check_format("factory", f"{factory}:pair")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("own_factories:nothing", "own_factories has no nothing"),
        ("own_nowhere:data", "there is no module own_nowhere"),
        ("own_broken:data", "importing its module raised ModuleNotFoundError"),
        ("own_factories:broken", "calling it raised RuntimeError: no disk; make it run"),
        ("own_factories:number", "returned int: it must return a"),
        ("own_factories:triple", r"is a tuple of 3: give \(x, y\)"),
        ("own_factories:constant", "is int and cannot be called: give a function"),
    ],
)
def test_factory_refusals(factory, text, says):
    with pytest.raises(InputError, match=says):
        load_data(text)


def test_objects_of_the_api():
    x, y = np.zeros((200, 4), np.float32), np.arange(200) % 4
    dataset = load_data((x, y), fractions=(0.5, 0.25, 0.25))
    assert [len(dataset.splits[s]) for s in ("train", "search", "holdout")] == [100, 50, 50]
    assert load_data(dataset) is dataset
    assert load_data({"a": x}).samples.labels is None
    assert len(load_data(TensorSamples("t", {"x": x})).samples) == 200
    assert load_data(([[1.0]] * 200, None)).samples.raw(0)["x"].tolist() == [1.0]


def test_refusals_of_objects():
    x = np.zeros((200, 4), np.float32)
    with pytest.raises(InputError, match="only one class"):
        load_data((x, np.zeros(200, int)))
    with pytest.raises(InputError, match="holds no samples"):
        load_data((x[:0], None))
    with pytest.raises(InputError, match="holds no input arrays"):
        load_data(({}, np.arange(3)))
    samples = TensorSamples("t", {"x": x})
    with pytest.raises(InputError, match="no samples in split 'holdout'"):
        load_data(Dataset(samples, {"train": np.arange(9), "search": np.arange(9, 20)}))
    with pytest.raises(InputError, match="'no such thing' was not found and is none of"):
        load_data("no such thing")


def test_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'paretune\[datasets\]'"):
        load_data("hf:someone/something")
