"""Runs where the optional package `datasets` is installed; `test_load` holds the message else."""

import io

import numpy as np
import pytest

from paretune.core import InputError
from paretune.data import load_data
from paretune.testing.data import check_format
from tests.data.make import picture

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def encoded(seed):
    stream = io.BytesIO()
    picture(seed).save(stream, "JPEG")
    return stream.getvalue()


def images(n, start=0, damaged=()):
    cells = [
        {"bytes": encoded(start + i)[: 300 if i in damaged else None], "path": None}
        for i in range(n)
    ]
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog", "elk"])}
    )
    table = {"image": cells, "label": [i % 3 for i in range(n)]}
    return datasets.Dataset.from_dict(table, features=features)


def test_saved_images(tmp_path):
    folder = tmp_path / "set"
    datasets.DatasetDict(
        {"train": images(40), "validation": images(30, 100), "test": images(35, 200)}
    ).save_to_disk(folder)
    dataset = load_data(f"hf:{folder}")
    assert {k: len(v) for k, v in dataset.splits.items()} == {
        "train": 40,
        "search": 30,
        "holdout": 35,
    }
    assert dataset.samples.class_names == ("cat", "dog", "elk")
    first = int(dataset.splits["search"][0])
    with io.BytesIO(encoded(100)) as stream:
        from PIL import Image

        assert (np.asarray(dataset.samples.raw(first)) == np.asarray(Image.open(stream))).all()
    check_format("huggingface", f"hf:{folder}")


def test_damaged_images_are_skipped(tmp_path):
    images(120, damaged=(7, 8)).save_to_disk(tmp_path / "one")
    samples = load_data(f"hf:{tmp_path / 'one'}").samples
    assert len(samples) == 118
    assert samples.skipped == ("sample 7", "sample 8")
    assert samples.labels.tolist() == [i % 3 for i in range(120) if i not in (7, 8)]
    images(120, damaged=range(10)).save_to_disk(tmp_path / "two")
    with pytest.raises(InputError, match="10 unreadable images"):
        load_data(f"hf:{tmp_path / 'two'}")


def test_saved_texts_and_unlabelled_test(tmp_path):
    def texts(n, label):
        return datasets.Dataset.from_dict(
            {"idx": list(range(n)), "sentence": [f"t{i}" for i in range(n)], "label": label}
        )

    tables = {
        "train": texts(40, [i % 2 for i in range(40)]),
        "validation": texts(80, [i % 2 for i in range(80)]),
        "test": texts(50, [-1] * 50),
    }
    datasets.DatasetDict(tables).save_to_disk(tmp_path / "glue")
    dataset = load_data(f"hf:{tmp_path / 'glue'}")
    assert dataset.samples.kind == "text"
    assert {k: len(v) for k, v in dataset.splits.items()} == {
        "train": 40,
        "search": 40,
        "holdout": 40,
    }
    check_format("huggingface", f"hf:{tmp_path / 'glue'}")


def test_pairs_of_texts_are_refused(tmp_path):
    columns = {"premise": ["a"] * 120, "hypothesis": ["b"] * 120, "label": [0, 1] * 60}
    datasets.Dataset.from_dict(columns).save_to_disk(tmp_path / "pairs")
    with pytest.raises(InputError, match=r"pairs of texts \(premise and hypothesis\): join them"):
        load_data(f"hf:{tmp_path / 'pairs'}")


def test_the_first_of_two_parts_for_one_split_is_kept(tmp_path):
    tables = {"train": images(40), "validation": images(70, 100), "dev": images(65, 200)}
    datasets.DatasetDict(tables).save_to_disk(tmp_path / "three")
    dataset = load_data(f"hf:{tmp_path / 'three'}")
    assert len(dataset.samples) == 110


def test_labels_written_as_texts_of_numbers(tmp_path):
    columns = {"text": ["a"] * 120, "label": [f"{i % 12}.0" for i in range(120)]}
    datasets.Dataset.from_dict(columns).save_to_disk(tmp_path / "floats")
    samples = load_data(f"hf:{tmp_path / 'floats'}").samples
    assert samples.labels.tolist() == [i % 12 for i in range(120)]
    assert samples.class_names is None


def test_refusals(tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        load_data("hf:no-such-owner/no-such-set")
    datasets.Dataset.from_dict({"a": [1.0] * 120}).save_to_disk(tmp_path / "numbers")
    with pytest.raises(InputError, match="has columns a and none holds images or texts"):
        load_data(f"hf:{tmp_path / 'numbers'}")


def test_several_labels_a_sample_are_refused(tmp_path):
    columns = {"text": ["a"] * 120, "labels": [[0], [1, 2]] * 60}
    datasets.Dataset.from_dict(columns).save_to_disk(tmp_path / "several")
    with pytest.raises(InputError, match="several labels a sample in its column labels"):
        load_data(f"hf:{tmp_path / 'several'}")
