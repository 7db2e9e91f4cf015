import subprocess
import sys
from importlib import metadata

import pytest

from paretune import runtimes
from paretune.core import InputError
from paretune.runtimes import _torch_eager, registry


class Missing(_torch_eager.TorchEager):
    name = "missing"
    packages = ("no-such-distribution",)
    install = "no-such-distribution"


def test_names():
    on_cpus = ("torch-eager", "torch-compile", "onnxruntime", "openvino")
    on_gpus = ("torch-graph", "onnxruntime-cuda", "onnxruntime-tensorrt")
    assert sorted(runtimes.names()) == sorted((*on_cpus, *on_gpus))
    assert [runtimes.get(name).name for name in runtimes.names()] == list(runtimes.names())


def test_unknown_name():
    with pytest.raises(InputError, match=r"no runtime named 'tensorrtx': choose from torch-eager"):
        runtimes.get("tensorrtx")


def test_available_tells_versions_and_what_is_missing(monkeypatch):
    monkeypatch.setenv(registry.ADDED, "")
    runtimes.register("missing", f"{__name__}:Missing")
    found = runtimes.available()
    assert found["openvino"].version == metadata.version("openvino")
    assert found["openvino"]
    assert not found["missing"]
    assert found["missing"].reason == (
        "no-such-distribution is not installed: pip install no-such-distribution"
    )


def test_importing_and_listing_imports_no_library():
    code = (
        "import sys, paretune.runtimes as r; r.available();"
        "print({'torch', 'openvino', 'onnxruntime', 'nncf', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_added_runtime_is_known_to_processes_started_from_here(monkeypatch):
    monkeypatch.setenv(registry.ADDED, "")
    runtimes.register("missing", f"{__name__}:Missing")
    code = "import paretune.runtimes as r; print(r.names()[-1], r.get('missing').install)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["missing", "no-such-distribution"]


@pytest.mark.parametrize("text", ["missing", "=a.b:C", "missing=a.b"])
def test_a_list_of_runtimes_that_cannot_be_read_is_told(monkeypatch, text):
    monkeypatch.setenv(registry.ADDED, text)
    with pytest.raises(InputError, match=r"write name=package\.module:Class"):
        runtimes.names()


@pytest.mark.parametrize("location", ["no.such.module:Class", "paretune.runtimes:NoSuchClass"])
def test_a_runtime_that_is_not_where_it_was_said_to_be_is_told(monkeypatch, location):
    monkeypatch.setenv(registry.ADDED, f"odd={location}")
    with pytest.raises(InputError, match="runtime odd cannot be loaded from"):
        runtimes.get("odd")
