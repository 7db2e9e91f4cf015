"""One machine stands in for its older siblings: instruction sets capped, and who kept to that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paretune.core import (
    Condition,
    LayerTime,
    ParetuneError,
    Progress,
    Target,
    Variant,
    VariantRecord,
)
from paretune.pipeline.entrants import Entrants
from paretune.runtimes.kernels import beyond

#: Share of a call in kernels beyond the cap that a variant may have and still stand for it.
BEYOND = 0.1


def kernels(entrants: Entrants, told: Progress) -> dict[str, dict[str, float]]:
    """Share of each variant's time by executed kernel, by id; empty where its runtime is silent."""
    found = {}
    for name, entrant in entrants.ready.items():
        told.step(f"kernels of {name}")
        try:
            with entrant.context.open(entrant.program, entrant.variant, profile=True) as host:
                layers = host.call("layers")
        except ParetuneError:  # the runtime does not tell: nothing to hold against the cap
            layers = []
        found[name] = shares(layers)
    return found


def shares(layers: Sequence[LayerTime]) -> dict[str, float]:
    """Share of the time by kernel, the most first; those without a name are left out."""
    whole = sum(layer.microseconds for layer in layers)
    spent: dict[str, float] = {}
    for layer in layers:
        if layer.kernel and whole:
            spent[layer.kernel] = spent.get(layer.kernel, 0.0) + layer.microseconds / whole
    return dict(sorted(spent.items(), key=lambda pair: -pair[1]))


def judged(record: VariantRecord, executed: Mapping[str, float], cap: str) -> VariantRecord:
    """The record with what it ran beyond the cap; rejected where that is more than a little.

    OpenVINO's own kernels, for what it fuses or reorders between layers, do not ask oneDNN.
    """
    over = {kernel: share for kernel, share in executed.items() if beyond(kernel, cap)}
    if record.status != "ok" or not over:
        return record
    share = sum(over.values())
    text = f"{share:.1%} of its time in kernels beyond {cap}, such as {next(iter(over))}"
    status = "ok" if share <= BEYOND else "rejected"
    return record.model_copy(update={"status": status, "reason": text})


def one_stream(variant: Variant | VariantRecord) -> str:
    """What a variant and the same program in more streams have in common."""
    parts = (variant.architecture, variant.runtime, variant.precision, variant.recipe)
    return "/".join(map(str, (*parts, variant.threads, variant.batch)))


def unverified(runtimes: Sequence[str], cap: str) -> list[Condition]:
    """That nobody could look whether these runtimes kept to the cap."""
    if not runtimes:
        return []
    names = ", ".join(runtimes)
    return [
        Condition(
            kind="emulated",
            text=f"asked to keep to {cap}, {names} did not tell which instructions the kernels are "
            "made of: that the cap was kept is not verified",
        )
    ]


def emulated(target: Target) -> Condition:
    """What a reader of figures taken under a cap should know."""
    return Condition(
        kind="emulated",
        text=f"instruction sets were capped at {target.isa_cap}: this is {target.cpu} with the "
        "newer ones switched off, and the clock, caches and memory of an older CPU differ",
    )
