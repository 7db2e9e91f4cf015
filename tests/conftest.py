"""What all tests share: a store of their own, the reference data, and what each marker needs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before any test module, or process that a test starts, reads it."""
    config.stash[_HOME] = tempfile.TemporaryDirectory(prefix="paretune-tests-")
    os.environ["PARETUNE_HOME"] = config.stash[_HOME].name
    os.environ.pop("PARETUNE_STORE", None)
    # Thread pools as large as the machine only take turns here; a test that wants more says so.
    beside_others = getattr(config.option, "numprocesses", None)
    os.environ.setdefault("OMP_NUM_THREADS", "1" if beside_others else "2")
    os.environ["HF_HUB_OFFLINE"] = "1"


_HOME = pytest.StashKey[tempfile.TemporaryDirectory]()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the tests' store."""
    config.stash[_HOME].cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that take the reference data, so that `-m "not reference"` leaves them out."""
    for item in items:
        if "reference_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.reference)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine or environment cannot run, with the reason."""
    for marker in item.iter_markers():
        reason = _LACKS[marker.name]() if marker.name in _LACKS else None
        if reason:
            pytest.skip(reason)


def _lacks_cuda() -> str | None:
    from paretune.engine import machine

    return None if machine.detect().gpus else "no CUDA device here"


def _lacks_browser() -> str | None:
    return None if find_browser() else "no Chromium here: apt-get install chromium"


def _lacks_package(name: str) -> str | None:
    return None if importlib.util.find_spec(name) else f"{name} is not in this environment"


_LACKS = {
    "browser": _lacks_browser,
    "cuda": _lacks_cuda,
    "tensorflow": lambda: _lacks_package("tensorflow"),
    "timm": lambda: _lacks_package("timm"),
}


def find_browser() -> str | None:
    """Path of a Chromium or Chrome, None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="session")
def browser() -> str:
    """Path of a Chromium or Chrome; for tests marked `browser`."""
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    return path


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of reference data; the test is skipped where it is absent."""
    default = ROOT.parent / "shared" / "data"
    folder = Path(os.environ.get("PARETUNE_REFERENCE_DATA") or default)
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder}: set PARETUNE_REFERENCE_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _little_timing() -> Iterator[None]:
    """Time little, so that a budget with room for a busy machine is never used up."""
    from paretune.pipeline import claims, racing, screening

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "COMPARE_SECONDS", 2.0)
        patch.setattr(racing, "FINAL_SECONDS", 2.0)
        patch.setattr(screening, "MOST", 0.5)
        yield
