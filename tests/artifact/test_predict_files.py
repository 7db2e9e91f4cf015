import json

import numpy as np
import pytest

from paretune import artifact
from paretune.artifact import predict_files
from paretune.core import InputError
from tests.runtimes.models import feeds_of


def test_each_sample_of_each_file_has_a_line(conv_artifact, tmp_path):
    model, folder = conv_artifact
    np.save(tmp_path / "a b.npy", feeds_of(model, 2)["x"])
    np.save(tmp_path / "c.npy", feeds_of(model, 1, seed=1)["x"])
    files = [str(tmp_path / "a b.npy"), str(tmp_path / "c.npy")]
    with artifact.load(folder) as predictor:
        found = predict_files(predictor, files, top=2)
        labels = predictor.manifest.labels
    assert [(p.file, p.sample) for p in found.predictions] == [
        (files[0], 0),
        (files[0], 1),
        (files[1], 0),
    ]
    assert all(len(p.top) == 2 and p.top[0].label in labels for p in found.predictions)
    lines = found.lines()
    assert lines[0].startswith(f"{files[0]}: {found.predictions[0].top[0].label} ")
    assert lines[1].startswith(f"{files[0]}[1]: ")
    assert json.loads(found.model_dump_json(by_alias=True))["schema"] == 1


def test_other_tasks_give_their_outputs(two_artifact, tmp_path):
    model, folder = two_artifact
    np.savez(tmp_path / "x.npz", **feeds_of(model, 1))
    with artifact.load(folder) as predictor:
        predictor.manifest = predictor.manifest.model_copy(update={"task": "other"})
        found = predict_files(predictor, [tmp_path / "x.npz"])
    (row,) = found.predictions
    assert len(row.outputs["hidden"]) == 8
    assert found.lines()[0].count("scores") == 1


def test_a_missing_file_is_told(conv_artifact, tmp_path):
    with (
        artifact.load(conv_artifact[1]) as predictor,
        pytest.raises(InputError, match=r"gone\.npy"),
    ):
        predict_files(predictor, [tmp_path / "gone.npy"])
