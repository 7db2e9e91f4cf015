"""Small real files and models for the tests of data."""

from pathlib import Path

import numpy as np
from PIL import Image

from paretune.core import ImagePreprocessing, Model, TensorSpec


def picture(seed: int = 0, size: tuple[int, int] = (20, 16), mode: str = "RGB") -> Image.Image:
    """Smooth colours with some noise, so that JPEG and resizing behave as on photographs."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC).convert(mode)


def pictures(folder: Path, n: int, *, suffix: str = ".jpg", start: int = 0) -> list[Path]:
    """`n` images in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{start + i:04d}{suffix}" for i in range(n)]
    for i, path in enumerate(paths):
        picture(start + i).save(path)
    return paths


def tokenizer_json() -> str:
    """A tokenizer of seven words that sets a mark before and after a text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "good", "film"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return str(tokenizer.to_str())


def truncate(path: Path, keep: float = 0.6) -> None:
    """Cut the end of a file off."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def model(
    shape: tuple[int | None, ...] = (None, 3, 8, 8),
    *,
    classes: int = 10,
    dtype: str = "float32",
    preprocessing: ImagePreprocessing | None = None,
    labels: tuple[str, ...] | None = None,
    inputs: tuple[TensorSpec, ...] = (),
) -> Model:
    """A model as far as data is concerned."""
    return Model(
        name="net",
        source="factory",
        inputs=inputs or (TensorSpec(name="input", shape=shape, dtype=dtype),),
        outputs=(TensorSpec(name="output", shape=(None, classes), dtype="float32"),),
        task="classification",
        digest="0",
        preprocessing=preprocessing,
        labels=labels,
    )
