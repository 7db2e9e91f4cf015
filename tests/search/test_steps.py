"""The steps of a search that take time, where nothing comes of them."""

from types import SimpleNamespace

import numpy as np
import pytest

from paretune.core import InputError, Silent
from paretune.search import steps
from paretune.search.journal import Journal
from paretune.search.library import Entry
from tests.search.test_ends import LATENCY, SPACE


def test_where_every_option_dies_that_is_said_and_tried_again(tmp_path, monkeypatch):
    """Such as for want of memory, which a resumed search may have."""

    def train(*_args, options, **_others):
        died = {"status": "failed", "reason": "its process was killed", "died": True}
        return SimpleNamespace(entries={one: Entry(option=one, **died) for one in options})

    monkeypatch.setattr(steps.Library, "train", train)
    ground = SimpleNamespace(
        scores=True, train=None, search=None, model=SimpleNamespace(digest="m"), engine=None,
        store=None, seed=0, ledger=None, progress=Silent(),
    )  # fmt: skip
    count, journal = len(SPACE.options), Journal(tmp_path)
    with pytest.raises(InputError, match="could be built: its process was killed"):
        steps.train_library(
            ground,
            SimpleNamespace(space=SPACE, blocks=range(SPACE.blocks)),
            LATENCY,
            np.ones(count),
            np.ones(count, dtype=bool),
            journal,
            10.0,
        )
    assert "judged" not in journal
