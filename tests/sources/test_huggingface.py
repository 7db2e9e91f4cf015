from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

transformers = pytest.importorskip("transformers")

from paretune.core import ImagePreprocessing, InputError, TextPreprocessing  # noqa: E402
from paretune.data import preprocess  # noqa: E402
from paretune.sources import Request, load_model, source_of  # noqa: E402
from paretune.testing.sources import check_source  # noqa: E402


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resnet")
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=3
    )
    config.id2label = {0: "cat", 1: "dog", 2: "owl"}
    transformers.ResNetForImageClassification(config).save_pretrained(folder)
    processor = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 32})
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film"]
    index = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(index, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    ).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=7,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
        num_labels=2,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def copied(folder: Path, to: Path, *leave_out: str) -> Path:
    to.mkdir(exist_ok=True)
    for file in folder.iterdir():
        if file.name not in leave_out:
            (to / file.name).write_bytes(file.read_bytes())
    return to


def test_image_classifier_conforms(resnet: Path, tmp_path: Path) -> None:
    model = check_source(source_of(str(resnet)), str(resnet), tmp_path)
    assert model.inputs[0].name == "pixel_values"
    assert model.outputs[0].name == "logits"
    assert model.labels == ("cat", "dog", "owl")
    assert isinstance(model.preprocessing, ImagePreprocessing)
    assert model.preprocessing.size == (32, 32)
    assert model.preprocessing.resize_to == 36
    moved = load_model(f"hf:{copied(resnet, tmp_path / 'moved')}")
    assert moved.digest == model.digest


def test_text_classifier_conforms(bert: Path, tmp_path: Path) -> None:
    model = check_source(source_of(str(bert)), str(bert), tmp_path)
    assert [spec.name for spec in model.inputs] == ["input_ids", "attention_mask", "token_type_ids"]
    assert model.inputs[0].shape == (None, 16)
    assert model.labels is None
    assert isinstance(model.preprocessing, TextPreprocessing)
    feeds = preprocess.batch(model.preprocessing, ["a good film", "bad"], model.inputs)
    with torch.inference_mode():
        ours = model.module(*(torch.from_numpy(feeds[spec.name]) for spec in model.inputs))
        theirs = transformers.AutoModelForSequenceClassification.from_pretrained(bert).eval()
        tokens = transformers.AutoTokenizer.from_pretrained(bert)(
            ["a good film", "bad"], padding=True, return_tensors="pt"
        )
        torch.testing.assert_close(ours, theirs(**tokens).logits, rtol=1e-4, atol=1e-5)
    short = load_model(bert, input_shape=(8,))
    assert short.inputs[0].shape == (None, 8)


@pytest.mark.parametrize(
    ("problem", "task"),
    [
        (None, "classification"),
        ("single_label_classification", "classification"),
        ("multi_label_classification", "other"),
        ("regression", "other"),
    ],
)
def test_a_head_of_no_single_answer_is_no_classifier(
    problem: str | None, task: str, bert: Path, tmp_path: Path
) -> None:
    folder = copied(bert, tmp_path / "other")
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"problem_type": problem}))
    assert load_model(folder).task == task
    assert load_model(folder, task="classification").task == "classification"


PROCESSORS: dict[str, dict[str, Any]] = {
    "ViT": {"size": {"height": 24, "width": 24}},
    "ConvNext": {"size": {"shortest_edge": 28}},
    "CLIP": {"size": {"shortest_edge": 28}, "crop_size": {"height": 24, "width": 24}},
    "EfficientNet": {"size": {"height": 24, "width": 24}},
    "MobileViT": {"size": {"shortest_edge": 28}, "crop_size": {"height": 24, "width": 24}},
    "Levit": {"size": {"shortest_edge": 28}, "crop_size": {"height": 24, "width": 24}},
    "MobileNetV2": {"size": {"shortest_edge": 28}, "crop_size": {"height": 24, "width": 24}},
}


@pytest.mark.parametrize("kind", PROCESSORS)
def test_preprocessing_equals_the_image_processor(kind: str, resnet: Path, tmp_path: Path) -> None:
    folder = copied(resnet, tmp_path / "m")
    processor = getattr(transformers, f"{kind}ImageProcessorPil")(**PROCESSORS[kind])
    processor.save_pretrained(folder)
    model = load_model(folder)
    assert model.preprocessing is not None
    ramp = np.linspace(0, 255, 64)
    pixels = np.stack(np.broadcast_arrays(ramp[:48, None], ramp[None, :], 128.0), axis=2)
    image = Image.fromarray(pixels.astype(np.uint8))
    ours = preprocess.apply(model.preprocessing, image, model.inputs)["pixel_values"]
    theirs = np.asarray(processor(image)["pixel_values"][0])
    np.testing.assert_allclose(ours, theirs, atol=0.05)


def test_older_processor_files(resnet: Path, tmp_path: Path) -> None:
    folder = copied(resnet, tmp_path / "m")
    old = {
        "crop_pct": 0.875,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "ConvNextFeatureExtractor",
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "resample": 3,
        "size": 224,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(old))
    image = load_model(folder).preprocessing
    assert isinstance(image, ImagePreprocessing)
    assert (image.size, image.resize_to, image.interpolation) == ((224, 224), 256, "bicubic")
    (folder / "preprocessor_config.json").write_text(json.dumps({**old, "size": 384}))
    image = load_model(folder).preprocessing
    assert isinstance(image, ImagePreprocessing)
    assert (image.size, image.resize) == ((384, 384), "exact")


def test_what_cannot_be_described_asks_for_preprocessing(resnet: Path, tmp_path: Path) -> None:
    folder = copied(resnet, tmp_path / "m")
    transformers.DeiTImageProcessorPil().save_pretrained(folder)
    with pytest.raises(InputError, match="then crops, which cannot be described here"):
        load_model(folder)
    model = load_model(folder, input_shape=(3, 32, 32), preprocessing="imagenet")
    assert model.preprocessing is not None


def test_no_processor_means_no_preprocessing(resnet: Path, tmp_path: Path) -> None:
    folder = copied(resnet, tmp_path / "m", "preprocessor_config.json")
    with pytest.raises(InputError, match="give --input-shape 3x224x224"):
        load_model(folder)
    assert load_model(folder, input_shape=(3, 32, 32)).preprocessing is None


def test_only_whole_safetensors(resnet: Path, tmp_path: Path) -> None:
    folder = copied(resnet, tmp_path / "m", "model.safetensors")
    with pytest.raises(InputError, match="cannot be loaded"):
        load_model(folder)
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pytorch_model\.bin, a pickle"):
        load_model(folder)
    whole = (resnet / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-8])
    with pytest.raises(InputError, match="are not a whole safetensors file"):
        load_model(folder)


def test_a_head_that_was_never_trained(resnet: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = copied(resnet, tmp_path / "m")
    state = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in state.items() if not key.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lack 2 tensors \(classifier"):
        load_model(folder)


def test_another_task_and_a_broken_config(resnet: Path, tmp_path: Path) -> None:
    folder = copied(resnet, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["ResNetBackbone"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"is ResNetBackbone: only"):
        load_model(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json cannot be used"):
        load_model(folder)
    with pytest.raises(InputError, match="comes with its weights"):
        source_of(str(folder)).load(str(folder), Request(weights=Path("w.safetensors")))


def test_a_name_that_cannot_be_reached() -> None:
    with pytest.raises(InputError, match=r"cannot be had from Hugging Face.*network") as caught:
        load_model("hf:paretune-tests/no-such-model")  # the tests are offline
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["AutoConfig", "AutoModelForImageClassification"])
def test_a_model_that_is_another_packages_inside(
    where: str, resnet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: Any, **__: Any) -> None:
        raise ImportError("TimmWrapper requires the timm library but it was not found")

    monkeypatch.setattr(getattr(transformers, where), "from_pretrained", lacking)
    with pytest.raises(InputError, match=r"needs a package that is not installed: .*timm"):
        load_model(str(resnet))
