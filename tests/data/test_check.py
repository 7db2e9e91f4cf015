import numpy as np
import pytest

from paretune.core import ImagePreprocessing, InputError, TensorSpec, TextPreprocessing
from paretune.data import ImageArray, check_against, load_data
from tests.data.make import model

RGB = ImagePreprocessing(size=(8, 8))
X = np.zeros((120, 3, 8, 8), np.float32)
Y = np.arange(120) % 10


def refused(says, data, net, **options):
    with pytest.raises(InputError, match=says):
        check_against(load_data(data), net, **options)


def test_what_fits_is_returned():
    dataset = load_data((X, Y))
    assert check_against(dataset, model()).splits is dataset.splits
    assert check_against(load_data((X.astype(np.float64), None)), model())
    assert check_against(load_data((X.astype(np.uint8), None)), model())
    assert check_against(load_data("digits"), model(preprocessing=RGB))


def test_labels_out_of_range():
    refused(r"label 9 \(sample 9\) and the model has 9 classes: labels", (X, Y), model(classes=9))
    refused(r"label -1 \(sample 0\)", (X, Y - 1), model())


def test_shapes_and_dtypes():
    refused(r"samples of shape \(3, 8, 8\) and arrays has \(1, 8, 8\)", (X[:, :1], Y), model())
    refused(r"arrays has \(3, 8, 4\)", (X[:, :, :, :4], Y), model())
    refused("takes int64 and arrays has float32", (X, Y), model(dtype="int64"))
    refused("takes float32 and arrays has complex|dtype complex", (X.astype(complex), Y), model())


def test_missing_inputs():
    two = (
        TensorSpec(name="ids", shape=(None, 4), dtype="int64"),
        TensorSpec(name="mask", shape=(None, None), dtype="int64"),
    )
    ids = np.ones((120, 4), np.int32)
    refused(r"no array for input 'mask' \(it has ids\)", ({"ids": ids}, Y), model(inputs=two))
    assert check_against(load_data(({"mask": ids, "ids": ids}, Y)), model(inputs=two))


def test_preprocessing_must_be_stated_and_of_the_kind():
    grey = model((None, 1, 8, 8))
    refused("states no preprocessing: state it with --preprocess", "digits", grey)
    text = TextPreprocessing(tokenizer="{}", max_length=4, inputs=("input_ids",))
    refused("holds image samples and the model's preprocessing is for text", "digits", grey,
            preprocessing=text)  # fmt: skip
    refused(r"shape \(1, 8, 8\) and the preprocessing gives \(3, 8, 8\)", "digits", grey,
            preprocessing=RGB)  # fmt: skip
    one = ImagePreprocessing(size=(8, 8), channels="L", mean=(0.0,), std=(1.0,))
    assert check_against(load_data("digits"), grey, preprocessing=one)


def test_classes_are_found_by_name():
    pixels = np.zeros((120, 8, 8, 3), np.uint8)
    samples = ImageArray("animals", pixels, np.arange(120) % 2, ("cat", "sea_lion"))
    dataset = load_data(samples)
    net = model(preprocessing=RGB, labels=("Sea lion", "dog", "Cat", *"defghij"))
    aligned = check_against(dataset, net)
    assert aligned.samples.labels[:4].tolist() == [2, 0, 2, 0]
    assert aligned.samples.identity() == samples.identity()
    assert aligned.samples.raw(0).size == (8, 8)
    # No name in common: the numbers stand.
    plain = check_against(dataset, model(preprocessing=RGB, labels=tuple("abcdefghij")))
    assert plain.samples is samples
    partly = model(preprocessing=RGB, labels=("cat", *"bcdefghij"))
    with pytest.raises(InputError, match="a class 'sea_lion' that the model does not know"):
        check_against(dataset, partly)
