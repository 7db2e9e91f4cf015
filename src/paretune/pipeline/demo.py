"""The demo: train a small residual CNN on real scans of digits, then take it on the whole trip."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from paretune.core import Progress, Result, Silent
from paretune.data import ArrayFolder, Dataset, load_data, materialise
from paretune.pipeline.optimize import optimize
from paretune.sources import load_model
from paretune.store import paths

EPOCHS = 12
BATCH = 64
LEARNING_RATE = 2e-3
#: Of the trip after training. A search takes all of it.
BUDGET = "280s"


def demo(
    *,
    out: str | Path = "demo",
    effort: str = "search",
    budget: str | float | None = None,
    resume: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Result:
    """Train the digits network and optimise it; writes the same files as `optimize`.

    Args:
        out: folder for the result.
        effort: as `optimize`.
        budget: time for the trip after training; 280 s by default.
        resume: go on with the run in `out`.
        seed: of training, splits and resampling.
        progress: told what happens.

    Returns:
        The result of `optimize`.
    """
    told = progress or Silent()
    dataset = load_data("digits", seed=seed)
    weights = trained(dataset, seed=seed, told=told)
    return optimize(
        f"digits-resnet@{weights}",
        dataset,
        out=out,
        effort=effort,
        budget=budget or BUDGET,
        resume=resume,
        seed=seed,
        progress=told,
    )


def trained(dataset: Dataset, *, seed: int, told: Progress) -> Path:
    """The weights of the digits network, trained now or in an earlier demo: a safetensors file."""
    untrained = load_model("digits-resnet@random")
    arrays = materialise(dataset, "train", untrained, paths.arrays())
    recipe = f"{untrained.digest} {arrays.digest} {EPOCHS} {BATCH} {LEARNING_RATE} {seed}"
    name = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    file = paths.home() / "demo" / f"digits-{name}.safetensors"
    if not file.exists():
        told.stage("train the digits network", EPOCHS)
        file.parent.mkdir(parents=True, exist_ok=True)
        paths.write_bytes_atomic(file, train(untrained.module, arrays, seed=seed, progress=told))
    return file


def train(module: Any, arrays: ArrayFolder, *, seed: int, progress: Progress) -> bytes:
    """Train on a split with AdamW, a one-cycle schedule and one-pixel shifts.

    Args:
        module: an untrained classifier.
        arrays: images (n, 1, 8, 8) with labels.
        seed: of batches and shifts.
        progress: told each epoch.

    Returns:
        The trained weights in safetensors format.
    """
    import torch
    from safetensors.torch import save

    random = torch.Generator().manual_seed(seed)
    images = arrays.tensors(slice(None))[0]
    labels = torch.from_numpy(arrays.labels())
    steps = EPOCHS * (len(images) // BATCH)
    optimiser = torch.optim.AdamW(module.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.05)
    module.train()
    for epoch in range(EPOCHS):
        progress.step(f"epoch {epoch + 1} of {EPOCHS}")
        order = torch.randperm(len(images), generator=random)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            shift = torch.randint(-1, 2, (2,), generator=random).tolist()
            moved = torch.roll(images[rows], shifts=shift, dims=(2, 3))
            loss = loss_of(module(moved), labels[rows])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
    module.eval()
    return bytes(save({key: value.contiguous() for key, value in module.state_dict().items()}))
