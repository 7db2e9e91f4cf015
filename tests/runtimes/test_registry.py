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
    assert runtimes.names() == ("torch-eager", "torch-compile", "onnxruntime", "openvino")
    assert [runtimes.get(name).name for name in runtimes.names()] == list(runtimes.names())


def test_unknown_name():
    with pytest.raises(InputError, match=r"no runtime named 'tensorrtx': choose from torch-eager"):
        runtimes.get("tensorrtx")


def test_available_tells_versions_and_what_is_missing(monkeypatch):
    monkeypatch.setattr(registry, "_LOCATIONS", dict(registry._LOCATIONS))
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
