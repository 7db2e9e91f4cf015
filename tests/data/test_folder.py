import numpy as np
import pytest
from PIL import Image

from paretune.core import InputError
from paretune.data import load_data
from paretune.testing.data import check_format
from tests.data.make import pictures, truncate


@pytest.fixture
def classes(tmp_path):
    root = tmp_path / "my photos"
    for name, n in (("cat", 60), ("Dog", 40), ("ant", 20)):
        pictures(root / name, n)
    return root


def test_class_folders(classes):
    (classes / "notes.txt").write_text("not an image")
    (classes / ".thumbs").mkdir()
    pictures(classes / ".thumbs", 1)
    dataset = load_data(classes)
    assert dataset.samples.class_names == ("Dog", "ant", "cat")
    assert np.bincount(dataset.samples.labels).tolist() == [40, 20, 60]
    assert {k: len(v) for k, v in dataset.splits.items()} == {
        "train": 48,
        "search": 36,
        "holdout": 36,
    }
    assert dataset.samples.raw(0).size == (20, 16)
    assert dataset.samples.describe(0).endswith("0000.jpg")
    check_format("folder", str(classes))


def test_unlabelled(tmp_path):
    pictures(tmp_path / "flat", 110, suffix=".png")
    dataset = load_data(tmp_path / "flat")
    assert dataset.samples.labels is None
    assert dataset.labels("search") is None
    assert len(dataset.samples) == 110
    check_format("folder", str(tmp_path / "flat"))


@pytest.mark.parametrize("held", ["val", "validation", "search"])
def test_parts_are_kept(tmp_path, held):
    for part, n in (("train", 10), (held, 20), ("test", 25)):
        for name in ("a", "b"):
            pictures(tmp_path / part / name, n)
    dataset = load_data(tmp_path)
    for split, folder, n in (("train", "train", 20), ("search", held, 40), ("holdout", "test", 50)):
        assert len(dataset.splits[split]) == n
        assert dataset.labels(split).tolist() == [0] * (n // 2) + [1] * (n // 2)
        for index in dataset.splits[split]:
            assert f"/{folder}/" in dataset.samples.describe(int(index))


@pytest.mark.parametrize(
    ("train", "held"),
    [
        ("Training", "Testing"),
        ("training_set", "test_set"),
        ("trainset", "valset"),
        ("train", "eval"),
        ("train", "Evaluation"),
    ],
)
def test_parts_have_many_names(tmp_path, train, held):
    for part, n in ((train, 10), (held, 60)):
        for name in ("a", "b"):
            pictures(tmp_path / part / name, n)
    dataset = load_data(tmp_path)
    assert dataset.samples.class_names == ("a", "b")
    assert {k: len(v) for k, v in dataset.splits.items()} == {
        "train": 20,
        "search": 60,
        "holdout": 60,
    }
    for index in dataset.splits["train"]:
        assert f"/{train}/" in dataset.samples.describe(int(index))


def test_a_folder_that_every_class_has_is_no_split(tmp_path):
    for name in ("cat/images", "dog/images"):
        pictures(tmp_path / name, 60)
    assert load_data(str(tmp_path)).samples.class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "folders",
    [
        ("val/a", "val/b", "test/a", "test/b"),  # which is no train
        ("seg_train/seg_train/a", "seg_test/seg_test/a", "seg_pred/seg_pred"),
        ("fold1/a", "fold1/b", "fold2/a", "fold2/b"),
        ("cat/train", "cat/test", "dog/train", "dog/test"),
    ],
)
def test_splits_are_not_taken_for_classes(tmp_path, folders):
    for folder in folders:
        pictures(tmp_path / folder, 30)
    with pytest.raises(InputError, match=r"look like splits and not like classes: name them train"):
        load_data(tmp_path)


@pytest.mark.parametrize(
    "folders",
    [
        ("cat/2019", "cat/2020", "dog/2020"),
        ("cat/2020", "cat", "dog/2020", "dog"),
        ("bullet_train", "bus", "car", "search_light", "ship"),
        ("set", "testament", "trainers"),
    ],
)
def test_classes_are_not_taken_for_splits(tmp_path, folders):
    for folder in folders:
        pictures(tmp_path / folder, 60)
    names = sorted({folder.split("/")[0] for folder in folders})
    assert load_data(tmp_path).samples.class_names == tuple(names)


def test_one_damaged_image_is_skipped_and_counted(classes):
    damaged = classes / "cat" / "0030.jpg"
    truncate(damaged, 0.95)
    with Image.open(damaged) as image:  # the header alone would not tell
        assert image.size == (20, 16)
    (classes / "cat" / "0031.jpg").write_text("<html>404</html>")
    (classes / "cat" / "0032.jpg").write_bytes(b"")
    dataset = load_data(classes)
    assert len(dataset.samples) == 117
    assert [name.rsplit("/", 1)[1] for name in dataset.samples.skipped] == [
        "0030.jpg",
        "0031.jpg",
        "0032.jpg",
    ]
    assert np.bincount(dataset.samples.labels).tolist() == [40, 20, 57]
    for index in range(117):
        dataset.samples.raw(index)


def test_damaged_at_any_place_is_found(tmp_path):
    paths = pictures(tmp_path / "flat", 120)
    truncate(paths[3], 0.95)
    truncate(paths[4], 0.5)
    paths += pictures(tmp_path / "flat", 1, suffix=".png", start=500)
    truncate(paths[-1], 0.8)
    assert len(load_data(tmp_path / "flat").samples.skipped) == 3


def test_many_damaged_images_are_refused(classes):
    for index in range(7):
        truncate(classes / "cat" / f"{index:04d}.jpg")
    with pytest.raises(InputError, match=r"7 unreadable images among 120, more than 5%, the first"):
        load_data(classes)


def test_refusals(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        load_data(tmp_path / "empty")
    pictures(tmp_path / "one" / "cat", 3)
    with pytest.raises(InputError, match="only one class \\('cat'\\)"):
        load_data(tmp_path / "one")
    pictures(tmp_path / "one", 2)
    with pytest.raises(InputError, match="both beside and inside"):
        load_data(tmp_path / "one")
    pictures(tmp_path / "few" / "a", 5)
    pictures(tmp_path / "few" / "b", 5)
    with pytest.raises(InputError, match="has 10 samples and its three splits need at least 100"):
        load_data(tmp_path / "few")
    for part in ("train", "val", "validation"):
        pictures(tmp_path / "twice" / part, 1)
    with pytest.raises(InputError, match="for one split"):
        load_data(tmp_path / "twice")
    with pytest.raises(InputError, match="was not found and is none of: digits, "):
        load_data(tmp_path / "nowhere")


def test_identity_changes_with_a_file(classes):
    before = load_data(classes).samples.identity()
    assert load_data(classes).samples.identity() == before
    Image.new("RGB", (20, 16)).save(classes / "cat" / "0000.jpg")
    assert load_data(classes).samples.identity() != before
