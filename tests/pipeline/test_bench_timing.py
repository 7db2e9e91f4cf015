"""How many variants a bench times together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from paretune.core import Gpu
from paretune.pipeline.bench_timing import GROUP, group_size
from paretune.pipeline.context import Context
from tests.report.hardware.test_machines import target


@pytest.mark.parametrize(
    ("device", "memory_mb", "size"),
    [("cpu", 8e4, GROUP), ("cuda", 8e4, 20), ("cuda", 8e3, GROUP)],
)
def test_a_large_gpu_holds_more_of_them(device: str, memory_mb: float, size: int) -> None:
    gpu = Gpu(name="any", memory_mb=memory_mb, capability="9.0")
    known = target("a").model_copy(update={"gpus": (gpu,)})
    context = cast(Context, SimpleNamespace(device=device, target=known))
    assert group_size(context) == size
