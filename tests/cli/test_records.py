"""Records read elsewhere: where nothing that made them is installed."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.pipeline.conftest import environment

RECORDS = ROOT / "benchmarks" / "records"
#: A finder that knows none of what builds, runs or trains models.
BARE = """
import sys

class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "openvino", "onnxruntime", "onnx", "nncf", "timm",
                                      "transformers", "torchao", "accelerate", "pymoo"}:
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Bare())
"""


@pytest.fixture
def elsewhere(tmp_path):
    """What a command prints where only what reads records is installed."""
    place = tmp_path / "site"
    place.mkdir()
    (place / "sitecustomize.py").write_text(BARE)

    def run(*words, bare):
        known = environment()
        path = f"{place}:{known['PYTHONPATH']}" if bare else known["PYTHONPATH"]
        done = subprocess.run(
            [sys.executable, "-m", "paretune", *map(str, words)],
            env=known | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_blocker_blocks(tmp_path, elsewhere):
    with pytest.raises(AssertionError, match=r"not installed|No module named"):
        elsewhere("bench", "digits-resnet@random", "--runtimes", "torch-eager", bare=True)


def test_a_record_made_here_gives_the_same_tables_there(paretune, files, elsewhere, tmp_path):
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    words = ["bench", files / "tiny.onnx", "--runtimes", "onnxruntime", "--threads", "1"]
    made = paretune(*words, "--seconds", "0.2", "--starts", "1", "--json", here)
    assert made.code == 0, made.err
    record = json.loads(here.read_text())
    record["target"]["cpu"] = "Another CPU"
    for variant in record["variants"]:
        for key in ("p50", "p95", "p99"):
            variant["latency_ms"][key] *= 1.7
    there.write_text(json.dumps(record))
    told = elsewhere("compare", here, there, "--json", "-", bare=False)
    assert "Another CPU" in told
    assert elsewhere("compare", here, there, "--json", "-", bare=True) == told


@pytest.mark.parametrize("form", [(), ("--json", "-")])
def test_the_gap_to_a_gpu_is_the_same_everywhere(elsewhere, form):
    names = ("amd-epyc-2-cores-avx-512-vnni-bf16", "nvidia-h100-80gb-hbm3")
    machines = [RECORDS / f"{name}.json" for name in names]
    words = ["gap", *machines, "--model", "efficientnet_b2", *form]
    told = elsewhere(*words, bare=False)
    assert "NVIDIA H100 80GB HBM3" in " ".join(told.split())
    assert elsewhere(*words, bare=True) == told
