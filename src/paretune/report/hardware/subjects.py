"""What is the same in records of different machines: models by name and input, times of a call."""

from __future__ import annotations

import re
from collections.abc import Sequence

from paretune.core import BenchRecord, Ci95, VariantRecord


def base_name(text: str) -> str:
    """A model's name without where it comes from, its weights and its size of image.

    `timm:efficientnet_b2.ra_in1k@random` and `efficientnet-b2` are both `efficientnet_b2`.
    """
    name = text.partition("@")[0].rpartition(":")[2].rpartition("/")[2]
    return re.sub(r"\.[a-z][a-z0-9_]*$", "", name).replace("-", "_").lower()


def model_name(record: BenchRecord, architecture: str) -> str:
    """A model's name as every record writes it, such as `efficientnet_b2@256`.

    `timm:efficientnet_b2.ra_in1k`, `efficientnet-b2` and `efficientnet_b2@256` of a published
    table are the same network; weights make no difference to its speed.

    Args:
        record: knows the size of images.
        architecture: as a variant has it.
    """
    name, _, found = architecture.partition("@")
    name, plus, searched = name.partition("+")
    size = f"@{found}" if found.isdigit() else size_of(record.inputs.get(architecture, ()))
    return base_name(name) + plus + searched + size


def size_of(shape: Sequence[int]) -> str:
    """What a model's name has of its images' (C, H, W): `@H` where they are square."""
    return f"@{shape[1]}" if len(shape) == 3 and shape[1] == shape[2] else ""


def call_ms(variant: VariantRecord) -> tuple[float, Ci95 | None] | None:
    """Milliseconds of one call and their interval, None where calls were not timed one by one.

    Of a published table, which tells throughput alone, the mean call without an interval.
    """
    if variant.latency_ms is not None and variant.streams == 1:
        return variant.latency_ms.p50, variant.latency_ms.ci95
    if variant.throughput_per_s and variant.streams == 1 and variant.throughput_ci95 is None:
        return 1000 * variant.batch / variant.throughput_per_s, None
    return None


def machine_name(record: BenchRecord, device: str) -> str:
    """What a variant ran on, in a few words: the CPU, or the first GPU."""
    target = record.target
    if device == "cuda" and target.gpus:
        return target.gpus[0].name
    return target.label
