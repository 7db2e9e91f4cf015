"""CUDA devices, asked of the driver's own tool so that PyTorch need not be imported."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from paretune.core import Gpu

_QUERY = "index,uuid,name,memory.total,compute_cap"


def gpus(environ: Mapping[str, str] = os.environ) -> tuple[Gpu, ...]:
    """The devices that `CUDA_VISIBLE_DEVICES` leaves visible, none without a working driver."""
    command = ["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    if done.returncode != 0:
        return ()
    return parse(done.stdout, environ.get("CUDA_VISIBLE_DEVICES"))


def parse(text: str, visible: str | None = None) -> tuple[Gpu, ...]:
    """Devices from the CSV of `nvidia-smi`, in the order and choice of `CUDA_VISIBLE_DEVICES`."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    rows = [row for row in rows if len(row) == len(_QUERY.split(","))]
    if visible is not None:
        rows = _chosen(rows, visible)
    return tuple(
        Gpu(name=name, memory_mb=_megabytes(memory), capability=capability)
        for _, _, name, memory, capability in rows
    )


def _chosen(rows: list[list[str]], visible: str) -> list[list[str]]:
    """Rows by index or UUID prefix; as in CUDA, the first unknown entry ends the list."""
    chosen: list[list[str]] = []
    for entry in (part.strip() for part in visible.split(",")):
        match = next((r for r in rows if entry and (r[0] == entry or r[1].startswith(entry))), None)
        if match is None:
            break
        chosen.append(match)
    return chosen


def _megabytes(mebibytes: str) -> float:
    """MiB as the tool prints it -> MB (10^6 bytes); 0 where it does not know (shared memory)."""
    return round(float(mebibytes) * 1.048576, 1) if mebibytes.replace(".", "").isdigit() else 0.0
