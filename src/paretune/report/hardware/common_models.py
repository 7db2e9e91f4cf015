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
    entries: dict[str, list[Entry]] = {}
    for record_name, record in records.items():
        for variant in record.variants:
            name = _without_search(model_name(record, variant.architecture))
            entries.setdefault(name, []).append((record_name, record, variant))
    entries = _sized(entries)
    have: dict[str, set[str]] = {"cpu": set(), "cuda": set()}
    for name, of_model in entries.items():
        for _, _, variant in of_model:
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
        common = {_wanted(wanted, have, common)}
    if not common:
        some = ", ".join(sorted(have["cpu"])[:5])
        raise InputError(f"no model was measured on both a CPU and a GPU; the CPU has {some}")
    return {name: entries[name] for name in sorted(common)}


def _wanted(text: str, have: Mapping[str, set[str]], common: set[str]) -> str:
    """The one model in common that is meant, its size given or not.

    Raises:
        InputError: there is none, or several of different sizes, which do not compare.
    """
    wanted = text.replace("-", "_").lower()
    of_device = {
        device: {name for name in names if wanted in (name, name.partition("@")[0])}
        for device, names in have.items()
    }
    found = sorted(common & of_device["cpu"])
    if wanted in found:
        return wanted
    if len(found) > 1:
        raise InputError(f"--model {text} was measured at several sizes: give {' or '.join(found)}")
    if found:
        return found[0]
    if all(of_device.values()):
        cpu, gpu = (", ".join(sorted(of_device[device])) for device in ("cpu", "cuda"))
        raise InputError(f"no model {text!r} of one size is on both: the CPU has {cpu}, GPUs {gpu}")
    lacking = "GPU" if of_device["cpu"] else "CPU"
    raise InputError(f"no record of a {lacking} has a model {text!r}")


def _sized(entries: Mapping[str, list[Entry]]) -> dict[str, list[Entry]]:
    """Entries of older records, which do not know their images' size, with those of that name.

    They stay by themselves where other records have that model in several sizes.
    """
    found: dict[str, list[Entry]] = {}
    for name, of_model in entries.items():
        sizes = [other for other in entries if other.startswith(f"{name}@")]
        for entry in of_model:
            _, record, variant = entry
            older = len(sizes) == 1 and variant.architecture not in record.inputs
            found.setdefault(sizes[0] if older else name, []).append(entry)
    return found


def _without_search(name: str) -> str:
    """A model's name without what a search added."""
    stem, at, size = name.partition("@")
    return stem.partition("+")[0] + at + size
