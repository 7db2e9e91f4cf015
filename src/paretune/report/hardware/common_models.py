"""Which models were measured both on a CPU and on a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from paretune.core import BenchRecord, InputError, VariantRecord
from paretune.report.hardware.subjects import model_name

#: The record's name, the record, and one of its variants.
Entry: TypeAlias = tuple[str, BenchRecord, VariantRecord]


def models_in_common(
    records: Mapping[str, BenchRecord], wanted: str | None
) -> dict[str, list[Entry]]:
    """What was measured of the models that a CPU and a GPU have, by their names, sorted.

    Args:
        records: by name.
        wanted: only this one, as `model_name` writes it, or without the image's size.

    Raises:
        InputError: no CPU, no GPU, or no such model in common.
    """
    have: dict[str, set[str]] = {"cpu": set(), "cuda": set()}
    entries: dict[str, list[Entry]] = {}
    for record_name, record in records.items():
        for variant in record.variants:
            name = _without_search(model_name(record, variant.architecture), wanted or "@")
            entries.setdefault(name, []).append((record_name, record, variant))
            if variant.status == "ok":
                have[variant.device].add(name)
    if not have["cuda"]:
        raise InputError(
            "none of the records is of a GPU: measure one with paretune bench --device cuda --json "
            "FILE where there is one, or give a published table"
        )
    if not have["cpu"]:
        raise InputError("none of the records is of a CPU: add what paretune bench --json wrote")
    common = have["cpu"] & have["cuda"]
    if wanted is not None:
        name = _without_search(wanted.replace("-", "_").lower(), wanted)
        if name not in common:
            lacking = "GPU" if name in have["cpu"] else "CPU"
            raise InputError(f"no record of a {lacking} has a model {wanted!r}")
        common = {name}
    if not common:
        some = ", ".join(sorted(have["cpu"])[:5])
        raise InputError(f"no model was measured on both a CPU and a GPU; the CPU has {some}")
    return {name: entries[name] for name in sorted(common)}


def _without_search(name: str, wanted: str) -> str:
    """A model's name without what a search added, and without its size where `wanted` has none."""
    stem, _, size = name.partition("@")
    stem = stem.partition("+")[0]
    return f"{stem}@{size}" if size and "@" in wanted else stem
