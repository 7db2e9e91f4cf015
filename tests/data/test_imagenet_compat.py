import os
from pathlib import Path

import numpy as np
import pytest

from paretune.core import InputError
from paretune.data import load_data
from paretune.testing.data import check_samples

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PARETUNE_REFERENCE_DATA", ROOT.parent / "shared" / "data"))


@pytest.mark.reference
@pytest.mark.skipif(
    not (DATA / "imagenet_compat" / "images.csv").is_file(),
    reason=f"no imagenet_compat in {DATA} (set PARETUNE_REFERENCE_DATA)",
)
def test_thousand_photographs(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.setenv("PARETUNE_REFERENCE_DATA", str(DATA))
    dataset = load_data("benchmarks.imagenet_compat:dataset")
    assert {k: len(v) for k, v in dataset.splits.items()} == {
        "train": 200,
        "search": 400,
        "holdout": 400,
    }
    labels = dataset.samples.labels
    assert len(np.unique(labels)) == 430
    assert (labels.min() >= 0, labels.max() <= 999) == (True, True)
    assert labels[0] == 305
    assert dataset.samples.raw(0).size == (299, 299)
    check_samples(dataset.samples)


def test_absent_data(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.setenv("PARETUNE_REFERENCE_DATA", str(tmp_path))
    with pytest.raises(InputError, match="set PARETUNE_REFERENCE_DATA"):
        load_data("benchmarks.imagenet_compat:dataset")
