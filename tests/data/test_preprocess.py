import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from paretune.core import ImagePreprocessing, InputError, TensorSpec, TextPreprocessing
from paretune.data import apply, batch
from paretune.data.preprocess import is_truncated
from tests.data import make
from tests.data.make import picture

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def spec(shape, dtype="float32", name="input"):
    return (TensorSpec(name=name, shape=shape, dtype=dtype),)


@pytest.mark.parametrize("size", [(61, 47), (47, 61), (40, 40), (300, 33), (32, 32), (29, 35)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shortest", [32, 31, 28])
def test_equals_hugging_face_image_processor(size, interpolation, shortest):
    transformers = pytest.importorskip("transformers")
    resample = Image.Resampling[interpolation.upper()]
    processor = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": shortest},
        crop_size={"height": 28, "width": 28},
        resample=resample,
        image_mean=MEAN,
        image_std=STD,
    )
    image = picture(1, size)
    expected = np.asarray(processor(image)["pixel_values"][0])
    ours = ImagePreprocessing(
        size=(28, 28),
        resize_to=shortest,
        interpolation=interpolation,
        mean=MEAN,
        std=STD,
        crop_offset="floor",
    )
    found = apply(ours, image, spec((None, 3, 28, 28)))["input"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.timm
@pytest.mark.parametrize("size", [(61, 47), (47, 61), (40, 40), (300, 33), (20, 15), (35, 29)])
@pytest.mark.parametrize(("resize_to", "crop"), [(32, 28), (35, 28), (24, 28), (28, 28)])
def test_equals_torchvision(size, resize_to, crop):
    transforms = pytest.importorskip("torchvision.transforms")
    theirs = transforms.Compose(
        [
            transforms.Resize(resize_to, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(crop),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    image = picture(2, size)
    ours = ImagePreprocessing(
        size=(crop, crop), resize_to=resize_to, interpolation="bicubic", mean=MEAN, std=STD
    )
    found = apply(ours, image, spec((None, 3, crop, crop)))["input"]
    np.testing.assert_allclose(found, theirs(image).numpy(), atol=1e-5)


def test_exact_resize_ignores_proportions():
    image = picture(3, (30, 10))
    ours = ImagePreprocessing(size=(8, 12), resize="exact")
    found = apply(ours, image, spec((None, 3, 8, 12)))["input"]
    expected = np.asarray(image.resize((12, 8), Image.Resampling.BILINEAR)) / 255
    np.testing.assert_allclose(found, expected.transpose(2, 0, 1), atol=1e-6)


def test_channels_layout_and_dtype():
    image = picture(4, (8, 8))
    pixels = np.asarray(image)
    raw = ImagePreprocessing(size=(8, 8), scale=1.0, layout="HWC", channels="BGR")
    found = apply(raw, image, spec((None, 8, 8, 3), "uint8"))["input"]
    assert found.dtype == np.uint8
    assert (found == pixels[:, :, ::-1]).all()
    grey = ImagePreprocessing(size=(8, 8), channels="L", mean=(0.5,), std=(0.25,))
    found = apply(grey, image, spec((None, 1, 8, 8)))["input"]
    expected = (np.asarray(image.convert("L")) / 255 - 0.5) / 0.25
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
def test_any_mode_becomes_what_the_model_takes(mode):
    image = picture(5, (8, 8)).convert(mode)
    found = apply(ImagePreprocessing(size=(8, 8)), image, spec((None, 3, 8, 8)))["input"]
    assert found.shape == (3, 8, 8)
    np.testing.assert_allclose(
        found, np.asarray(image.convert("RGB")).transpose(2, 0, 1) / 255, atol=1e-6
    )


def test_sixteen_bit_grey_is_scaled_not_clipped():
    wide = Image.fromarray((np.arange(64).reshape(8, 8) * 1040).astype(np.uint16))
    found = apply(
        ImagePreprocessing(size=(8, 8), channels="L", mean=(0.0,), std=(1.0,)),
        wide,
        spec((None, 1, 8, 8)),
    )["input"]
    assert found.max() == pytest.approx(63 * 1040 / 65535, abs=0.01)
    assert len(np.unique(found)) == 64


def test_refusals():
    image = picture(6, (8, 8))
    rgb = ImagePreprocessing(size=(8, 8))
    with pytest.raises(InputError, match=r"takes samples of shape \(1, 8, 8\) and the preproc"):
        apply(rgb, image, spec((None, 1, 8, 8)))
    with pytest.raises(InputError, match=r"shape \(3, 224, 224\)"):
        apply(rgb, image, spec((None, 3, 224, 224)))
    with pytest.raises(InputError, match="the model takes 2"):
        apply(rgb, image, spec((None, 3, 8, 8)) + spec((None, 1), name="other"))
    with pytest.raises(InputError, match="was given str"):
        apply(rgb, "text", spec((None, 3, 8, 8)))
    with pytest.raises(InputError, match="means or standard deviations for 1 channel"):
        apply(
            ImagePreprocessing(size=(8, 8), channels="L", mean=MEAN, std=STD),
            image,
            spec((None, 1, 8, 8)),
        )
    with pytest.raises(InputError, match="no samples"):
        batch(rgb, [], spec((None, 3, 8, 8)))


def test_batch():
    images = [picture(i, (20, 30)) for i in range(3)]
    ours = ImagePreprocessing(size=(8, 8))
    found = batch(ours, images, spec((None, 3, None, None)))["input"]
    assert found.shape == (3, 3, 8, 8)
    assert (found[1] == apply(ours, images[1], spec((None, 3, 8, 8)))["input"]).all()


@pytest.fixture
def tokenizer_json():
    pytest.importorskip("tokenizers")
    return make.tokenizer_json()


def test_text_equals_transformers(tokenizer_json, tmp_path):
    transformers = pytest.importorskip("transformers")
    file = tmp_path / "tokenizer.json"
    file.write_text(tokenizer_json)
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(file), pad_token="[PAD]")
    names = ("input_ids", "token_type_ids", "attention_mask")
    ours = TextPreprocessing(tokenizer=tokenizer_json, max_length=6, inputs=names)
    inputs = tuple(TensorSpec(name=f"in_{n}", shape=(None, 6), dtype="int64") for n in names)
    for text in ("a good film", "a good good film a film good", "what", ""):
        expected = theirs(text, padding="max_length", truncation=True, max_length=6)
        found = apply(ours, text, inputs)
        for name in names:
            if name in expected:
                assert found[f"in_{name}"].tolist() == expected[name]
                assert found[f"in_{name}"].dtype == np.int64
    with pytest.raises(InputError, match="the tokenizer gives 3 inputs"):
        apply(ours, "a", inputs[:2])
    with pytest.raises(InputError, match="was given int"):
        apply(ours, 3, inputs)


def test_tokens_go_to_the_inputs_of_their_names_whatever_the_order(tokenizer_json):
    names = ("input_ids", "attention_mask")
    ours = TextPreprocessing(tokenizer=tokenizer_json, max_length=6, inputs=names)
    specs = {name: TensorSpec(name=name, shape=(None, 6), dtype="int64") for name in names}
    expected = apply(ours, "a good film", tuple(specs.values()))
    found = apply(ours, "a good film", (specs["attention_mask"], specs["input_ids"]))
    assert {name: found[name].tolist() for name in names} == {
        name: expected[name].tolist() for name in names
    }
    assert found["attention_mask"].max() == 1 < found["input_ids"].max()


def test_a_text_is_cut_where_it_has_more_tokens_than_fit(tokenizer_json):
    ours = TextPreprocessing(tokenizer=tokenizer_json, max_length=6, inputs=("input_ids",))
    found = [is_truncated(ours, "good " * words) for words in (0, 4, 5)]  # and two marks
    assert found == [False, False, True]


def test_needs_no_torch(tokenizer_json):
    code = (
        "import sys, json\n"
        "from paretune.core import *\n"
        "from paretune.data.preprocess import apply\n"
        "from PIL import Image\n"
        "s = (TensorSpec(name='x', shape=(None, 3, 8, 8), dtype='float32'),)\n"
        "apply(ImagePreprocessing(size=(8, 8)), Image.new('RGB', (9, 9)), s)\n"
        f"j = {tokenizer_json!r}\n"
        "t = TextPreprocessing(tokenizer=j, max_length=4, inputs=('input_ids',))\n"
        "apply(t, 'a', (TensorSpec(name='i', shape=(None, 4), dtype='int64'),))\n"
        "heavy = {'torch', 'openvino', 'transformers', 'onnxruntime', 'sklearn'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
