"""Networks of real size made on the spot: their speed is asked for, not their accuracy.

Weights are random. BatchNorm statistics are taken from random inputs, layer by layer, so that
activations keep their size to the last layer, as in a trained network: left alone they fade with
depth, until int8 has no range and f32 computes with denormal numbers, which are slow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paretune.core import Model
from paretune.sources import load_model

#: Side of the input, and batch for the statistics.
SIZES = {"resnet-50": 224, "efficientnet-b2": 260}
TIMM = {
    "resnet-50": "resnet50",
    "efficientnet-b0": "efficientnet_b0",
    "efficientnet-b2": "efficientnet_b2",
    "efficientnet-lite0": "efficientnet_lite0",
    "regnety-032": "regnety_032",
    "mobilenetv3": "mobilenetv3_large_100",
}
STATISTICS_BATCH = 8


def hugging_face(name: str, folder: Path) -> Model:
    """transformers' network of that name, brought in."""
    import torch

    torch.manual_seed(0)
    if name == "resnet-50":
        return load_model(_resnet_50(folder / name))
    return load_model(_efficientnet_b2(), input_shape=(3, SIZES[name], SIZES[name]))


def _resnet_50(folder: Path) -> str:
    """A Hugging Face folder as `save_pretrained` writes it, processor included; its path."""
    import transformers as hf

    # The defaults of the configuration are those of microsoft/resnet-50.
    module: Any = hf.ResNetForImageClassification(hf.ResNetConfig.from_dict({"num_labels": 1000}))
    settle_statistics(module, SIZES["resnet-50"])
    module.save_pretrained(folder)
    hf.ConvNextImageProcessorPil(size={"shortest_edge": 224}).save_pretrained(folder)
    return str(folder)


def efficientnet_b0() -> Model:
    """As google/efficientnet-b0, with random weights, for 224 pixels."""
    import torch

    torch.manual_seed(0)
    return load_model(_efficientnet(1.0, 1.0, 1280, 224), input_shape=(3, 224, 224))


def _efficientnet_b2() -> Any:
    """As google/efficientnet-b2."""
    return _efficientnet(1.1, 1.2, 1408, SIZES["efficientnet-b2"])


def _efficientnet(width: float, depth: float, hidden: int, size: int) -> Any:
    """An EfficientNet by its coefficients, with its global pooling written as such.

    transformers writes it as an average over a window as wide as the head that ends where the image
    does, which OpenVINO refuses; the result is the same.
    """
    import transformers as hf
    from torch import nn

    widths = {"width_coefficient": width, "depth_coefficient": depth, "hidden_dim": hidden}
    sizes = {"image_size": size, "num_labels": 1000}
    module: Any = hf.EfficientNetForImageClassification(
        hf.EfficientNetConfig.from_dict(widths | sizes)
    )
    module.efficientnet.pooler = nn.AdaptiveAvgPool2d(1)
    settle_statistics(module, size)
    return module


def timm_model(name: str, folder: Path) -> Model:
    """timm's network of that name, brought in."""
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    module = timm.create_model(TIMM[name], pretrained=False)
    settle_statistics(module, module.pretrained_cfg["input_size"][-1])
    file = folder / f"{name}.safetensors"
    save_file(module.state_dict(), file)
    return load_model(f"timm:{TIMM[name]}@{file}")


def bert_base(folder: Path) -> Model:
    """As google-bert/bert-base-uncased, with random weights, for 128 tokens of made-up words."""
    import torch
    import transformers as hf
    from tokenizers import Tokenizer, models, pre_tokenizers

    place, config = folder / "bert-base", hf.BertConfig()
    words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "good", "bad"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=128
    ).save_pretrained(place)
    torch.manual_seed(0)
    hf.BertForSequenceClassification(config).save_pretrained(place)
    return load_model(str(place))


def settle_statistics(module: Any, size: int) -> None:
    """Set every BatchNorm's running statistics to those of one random batch."""
    import torch
    from torch import nn

    module.eval()
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
        # A scale of zero at the end of a residual branch would leave that branch out.
        nn.init.ones_(norm.weight)
    with torch.no_grad():
        module(torch.randn(STATISTICS_BATCH, 3, size, size))
    module.eval()
