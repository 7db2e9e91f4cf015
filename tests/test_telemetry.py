"""No library tells its makers what runs here."""

import os
import subprocess
import sys

import pytest

from tests.pipeline.tiny import write_onnx

pytest.importorskip("nncf")

#: Convert with OpenVINO and run with ONNX Runtime, as every run does, without calling Paretune.
USE = """
import sys
import numpy as np, onnxruntime, openvino, nncf
openvino.convert_model(sys.argv[1])
session = onnxruntime.InferenceSession(sys.argv[1])
session.run(None, {"image": np.zeros((1, 1, 8, 8), np.float32)})
"""


def traces(tmp_path, program):
    """What the libraries leave in home and temporary folder once they report."""
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    kept = {k: v for k, v in os.environ.items() if k != "CI" and "TELEMETRY" not in k}
    subprocess.run(
        [sys.executable, "-c", program, str(write_onnx(tmp_path / "tiny.onnx"))],
        env=kept | {"HOME": str(home), "TMPDIR": str(scratch), "PYTHONPATH": ":".join(sys.path)},
        check=True,
        timeout=120,
    )
    return sorted(p.name for folder in (home / "intel", scratch) for p in folder.glob("*"))


def test_nothing_reports_once_paretune_is_imported(tmp_path):
    assert traces(tmp_path, f"import paretune\n{USE}") == []


def test_the_libraries_would_report(tmp_path):
    # Where this fails, the libraries' ways have changed, and the test above proves nothing.
    assert traces(tmp_path, USE) == [".ses", "openvino_ga_cid", "stats"]
