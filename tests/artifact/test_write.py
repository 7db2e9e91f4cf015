import re

import numpy as np
import pytest
import torch
from PIL import Image

from paretune import artifact, runtimes
from paretune.core import ImagePreprocessing, InputError
from tests.artifact.conftest import LABELS, make
from tests.report.sample import sample
from tests.runtimes.models import conv_model, feeds_of

PHOTO = ImagePreprocessing(size=(16, 16), resize_to=16)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """An artifact that prepares images itself."""
    root = tmp_path_factory.mktemp("photographs")
    return make(
        root / "deep" / "artifact",
        conv_model(),
        labels=LABELS,
        preprocessing=PHOTO,
        where=root / "program",
    )


def test_images_are_prepared_by_the_artifact(photographs, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    image.save(tmp_path / "é a.png")
    with artifact.load(photographs) as predictor:
        found = predictor.predict([tmp_path / "é a.png", str(tmp_path / "é a.png"), image])
        assert found[0] == found[1] == found[2] == predictor.predict(image)[0]
        with pytest.raises(InputError, match=r"absent\.png cannot be read"):
            predictor.predict([tmp_path / "absent.png"])
        (tmp_path / "bad.png").write_bytes(b"\x89PNG....")
        with pytest.raises(InputError, match=r"bad\.png cannot be read"):
            predictor.predict([tmp_path / "bad.png"])


def test_the_readme_s_example_runs(photographs, tmp_path, monkeypatch, capsys):
    text = (photographs / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 5
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (20, 20)).save("photo.jpg")
    exec(code.replace('load(".")', f"load({str(photographs)!r})"))
    assert capsys.readouterr().out.split()[0] in LABELS


def test_the_readme_s_example_without_preprocessing_runs(conv_artifact, monkeypatch, capsys):
    text = (conv_artifact[1] / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    monkeypatch.chdir(conv_artifact[1])
    exec(code)
    assert "array" in capsys.readouterr().out


def test_an_artifact_is_replaced_and_nothing_is_left_beside(tmp_path):
    folder = tmp_path / "out" / "artifact"
    for count in range(2):
        make(folder, conv_model(), labels=LABELS[:count], where=tmp_path / str(count))
    assert artifact.read(folder).labels == LABELS[:1]
    assert [path.name for path in folder.parent.iterdir()] == ["artifact"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_no_artifact_is_not_replaced(tmp_path, kind):
    taken = tmp_path / "taken"
    if kind == "file":
        taken.write_text("mine")
    else:
        taken.mkdir()
        (taken / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not an artifact"):
        make(taken, conv_model(), where=tmp_path / "program")
    assert taken.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["program", "taken"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "empty").mkdir()
    make(tmp_path / "empty", conv_model(), where=tmp_path / "program")
    artifact.load(tmp_path / "empty").close()


def test_a_file_that_cannot_be_copied_leaves_nothing(tmp_path, monkeypatch):
    import shutil

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(InputError, match="no room is left"):
        make(tmp_path / "artifact", conv_model(), where=tmp_path / "program")
    assert [p.name for p in tmp_path.iterdir()] == ["program"]


@pytest.mark.parametrize("runtime", ["torch-eager", "onnxruntime"])
def test_other_runtimes_hand_back_what_they_can_open(tmp_path, runtime):
    if runtime not in runtimes.names():
        pytest.skip(f"{runtime} is not registered")
    model = conv_model()
    folder = make(tmp_path / "artifact", model, where=tmp_path / "program", runtime=runtime)
    x = feeds_of(model, 3)["x"]
    with torch.no_grad():
        expected = model.module(torch.from_numpy(x)).numpy()
    with artifact.load(folder) as predictor:
        np.testing.assert_allclose(predictor.run({"x": x})[0], expected, atol=1e-4)


def test_a_run_s_evidence_travels_with_it(tmp_path):
    result = sample()
    folder = make(tmp_path / "a", conv_model(), where=tmp_path / "program", result=result)
    manifest = artifact.read(folder)
    assert manifest.variant == result.variant(result.chosen)
    assert manifest.baseline == result.variant(result.baseline)
    assert (manifest.ratios, manifest.holdout) == (result.ratios, result.holdout)
    assert manifest.constraints == result.constraints
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "7.71x (7.58 to 7.86) as fast as the model as it came" in text
    assert "0.25 pt lower" in text
    assert "Synthetic(R) CPU" in text
