import shutil

import pytest

from paretune import artifact, runtimes
from paretune.engine import machine
from paretune.runtimes import Settings
from tests.runtimes.models import conv_model, two_input_model

LABELS = ("ant", "bee", "cat", "dog", "élan")


def make(
    folder,
    model,
    *,
    where,
    runtime="openvino",
    settings=None,
    labels=None,
    preprocessing=None,
    result=None,
):
    where.mkdir(parents=True)
    program = runtimes.get(runtime).prepare(model, "f32", where)
    return artifact.write(
        folder,
        program=program,
        settings=settings or Settings(batch=2),
        model=model,
        result=result,
        preprocessing=preprocessing,
        labels=labels,
        target=machine.detect(),
    )


@pytest.fixture(scope="session")
def conv_artifact(tmp_path_factory):
    """An artifact of a small classifier, compiled for a batch of 2. Not to be changed."""
    root = tmp_path_factory.mktemp("with space")
    model = conv_model()
    return model, make(root / "artifact", model, labels=LABELS, where=root / "program")


@pytest.fixture(scope="session")
def two_artifact(tmp_path_factory):
    """An artifact of a model with two inputs and two outputs. Not to be changed."""
    root = tmp_path_factory.mktemp("two")
    model = two_input_model()
    return model, make(root / "artifact", model, where=root / "program")


@pytest.fixture
def copied(conv_artifact, tmp_path):
    """A copy of the classifier's artifact that a test may damage."""
    _, folder = conv_artifact
    return shutil.copytree(folder, tmp_path / "copy")
