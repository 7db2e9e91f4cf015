"""How a student is distilled: every number of it, with defaults that were measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from paretune.core import InputError

#: Batches that BatchNorm's statistics are estimated on however long they take.
FEWEST_NORM = 2


@dataclass(frozen=True)
class Recipe:
    """Function matching (Beyer et al. 2022, arXiv 2106.05237): one view, one teacher, mixup, long.

    Attributes:
        lr: peak learning rate. What inherits and was trained piece by piece is near its end: a
            ResNet-56 for CIFAR-10 (JPEG) with 27 blocks merged into 11 reached, of its teacher's
            0.954 and in 75 seconds, 0.906 at 6e-5, 0.911 at 2e-4, 0.906 at 6e-4, 0.881 at 2e-3.
        weight_decay: decoupled for `adamw`, an L2 term for `sgd`; not for biases and norms.
        optimizer: `adamw`, or `sgd` with Nesterov momentum 0.9.
        batch: samples a step, over all processes.
        temperature: of the softmax on both sides; the loss is scaled by its square (Hinton et al.
            2015, arXiv 1503.02531, section 2). In the trial below 2 reached 0.840 where 1 reached
            0.833.
        hard_weight: share of the cross-entropy with the labels, 0 to 1; left out where there are
            no labels.
        feature_weight: weight of the feature term beside the rest; needs pairs of modules.
        mixup: parameter of the Beta distribution of the mixing share (Zhang et al. 2018, arXiv
            1710.09412); 1 is uniform, 0 is no mixup. None by default: it is for long schedules.
            On 5000 test images of CIFAR-10 (JPEG), a ResNet-20 with weights for the lossless
            images (0.761) that learns from a ResNet-56 (0.880) reached 0.833 in a quarter of an
            epoch without, 0.798 with mixup 1, both at temperature 1.
        flip: whether images may be mirrored left to right; None asks the teacher: they may where
            it answers the same.
        both_ways: whether the teacher's answer is its mean over an image and the mirrored image,
            where images may be mirrored: two are right more often than one. Two networks for
            CIFAR-10 (JPEG) that are 2.1 and 2.3 times as fast as their ResNet-56 (0.895) reached
            0.895 without and 0.899 with it, means of three seeds, although every step took a
            quarter longer and they had no more time.
        shift: largest random shift, in parts of the image's size; None asks the teacher: the
            largest of 1/8, 1/16 and 1/32 after which it mostly answers as before. A network for
            Fashion-MNIST, 2.5 times as fast as its EfficientNet, which never saw more than 1/16,
            began 0.0161 nats from it, and was after 300 seconds 0.0212 away with 1/8, 0.0116 with
            1/16, 0.0108 with 1/32, 0.0105 with none. With 1/8 a rate of 2e-4 did no better.
        settle: share of the budget, at its end, in which the student computes as it will serve:
            BatchNorm with statistics that stay as estimated, dropout off (but inside recurrent
            layers on a GPU). The network of `shift`, with 1/16, was after 60 seconds 0.0229 nats
            from its teacher with none of it, 0.0186 with a fifth, 0.0174 with a half, 0.0146 with
            all; one for CIFAR-10 (JPEG), which had more to learn, after 110 seconds 0.196, 0.192,
            0.203 and 0.211.
        ema: decay a step of the averaged weights that are handed back; short runs average less.
        warmup: share of the budget over which the learning rate rises.
        clip: largest norm of the gradient.
        norm_batches: batches that BatchNorm statistics are estimated on where the student settles,
            or at the end.
        precision: `auto` computes in bfloat16 where the hardware has it, unless Accelerate is
            configured otherwise; `f32` never does.
        scores: whether outputs of shape (n, classes) are class scores, which no two values of a
            regression are.
    """

    lr: float = 5e-4
    weight_decay: float = 0.05
    optimizer: Literal["adamw", "sgd"] = "adamw"
    batch: int = 128
    temperature: float = 2.0
    hard_weight: float = 0.0
    feature_weight: float = 0.0
    mixup: float = 0.0
    flip: bool | None = None
    both_ways: bool = True
    shift: float | None = None
    settle: float = 0.2
    ema: float = 0.998
    warmup: float = 0.05
    clip: float = 1.0
    norm_batches: int = 10
    precision: Literal["auto", "f32"] = "auto"
    scores: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with.

        Raises:
            InputError: a number outside its range.
        """
        ranges: dict[str, tuple[float, float]] = {
            "lr": (0.0, 100.0),
            "weight_decay": (0.0, 100.0),
            "batch": (2, 1e6),
            "temperature": (0.01, 100.0),
            "hard_weight": (0.0, 1.0),
            "feature_weight": (0.0, 1e6),
            "mixup": (0.0, 100.0),
            "shift": (0.0, 0.5),
            "settle": (0.0, 1.0),
            "ema": (0.0, 0.999999),
            "warmup": (0.0, 0.9),
            "clip": (1e-6, 1e6),
            "norm_batches": (0, 1e6),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"recipe: {name} is {value}: give a number from {low} to {high}")
