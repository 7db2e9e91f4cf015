import numpy as np
import pytest
import torch
from torch import nn

from paretune.search.library import _worker
from paretune.search.library._picked import Picked
from paretune.search.library._recipe import Recipe
from paretune.search.library._work import Work
from paretune.search.library._worker import Trainer
from tests.search.library.conftest import proposed


class Mixed(nn.Module):
    """A residual block on (n, H, W, C)."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(6, 6)

    def forward(self, x):
        return x + self.mix(x)


def test_channels_are_counted_alike_where_they_are_last(tmp_path):
    torch.manual_seed(0)
    module, x = nn.Sequential(Mixed(), Mixed()).eval(), torch.randn(40, 4, 5, 6)
    module[0].mix.bias.data = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 9.0])
    x *= torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 9.0])

    class Rows(Picked):
        n = 40

        def inputs(self, rows):
            return (x[rows.start : rows.stop],)

    proposals = proposed(module, x, ["skip"])
    rows = Rows(None, np.arange(40))
    for split in ("train", "held"):
        (tmp_path / split).mkdir()
    trainer = Trainer(
        Work(
            proposals,
            rows,
            rows,
            tmp_path,
            sites=((0, 0),),
            recipe=Recipe(),
            seed=0,
            threads=torch.get_num_threads(),
            bf16=False,
        )
    )
    for split in ("train", "held"):
        trainer.record(split, 0, 40)
    option = proposals.space.options[proposals.space.index["b0:skip"]]
    found = trainer.fit(
        option, seconds=0.0, before=None, bar=float("inf"), into=tmp_path / "s", last=False
    )
    y = proposals.flowing[0].y
    share = (x - y).square().mean(dim=(0, 1, 2)) / y.var(dim=(0, 1, 2))
    assert found.after == pytest.approx(float(share.mean()), rel=0.05)


@pytest.mark.parametrize(("most", "held"), [(-1, 1), (2**30, 3)])
def test_candidates_are_held_while_there_is_room(tmp_path, monkeypatch, most, held):
    monkeypatch.setattr(_worker, "MOST_BYTES", most)
    torch.manual_seed(0)
    module = nn.Sequential(*(Mixed() for _ in range(3))).eval()
    proposals = proposed(module, torch.randn(40, 4, 5, 6), ["skip"])
    samples = Picked(None, np.arange(40))
    trainer = Trainer(
        Work(
            proposals, samples, samples, tmp_path, sites=(), recipe=Recipe(),
            seed=0, threads=1, bf16=False,
        )
    )  # fmt: skip
    wanted = {o.first: o for o in proposals.space.options if o.operator == "skip"}
    assert len(wanted) == 3
    for option in wanted.values():
        trainer._piece(option, None)
    assert len(trainer._pieces) == held
