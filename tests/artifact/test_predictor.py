import numpy as np
import pytest
import torch

from paretune import artifact
from paretune.artifact import Predictor
from paretune.artifact.prediction import probabilities, rank
from paretune.core import InputError, TensorSpec, UnsupportedError
from paretune.runtimes import Session, Settings
from tests.runtimes.models import feeds_of


@pytest.fixture(scope="module")
def opened(conv_artifact):
    model, folder = conv_artifact
    with artifact.load(folder) as predictor:
        yield model, predictor


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_batch_size_gives_the_model_s_own_answers(opened, count):
    model, predictor = opened
    x = feeds_of(model, count)["x"]
    with torch.no_grad():
        expected = model.module(torch.from_numpy(x)).numpy()
    predictions = predictor.predict(x)
    assert [p.index for p in predictions] == list(expected.argmax(axis=1))
    np.testing.assert_allclose(predictor.run({"x": x})[0], expected, atol=1e-4)


def test_classes_are_named_and_ranked(opened):
    _, predictor = opened
    (prediction,) = predictor.predict(np.ones((1, 3, 16, 16), "float32"), top=3)
    assert len(prediction.top) == 3
    assert prediction.label == predictor.manifest.labels[prediction.index]
    assert prediction.probability == max(choice.probability for choice in prediction.top)
    whole = predictor.predict(np.ones((1, 3, 16, 16), "float32"), top=99)[0]
    assert sum(choice.probability for choice in whole.top) == pytest.approx(1.0)


def test_streams_share_a_big_batch_in_order(conv_artifact):
    model, folder = conv_artifact
    x = feeds_of(model, 9)["x"]
    with artifact.load(folder, threads=2, streams=2) as many, artifact.load(folder) as one:
        np.testing.assert_allclose(many.run({"x": x})[0], one.run({"x": x})[0], atol=1e-5)


def test_several_inputs_and_outputs(two_artifact):
    model, folder = two_artifact
    feeds = feeds_of(model, 3)
    with torch.no_grad():
        scores, hidden = model.module(*(torch.from_numpy(feeds[s.name]) for s in model.inputs))
    with artifact.load(folder) as predictor:
        outputs = predictor.run(feeds)
        np.testing.assert_allclose(outputs[0], scores.numpy(), atol=1e-4)
        np.testing.assert_allclose(outputs[1], hidden.numpy(), atol=1e-4)
        assert predictor.predict(feeds)[2].outputs["hidden"].shape == (8,)
        with pytest.raises(InputError, match="'features' is missing"):
            predictor.run({"tokens": feeds["tokens"]})
        with pytest.raises(InputError, match="no input 'more'"):
            predictor.run(feeds | {"more": feeds["tokens"]})
        with pytest.raises(InputError, match="batches of"):
            predictor.run(feeds | {"tokens": feeds["tokens"][:2]})
        with pytest.raises(InputError, match="takes int64 and got float64"):
            predictor.run(feeds | {"tokens": feeds["tokens"] * 0.5})
        with pytest.raises(InputError, match="mapping of tokens, features"):
            predictor.predict(feeds["tokens"])


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (np.zeros((3, 16, 16), "float32"), r"add a batch axis with array\[None\]"),
        (np.zeros((1, 1, 16, 16), "float32"), r"shape \(batch, 3, 16, 16\)"),
        (np.zeros((0, 3, 16, 16), "float32"), "no sample"),
        (np.full((1, 3, 16, 16), "a"), "takes float32 and got"),
        ([], "no samples"),
        (["photo.jpg"], "no preprocessing"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(opened, batch, message):
    with pytest.raises(InputError, match=message):
        opened[1].predict(batch)


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="NaN"):
        rank(np.array([np.nan, 1.0]), None, 1)


def test_numpy_files_feed_a_model_without_preprocessing(opened, tmp_path):
    model, predictor = opened
    x = feeds_of(model, 3)["x"]
    np.savez(tmp_path / "a.npz", x=x[:2])
    np.save(tmp_path / "b.npy", x[2:])
    found = predictor.predict([tmp_path / "a.npz", str(tmp_path / "b.npy")])
    assert found == predictor.predict(x)
    (tmp_path / "c.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:50])
    with pytest.raises(InputError, match=r"c\.npz cannot be read"):
        predictor.predict([tmp_path / "c.npz"])


def test_rows_that_are_distributions_are_left_alone():
    np.testing.assert_allclose(probabilities(np.array([0.25, 0.75])), [0.25, 0.75])
    assert probabilities(np.array([0.0, 1000.0]))[1] == pytest.approx(1.0)
    assert rank(np.array([0.1, 0.9]), ("only",), 2)[0].label == "1"


class WithoutBatchAxis(Session):
    def run(self, feeds, stream=0):
        return [np.float32(1.0)]

    def bind(self, feeds, stream=0):
        return lambda: None


def test_an_output_without_batch_axis_cannot_be_joined(opened, tmp_path):
    manifest = opened[1].manifest.model_copy(
        update={"task": "other", "outputs": (TensorSpec(name="y", shape=(), dtype="float32"),)}
    )
    predictor = Predictor(manifest, WithoutBatchAxis(), Settings(batch=2), tmp_path)
    with pytest.raises(UnsupportedError, match="'y' has no batch axis"):
        predictor.run({"x": np.zeros((3, 3, 16, 16), "float32")})


def test_a_number_that_belongs_to_no_sample_is_handed_through(opened, tmp_path):
    class Losing(WithoutBatchAxis):
        def run(self, feeds, stream=0):
            return [np.ones((1, 3), "float32"), np.float32(0.5).reshape(())]

    names = (("y", (None, 3)), ("loss", ()))
    outputs = tuple(TensorSpec(name=n, shape=shape, dtype="float32") for n, shape in names)
    manifest = opened[1].manifest.model_copy(update={"task": "other", "outputs": outputs})
    predictor = Predictor(manifest, Losing(), Settings(batch=1), tmp_path)
    (found,) = predictor.predict(np.zeros((1, 3, 16, 16), "float32"))
    assert found.outputs["y"].shape == (3,)
    assert found.outputs["loss"] == 0.5
