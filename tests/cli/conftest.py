"""The program as a user meets it."""

import sys

import numpy as np
import pytest
from PIL import Image

from paretune.cli import main
from tests.pipeline.tiny import digits, write_digits, write_onnx


class Said:
    """What a command printed and the code it ended with."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def paretune(capfd, monkeypatch):
    """Run a command in this process."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["paretune", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return Said(ended.value.code or 0, out, err)

    return run


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """`tiny.onnx`, `digits.npz` (300), `images/`: 20 scans a digit and a file that is none."""
    folder = tmp_path_factory.mktemp("cli")
    write_onnx(folder / "tiny.onnx")
    write_digits(folder / "digits.npz", 300)
    x, y = digits()
    for digit in range(10):
        place = folder / "images" / f"digit {digit}"
        place.mkdir(parents=True)
        for index in np.flatnonzero(y == digit)[:20]:
            pixels = np.rint(x[index, 0] * 255).astype(np.uint8)
            Image.fromarray(pixels).save(place / f"{index}.png")
    (folder / "images" / "digit 0" / "broken.jpg").write_bytes(b"no image")
    return folder
