import numpy as np
import pytest

from paretune.core import InputError
from paretune.data import load_data
from paretune.testing.data import check_format
from tests.data.make import pictures, truncate


@pytest.fixture
def images(tmp_path):
    return pictures(tmp_path / "images", 120)


def write(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_paths_beside_the_file(tmp_path, images):
    file = write(
        tmp_path / "list.csv",
        ["label,path", *(f"{i % 3},images/{p.name}" for i, p in enumerate(images))],
    )
    samples = load_data(file).samples
    assert (samples.kind, len(samples), samples.class_names) == ("image", 120, None)
    assert samples.labels.tolist() == [i % 3 for i in range(120)]
    check_format("table", str(file))


def test_no_header_and_names(tmp_path, images):
    names = ("dog", "cat")
    file = write(tmp_path / "list.tsv", [f"{p}\t{names[i % 2]}" for i, p in enumerate(images)])
    samples = load_data(file).samples
    assert len(samples) == 120
    assert samples.class_names == ("cat", "dog")
    assert samples.labels[:2].tolist() == [1, 0]


def test_one_column_is_unlabelled(tmp_path, images):
    file = write(tmp_path / "list.csv", [f"images/{p.name}" for p in images])
    samples = load_data(file).samples
    assert samples.labels is None
    assert len(samples) == 120


def test_texts(tmp_path):
    lines = [f'{"a" * (i % 7)} "quoted, text {i}\t{i % 2}' for i in range(110)]
    samples = load_data(write(tmp_path / "sst.tsv", ["sentence\tlabel", *lines])).samples
    assert samples.kind == "text"
    assert samples.raw(3) == 'aaa "quoted, text 3'
    assert samples.labels[:3].tolist() == [0, 1, 0]
    check_format("table", str(tmp_path / "sst.tsv"))
    lines = [f'"text, number {i}",{i % 2}' for i in range(110)]
    samples = load_data(write(tmp_path / "sst.csv", ["Text,Label", *lines])).samples
    assert samples.raw(3) == "text, number 3"
    # A header of unknown words is still a header where labels follow.
    samples = load_data(write(tmp_path / "own.csv", ["words,sense", *lines])).samples
    assert len(samples) == 110


@pytest.mark.parametrize("header", ["text,label", "words,sense"])
def test_numbers_are_class_indices_however_they_are_written(tmp_path, header):
    lines = [f"text {i},{float(i % 12)}" for i in range(120)]  # as pandas writes them
    samples = load_data(write(tmp_path / "floats.csv", [header, *lines])).samples
    assert samples.labels.tolist() == [i % 12 for i in range(120)]
    assert samples.class_names is None


def test_names_with_a_number_among_them_stay_names(tmp_path):
    lines = [f"text {i},{('7', 'seven')[i % 2]}" for i in range(120)]
    assert load_data(write(tmp_path / "list.csv", lines)).samples.class_names == ("7", "seven")


def test_missing_and_damaged_files_are_skipped(tmp_path, images):
    truncate(images[5])
    images[6].unlink()
    lines = [f"images/{p.name},{i % 3}" for i, p in enumerate(images)]
    samples = load_data(write(tmp_path / "list.csv", ["path,label", *lines])).samples
    assert len(samples) == 118
    assert len(samples.skipped) == 2
    assert samples.labels.tolist() == [i % 3 for i in range(120) if i not in (5, 6)]
    for path in images[10:20]:
        path.unlink()
    with pytest.raises(InputError, match="12 unreadable images among 120"):
        load_data(tmp_path / "list.csv")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["path,label", "a.jpg"], "line 2 has 1 columns"),
        (["text,label", "words,1", "more, "], "line 3 has no label"),
        (["text,label"], "only a header"),
        ([""], "is empty"),
        (["one,two,label", "a,b,1"], "has columns one, two, label: name one of them path or text"),
        (["text,label", *["words,3"] * 120], "only one class"),
        (["text,label", *["a,1.0", "b,2.5"] * 60], "no whole numbers, such as '2.5': give class"),
        (["text,label", *["a,1.0", "b,nan"] * 60], "no whole numbers, such as 'nan'"),
        (["sentence1,sentence2,label", "a,b,1"], "pairs of texts .sentence1 and sentence2.: join"),
        (["Question,Sentence,label", "a,b,1"], "pairs of texts .question and sentence."),
        (["id,premise,hypothesis,label", "1,a,b,1"], "or give their tokens as .npz"),
    ],
)
def test_refusals(tmp_path, lines, says):
    with pytest.raises(InputError, match=says):
        load_data(write(tmp_path / "list.csv", lines))


def test_unreadable_tables(tmp_path):
    with pytest.raises(InputError, match=r"missing\.csv was not found"):
        load_data(tmp_path / "missing.csv")
    (tmp_path / "latin.csv").write_bytes("text,label\né,1\n".encode("latin-1"))
    with pytest.raises(InputError, match="give a table in UTF-8"):
        load_data(tmp_path / "latin.csv")


def test_byte_order_mark(tmp_path):
    file = tmp_path / "excel.csv"
    file.write_text("text,label\n" + "".join(f"t{i},{i % 2}\n" for i in range(100)), "utf-8-sig")
    samples = load_data(file).samples
    assert samples.raw(0) == "t0"
    assert np.bincount(samples.labels).tolist() == [50, 50]
