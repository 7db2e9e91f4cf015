import multiprocessing
import os
import shutil

import numpy as np
import pytest

from paretune.core import ImagePreprocessing, InputError, TensorSpec, TextPreprocessing
from paretune.data import ArrayFolder, apply, arrays, load_data, materialise
from tests.data import make
from tests.data.make import model, pictures

GREY = ImagePreprocessing(size=(8, 8), channels="L", mean=(0.5,), std=(0.5,))


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture
def net():
    return model((None, 1, 8, 8), preprocessing=GREY)


def left(folder):
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


def test_holds_every_sample_in_order(digits, net, tmp_path):
    steps = []

    class Recorder:
        def stage(self, name, total):
            raise AssertionError("stages are the caller's")

        def step(self, text):
            steps.append(text)

        def note(self, text):
            raise AssertionError(text)

    made = materialise(digits, "search", net, tmp_path, progress=Recorder())
    assert steps == ["prepare 539 samples of search"]
    assert (made.n, made.labelled) == (539, True)
    assert made.inputs == (TensorSpec(name="input", shape=(None, 1, 8, 8), dtype="float32"),)
    assert (made.labels() == digits.labels("search")).all()
    assert made.labels().dtype == np.int64
    for place in (0, 31, 32, 538):
        raw = digits.samples.raw(int(digits.splits["search"][place]))
        expected = apply(GREY, raw, net.inputs)["input"]
        assert (made.feeds(place, place + 1)["input"][0] == expected).all()
    chunks = list(made.batches(200))
    assert [len(chunk["input"]) for chunk in chunks] == [200, 200, 139]
    assert isinstance(chunks[0]["input"], np.memmap)
    assert left(tmp_path) == [made.path.name]
    assert ArrayFolder.model_validate_json(made.model_dump_json()) == made


def test_second_call_reuses(digits, net, tmp_path, monkeypatch):
    first = materialise(digits, "train", net, tmp_path)
    written = (first.path / "0_input.npy").stat().st_mtime_ns
    monkeypatch.setattr(arrays, "_write", None)
    assert materialise(load_data("digits"), "train", net, tmp_path) == first
    assert (first.path / "0_input.npy").stat().st_mtime_ns == written


def test_anything_that_matters_makes_another(digits, net, tmp_path):
    first = materialise(digits, "holdout", net, tmp_path)
    other = GREY.model_copy(update={"std": (0.25,)})
    paths = {
        first.path,
        materialise(digits, "holdout", net, tmp_path, preprocessing=other).path,
        materialise(load_data("digits", seed=1), "holdout", net, tmp_path).path,
        materialise(digits, "search", net, tmp_path).path,
    }
    assert len(paths) == 4
    digests = {materialise(digits, "holdout", net, tmp_path / "new").digest, first.digest}
    assert len(digests) == 1


def test_damaged_folder_is_written_again(digits, net, tmp_path):
    first = materialise(digits, "holdout", net, tmp_path)
    whole = (first.path / "0_input.npy").read_bytes()
    for break_it in (
        lambda: (first.path / "0_input.npy").write_bytes(whole[:-100]),
        lambda: (first.path / "labels.npy").unlink(),
        lambda: (first.path / "arrays.json").write_text('{"n": '),
    ):
        break_it()
        assert materialise(digits, "holdout", net, tmp_path) == first
        assert (first.path / "0_input.npy").read_bytes() == whole
    # What a killed process left is in nobody's way.
    partial = tmp_path / f".{first.path.name}.partial"
    shutil.copytree(first.path, partial)
    shutil.rmtree(first.path)
    assert materialise(digits, "holdout", net, tmp_path) == first
    assert not partial.exists()


def test_images_without_preprocessing_say_how(digits, tmp_path):
    with pytest.raises(InputError, match="--preprocess"):
        materialise(digits, "train", model((None, 1, 8, 8)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_several_inputs_with_odd_names(tmp_path):
    inputs = (
        TensorSpec(name="serving/ids:0", shape=(None, 4), dtype="int64"),
        TensorSpec(name="serving/mask:0", shape=(None, None), dtype="float32"),
    )
    ids = np.arange(480, dtype=np.int32).reshape(120, 4)
    data = ({"serving/ids:0": ids, "serving/mask:0": np.ones((120, 7), bool)}, None)
    dataset = load_data(data)
    made = materialise(dataset, "search", model(inputs=inputs), tmp_path)
    feeds = made.feeds(0, made.n)
    assert feeds["serving/ids:0"].dtype == np.int64
    assert (feeds["serving/ids:0"] == ids[dataset.splits["search"]]).all()
    assert feeds["serving/mask:0"].shape == (36, 7)
    assert made.inputs[1].shape == (None, 7)
    assert made.labels() is None
    tensors = made.tensors(np.array([3, 0]))
    assert [(tuple(t.shape), str(t.dtype)) for t in tensors] == [
        ((2, 4), "torch.int64"),
        ((2, 7), "torch.float32"),
    ]
    assert (tensors[0].numpy() == feeds["serving/ids:0"][[3, 0]]).all()
    made.tensors(slice(1))[0].zero_()
    assert (made.feeds(0, 1)["serving/ids:0"] == feeds["serving/ids:0"][:1]).all()


def test_nan_names_the_first_sample(tmp_path):
    x = np.zeros((120, 4), np.float32)
    dataset = load_data((x, np.arange(120) % 2))
    wrong = int(dataset.splits["search"][5])
    x[wrong, 2] = np.nan
    x[int(dataset.splits["search"][9])] = np.nan
    flat = model((None, 4))
    with pytest.raises(InputError, match=f"has NaN in input 'input' of sample {wrong}: "):
        materialise(dataset, "search", flat, tmp_path)
    assert left(tmp_path) == []
    assert materialise(dataset, "train", flat, tmp_path).n == 48


def test_a_file_that_vanished(tmp_path, net):
    paths = pictures(tmp_path / "flat", 100)
    dataset = load_data(tmp_path / "flat")
    gone = int(dataset.splits["train"][3])
    samples = dataset.samples
    identity = samples.identity()
    paths[gone].unlink()
    with pytest.raises(InputError, match="cannot be read any more"):
        materialise(dataset, "train", net, tmp_path / "out")
    samples.identity = lambda: identity
    with pytest.raises(InputError, match="cannot be read"):
        materialise(dataset, "train", net, tmp_path / "out")
    assert left(tmp_path / "out") == []


def test_disk_full(digits, net, tmp_path, monkeypatch):
    real = arrays._begin

    class Full:
        """The device that is always full, behind a file that can be opened."""

        def __init__(self, path, n, row):
            real(path, n, row).close()
            self.file = open("/dev/full", "wb", buffering=0)  # noqa: PTH123, SIM115

        def write(self, data):
            return self.file.write(data)

        def close(self):
            self.file.close()

    monkeypatch.setattr(arrays, "_begin", Full)
    with pytest.raises(InputError, match="no space left in") as caught:
        materialise(digits, "search", net, tmp_path)
    assert "\n" not in str(caught.value)
    assert left(tmp_path) == []


def test_too_little_space_is_told_before_writing(digits, net, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(arrays.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(InputError, match=r"no space left in .* MB needed, 0 MB free"):
        materialise(digits, "search", net, tmp_path)
    assert left(tmp_path) == []


def test_folder_that_cannot_be_written(digits, net, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot be written to .*: choose another folder"):
        materialise(digits, "search", net, tmp_path / "file")


@pytest.mark.parametrize(("words", "cut"), [(6, True), (4, False)])
def test_texts_that_are_cut_are_counted_and_told(words, cut, tmp_path):
    pytest.importorskip("tokenizers")
    long = [" ".join(["good"] * (words if i % 2 else 3)) for i in range(200)]
    rows = "".join(f"{text},{i // 2 % 2}\n" for i, text in enumerate(long))
    (tmp_path / "texts.csv").write_text("text,label\n" + rows)
    described = TextPreprocessing(
        tokenizer=make.tokenizer_json(), max_length=6, inputs=("input_ids",)
    )
    net = model((None, 6), dtype="int64", classes=2, preprocessing=described)
    data = load_data(tmp_path / "texts.csv")
    told = Told()
    for _ in range(2):  # prepared, and found again
        made = materialise(data, "search", net, tmp_path / "arrays", progress=told)
        long_ones = sum(len(data.samples.raw(int(i)).split()) > 4 for i in data.splits["search"])
        assert made.truncated == long_ones
        assert (made.truncated > 0) == cut
    assert materialise(data, "train", net, tmp_path / "arrays", progress=told).n == 80
    said = [note for note in told.notes if f"{made.truncated} of 60 texts are cut at 6" in note]
    assert told.notes == said
    assert len(said) == (2 if cut else 0)


class Told:
    """A progress that remembers what it was told."""

    def __init__(self):
        self.notes = []

    def stage(self, name, total):
        raise AssertionError("stages are the caller's")

    def step(self, text):
        pass

    def note(self, text):
        self.notes.append(text)


def _materialise(folder):
    net = model((None, 1, 8, 8), preprocessing=GREY)
    return materialise(load_data("digits"), "search", net, folder).digest


def test_two_processes_at_once(tmp_path):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        digests = pool.map(_materialise, [tmp_path] * 2)
    assert digests[0] == digests[1]
    assert len(left(tmp_path)) == 1


def test_a_file_name_in_any_encoding(tmp_path):
    paths = pictures(tmp_path / "flat", 100)
    paths[0].rename(os.fsdecode(os.fsencode(paths[0].parent) + b"/caf\xe9.jpg"))
    samples = load_data(tmp_path / "flat").samples
    assert samples.identity() == samples.identity()
