import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

from paretune import artifact
from paretune.core import InputError, MissingPackageError
from paretune.engine import machine
from tests.artifact.test_manifest import edit


def test_a_cpu_without_the_instruction_set_is_told(copied, monkeypatch):
    poor = machine.detect().model_copy(update={"isa": ("avx2",), "cpu": "Old CPU"})
    monkeypatch.setattr(machine, "detect", lambda: poor)
    edit(copied, needs_isa=["amx_bf16", "avx512_bf16"])
    with pytest.raises(InputError, match=r"amx_bf16 or avx512_bf16, .*Old CPU\) has avx2"):
        artifact.load(copied)


def test_one_of_the_instruction_sets_is_enough(copied, monkeypatch):
    rich = machine.detect().model_copy(update={"isa": ("avx2", "avx512_bf16")})
    monkeypatch.setattr(machine, "detect", lambda: rich)
    edit(copied, needs_isa=["amx_bf16", "avx512_bf16"])
    artifact.load(copied).close()


def test_other_versions_give_one_warning(copied):
    edit(copied, packages={"openvino": "1.0", "numpy": "0.1", "not-installed": "3"})
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        artifact.load(copied).close()
    ours = [str(w.message) for w in seen if "other versions" in str(w.message)]
    assert len(ours) == 1
    assert "openvino" in ours[0]
    assert "(made with 1.0)" in ours[0]
    assert "numpy" in ours[0]
    assert seen[0].filename == __file__


def test_equal_versions_give_no_warning(conv_artifact):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        artifact.load(conv_artifact[1]).close()


def test_fewer_cores_than_measured_gives_a_warning(copied, monkeypatch):
    one = machine.detect().model_copy(update={"physical_cores": 1, "logical_cores": 1})
    monkeypatch.setattr(machine, "detect", lambda: one)
    edit(copied, settings={"threads": 64, "streams": 4, "batch": 2, "device": "cpu"})
    with pytest.warns(UserWarning, match="64 threads and this process may use 1"):
        predictor = artifact.load(copied)
    assert (predictor.settings.threads, predictor.settings.streams) == (1, 1)


def test_a_quota_counts_as_fewer_cores(copied, monkeypatch):
    cut = {"physical_cores": 8, "logical_cores": 8, "cpu_quota": 2.5}
    here = machine.detect().model_copy(update=cut)
    monkeypatch.setattr(machine, "detect", lambda: here)
    edit(copied, settings={"threads": 4, "streams": 1, "batch": 2, "device": "cpu"})
    with pytest.warns(UserWarning, match="4 threads and this process may use 2 cores"):
        assert artifact.load(copied).settings.threads == 2


@pytest.mark.parametrize("asked", [{"threads": 0}, {"threads": 10_000}, {"streams": 0}])
def test_impossible_settings_are_refused(conv_artifact, asked):
    with pytest.raises(InputError):
        artifact.load(conv_artifact[1], **asked)


def test_an_unknown_runtime_is_refused(copied):
    edit(copied, runtime="abacus")
    with pytest.raises(InputError, match="abacus"):
        artifact.load(copied)


def test_a_missing_runtime_says_what_to_install(conv_artifact, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingPackageError, match="pip install openvino"):
        artifact.load(conv_artifact[1])


def test_predicting_needs_no_pytorch(conv_artifact, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((1, 3, 16, 16), "float32"))
    code = (
        "import sys, json\n"
        "for name in ('torch', 'nncf', 'onnxruntime', 'transformers', 'sklearn'):\n"
        "    sys.modules[name] = None\n"
        "import paretune.artifact\n"
        f"predictor = paretune.artifact.load({str(conv_artifact[1])!r})\n"
        f"found = predictor.predict([{str(tmp_path / 'x.npy')!r}])\n"
        "print(json.dumps([found[0].label, found[0].probability]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    label, probability = json.loads(done.stdout)
    assert label in ("ant", "bee", "cat", "dog", "élan")
    assert 0 < probability <= 1
