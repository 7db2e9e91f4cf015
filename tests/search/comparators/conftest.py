"""The table of all networks of NAS-Bench-Macro, read the way the benchmarks read it."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[3] / "benchmarks"))


@pytest.fixture(scope="session")
def macro(reference_data: Path):
    import _macro

    return _macro.load(reference_data)
