"""Train the networks that the search is measured on, once each, and print where they are.

C10: ResNet-56, published for lossless images, fine-tuned to the JPEG images of CIFAR-10. FM: a
small EfficientNet (squeeze-excite, SiLU) on Fashion-MNIST at 64 pixels, from scratch, as a Hugging
Face folder. Trained where Accelerate says. What is there already is not trained again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import _cifar
import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from paretune.data import load_data, materialise
from paretune.search.finish._accelerator import multiplies_bf16
from paretune.sources import load_model
from paretune.store import paths

if TYPE_CHECKING:
    from transformers import BaseImageProcessor, PreTrainedModel

#: Images a step; pixels and epochs of the FM task.
BATCH, FASHION_SIZE, FASHION_EPOCHS = 128, 64, 6
Tell = Callable[[str], None]


def aloud(text: str) -> None:
    """To whoever waits."""
    print(text, file=sys.stderr, flush=True)


def resnet(depth: int, *, epochs: int = 2, seed: int = 0, said: Tell = aloud) -> Path:
    """ResNet-`depth` fine-tuned to the JPEG images of `train`; its weights as safetensors."""
    from safetensors.torch import save

    file = _cifar.cached(f"resnet{depth}-jpeg50k-{epochs}-epochs-seed-{seed}.safetensors")
    if file.is_file():
        return file
    network = _cifar.loaded(depth, _cifar.converted(depth)).to(Accelerator().device)
    images, labels = _cifar.tensors(_cifar.dataset(), "train")
    fit(network, images.numpy(), labels, epochs=epochs, rate=0.02, shift=4, seed=seed, said=said)
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    paths.write_bytes_atomic(file, save(state))
    return file


def fashion(*, epochs: int = FASHION_EPOCHS, seed: int = 0, said: Tell = aloud) -> Path:
    """An EfficientNet of 16 blocks, B0 at half its width, trained on `train`; its folder."""
    folder = _cifar.cached(f"efficientnet-fashion-{epochs}-epochs-seed-{seed}")
    if (folder / "config.json").is_file():
        return folder
    module, processor = small_efficientnet(seed)
    with paths.folder_atomic(folder) as draft:
        module.save_pretrained(draft)
        processor.save_pretrained(draft)
        model = load_model(str(draft), input_shape=(3, FASHION_SIZE, FASHION_SIZE))
        train = materialise(load_data("fashion-mnist"), "train", model, paths.arrays())
        images = next(iter(train.feeds(0, train.n).values()))
        labels = torch.from_numpy(train.labels())
        network = Logits(module).to(Accelerator().device)
        fit(network, images, labels, epochs=epochs, rate=0.1, shift=4, seed=seed, said=said)
        module.save_pretrained(draft)
    return folder


def small_efficientnet(seed: int) -> tuple[PreTrainedModel, BaseImageProcessor]:
    """The network, as PyTorch initialises layers, and what prepares its images."""
    import transformers as hf

    torch.manual_seed(seed)
    size = {"image_size": FASHION_SIZE, "num_labels": 10, "dropout_rate": 0.2}
    scale = {"width_coefficient": 0.5, "depth_coefficient": 1.0, "hidden_dim": 640}
    # The configuration's momentum is TensorFlow's, and PyTorch's means the other share.
    config = hf.EfficientNetConfig.from_dict(size | scale | {"batch_norm_momentum": 0.1})
    module = hf.EfficientNetForImageClassification(config)
    # Transformers draws the scales of BatchNorms around 0 too: nothing comes through 16 blocks.
    for part in module.modules():
        if callable(reset := getattr(part, "reset_parameters", None)):
            reset()
    processor = hf.EfficientNetImageProcessorPil(
        size={"height": FASHION_SIZE, "width": FASHION_SIZE},
        resample=2,
        image_mean=[0.286] * 3,
        image_std=[0.594] * 3,  # squared by this processor: 0.353 in effect
    )
    return module, processor


class Logits(nn.Module):
    """A Hugging Face classifier that answers with its class scores."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) -> (n, classes)."""
        scores: torch.Tensor = self.module(x).logits
        return scores


def fit(
    network: nn.Module,
    images: NDArray[np.float32],
    labels: torch.Tensor,
    *,
    epochs: int,
    rate: float,
    shift: int,
    seed: int,
    said: Tell,
) -> None:
    """Plain cross-entropy on flipped and shifted images, in place; ends in eval mode.

    SGD with momentum; the rate rises over the first twentieth and falls to zero along a cosine.
    In bfloat16 where the device multiplies it: emulated, a step of ResNet-56 takes 9 times as long.

    Args:
        network: gives class scores (n, classes); trained where it lies.
        images: (n, c, h, w), normalised; may be mapped from a file.
        labels: int64 (n,).
        epochs: passes over the images.
        rate: largest learning rate.
        shift: largest shift in pixels.
        seed: of order and augmentation.
        said: told of progress.
    """
    network.train()
    for tensor in network.parameters():
        if tensor.ndim == 4:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
    torch.manual_seed(seed)
    steps = len(images) // BATCH
    device = next(network.parameters()).device
    labels = labels.to(device)
    reduced = multiplies_bf16(device.type)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=epochs * steps + 1, pct_start=0.05, cycle_momentum=False
    )
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(images))
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            x = augmented(torch.from_numpy(images[rows]).to(device), shift)
            with torch.autocast(device.type, torch.bfloat16, enabled=reduced):
                loss = F.cross_entropy(network(x).float(), labels[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            if step % 100 == 99:
                said(f"epoch {epoch + 1} of {epochs}, {step / steps:.0%}: loss {loss.item():.3f}")
    network.eval()


def augmented(x: torch.Tensor, shift: int) -> torch.Tensor:
    """Images shifted by up to `shift` pixels and flipped at random, (n, c, h, w)."""
    n, size, here = len(x), x.shape[-1], x.device
    padded = F.pad(x, (shift,) * 4)
    window = torch.arange(size, device=here)
    rows = (torch.randint(0, 2 * shift + 1, (n, 1), device=here) + window)[:, None, :, None]
    flipped = torch.where(torch.rand(n, 1, device=here) < 0.5, window.flip(0), window)
    columns = (torch.randint(0, 2 * shift + 1, (n, 1), device=here) + flipped)[:, None, None, :]
    every = torch.arange(n, device=here)[:, None, None, None]
    channels = torch.arange(x.shape[1], device=here)[:, None, None]
    made = padded[every, channels, rows, columns]
    return made.contiguous(memory_format=torch.channels_last)


TASKS: dict[str, Callable[[], Path]] = {"c10": lambda: resnet(56), "fm": fashion}


def main() -> int:
    """Those that are named, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--task", choices=tuple(TASKS), help="one of them; all by default")
    args = parser.parse_args()
    for name in (args.task,) if args.task else TASKS:
        print(f"{name}: {TASKS[name]()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
