"""Which models were measured both on a CPU and on a GPU."""

from __future__ import annotations

from collections.abc import Mapping

from paretune.core import BenchRecord, InputError
from paretune.report.hardware.subjects import model_name


def models_in_common(records: Mapping[str, BenchRecord], wanted: str | None) -> tuple[str, ...]:
    """Names of the models that a CPU and a GPU have, sorted.

    Args:
        records: by name.
        wanted: only this one, as `model_name` writes it, or without the image's size.

    Raises:
        InputError: no CPU, no GPU, or no such model in common.
    """
    have: dict[str, set[str]] = {"cpu": set(), "cuda": set()}
    for record in records.values():
        for variant in record.variants:
            if variant.status == "ok":
                name = model_name(record, variant.architecture)
                have[variant.device].add(without_search(name, wanted or "@"))
    if not have["cuda"]:
        raise InputError(
            "none of the records is of a GPU: measure one with paretune bench --device cuda --json "
            "FILE where there is one, or give a published table"
        )
    if not have["cpu"]:
        raise InputError("none of the records is of a CPU: add what paretune bench --json wrote")
    common = have["cpu"] & have["cuda"]
    if wanted is not None:
        name = without_search(wanted.replace("-", "_").lower(), wanted)
        if name in common:
            return (name,)
        lacking = "GPU" if name in have["cpu"] else "CPU"
        raise InputError(f"no record of a {lacking} has a model {wanted!r}")
    if not common:
        some = ", ".join(sorted(have["cpu"])[:5])
        raise InputError(f"no model was measured on both a CPU and a GPU; the CPU has {some}")
    return tuple(sorted(common))


def without_search(name: str, wanted: str) -> str:
    """A model's name without what a search added, and without its size where `wanted` has none."""
    stem, _, size = name.partition("@")
    stem = stem.partition("+")[0]
    return f"{stem}@{size}" if size and "@" in wanted else stem
