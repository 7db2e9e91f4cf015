"""One record a machine, which every bench of another network adds to."""

from __future__ import annotations

import re
from pathlib import Path

from _common import ROOT, TRIALS, show

from paretune.core import BenchRecord, InputError
from paretune.store import paths, records

RECORDS = ROOT / "benchmarks" / "records"


def file_of(device: str, *, trial: bool = False) -> Path:
    """Where the record of a machine is, by the label of its CPU or the name of its GPU."""
    name = re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    return (TRIALS if trial else RECORDS) / f"{name}.json"


def add(record: BenchRecord, file: Path) -> None:
    """Put a bench's variants into a machine's record, in the place of older ones of the same id.

    Raises:
        InputError: the record is of another machine, or of other versions of the runtimes.
    """
    whole = record
    if file.is_file():
        known = records.read(file)
        if known.target != record.target:
            raise InputError(f"{file} was measured on another machine or with other versions")
        fresh = {variant.id for variant in record.variants}
        said = {condition.text for condition in record.conditions}
        whole = known.model_copy(
            update={
                "variants": (
                    *(v for v in known.variants if v.id not in fresh),
                    *record.variants,
                ),
                "conditions": (
                    *(c for c in known.conditions if c.text not in said),
                    *record.conditions,
                ),
                "inputs": {**known.inputs, **record.inputs},
            }
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    paths.write_text_atomic(file, whole.model_dump_json(by_alias=True, indent=1) + "\n")
    rows = [
        (
            v.id,
            f"{v.latency_ms.p50:.3f} ms" if v.latency_ms else v.reason,
            f"{v.throughput_per_s:.1f}" if v.throughput_per_s else "",
        )
        for v in record.variants
    ]
    show(f"added to {file}", ("variant", "median", "samples a second"), rows)
