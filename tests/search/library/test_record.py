import numpy as np
import pytest
import torch
from torch import nn

from paretune.core import InputError
from paretune.search.divergence import divergence
from paretune.search.library._picked import Picked, drawn
from paretune.search.library._record import (
    OUTPUTS,
    drifted,
    extra,
    first_tensor,
    record,
    record_drift,
)
from paretune.search.library._reel import Reel, entrance, exit_of
from paretune.search.library._swap import swapped
from paretune.search.network.compose import compose
from paretune.search.network.site import flows, passed, rows_of_extras
from tests.search.library.conftest import proposed
from tests.search.library.nets import Passing


@pytest.fixture(scope="module")
def filmed(proposals, splits, tmp_path_factory):
    """All activations of 70 samples, which is more than one batch."""
    blocks = proposals.blocks
    picked = drawn(splits[0], 70, np.random.default_rng(0))
    reel = Reel(tmp_path_factory.mktemp("reel"), picked.n)
    names = [entrance(blocks, b.index) for b in blocks] + [exit_of(b.index) for b in blocks]
    for rows in (range(0, 66), range(66, 70)):
        record(proposals.module, blocks, picked, reel, rows, names=names, extras={}, outputs=True)
    return picked, reel


def close(film, x):
    torch.testing.assert_close(film, x.bfloat16(), rtol=0.02, atol=1e-3)


def test_samples_are_drawn_from_all_of_a_split(splits):
    picked = drawn(splits[0], 60, np.random.default_rng(0))
    assert picked.n == 60
    # The split lies in the order of its classes.
    assert set(picked.labels()) == set(splits[0].labels())
    (x,) = picked.inputs(range(5, 8))
    every = splits[0].feeds(0, splits[0].n)["x"]
    np.testing.assert_array_equal(x.numpy(), every[picked.order[5:8]])
    assert drawn(splits[0], 10**6, np.random.default_rng(0)).n == splits[0].n


def test_what_flows_between_blocks_is_kept(proposals, filmed):
    picked, reel = filmed
    found = flows(proposals.module, proposals.blocks, picked.inputs(range(0, 70)))
    for block, flow in zip(proposals.blocks, found, strict=True):
        close(reel.activations(entrance(proposals.blocks, block.index), block.input_shape), flow.x)
        close(reel.activations(exit_of(block.index), block.output_shape), flow.y)
    with torch.no_grad():
        y = proposals.module(*picked.inputs(range(0, 70)))
    torch.testing.assert_close(reel.strip(OUTPUTS, (4,), torch.float32), y, rtol=1e-4, atol=1e-5)


def test_drift_is_what_reaches_a_block_and_the_clean_input_inside_a_merged_run(proposals, filmed):
    picked, reel = filmed
    blocks, space = proposals.blocks, proposals.space
    option = space.options[space.index["b1-3:basic(width=1)"]]
    piece = proposals.build(option, seed=0)
    network = compose(proposals.module, blocks, {(1, 3): piece})
    begins = [0, 1, 4, 5, 6]
    record_drift(network, blocks, picked, reel, range(0, 70), begins=begins, wanted=[1, 2, 4])
    x1 = reel.activations(entrance(blocks, 1), blocks[1].input_shape)
    with torch.no_grad():
        made = piece(x1.float())
    close(reel.activations(drifted(1), blocks[1].input_shape), x1)
    got = reel.activations(drifted(4), blocks[4].input_shape).float()
    assert float((got - made).norm() / made.norm()) < 0.02
    clean = reel.activations(entrance(blocks, 2), blocks[2].input_shape)
    assert torch.equal(reel.activations(drifted(2), blocks[2].input_shape), clean)


def test_a_swap_runs_the_rest_of_the_network_alone(proposals, filmed):
    picked, reel = filmed
    blocks, space = proposals.blocks, proposals.space
    for name in ("b1:skip", "b5:basic(width=0.5)"):
        option = space.options[space.index[name]]
        piece = proposals.build(option, seed=0)
        run = (option.first, option.last)
        ran = []
        inner = proposals.module.get_submodule(blocks[0].members[0])
        handle = inner.register_forward_hook(lambda *_: ran.append(1))  # noqa: B023
        made = swapped(proposals.module, blocks, *run, piece, samples=picked, reel=reel)
        handle.remove()
        assert ran == []
        with torch.no_grad():
            whole = compose(proposals.module, blocks, {run: piece})(*picked.inputs(range(0, 70)))
        torch.testing.assert_close(made, whole, rtol=0.05, atol=0.02)
        assert divergence(made, reel.strip(OUTPUTS, made.shape[1:], torch.float32)) > 0


def test_what_differs_by_sample_travels_with_it(tmp_path):
    torch.manual_seed(0)
    module, x = Passing().eval(), torch.randn(8, 6)
    made = proposed(module, x, ["skip"])
    blocks = made.blocks
    assert [b.name for b in blocks] == ["first", "second"]
    assert list(rows_of_extras(made.flowing[0])) == ["0"]

    class Rows(Picked):
        n = 8

        def inputs(self, rows):
            return (x[rows.start : rows.stop],)

    reel = Reel(tmp_path, 8)
    picked = Rows(None, np.arange(8))
    record(
        module, blocks, picked, reel, range(8), names=["out-0"],
        extras={0: made.flowing[0]}, outputs=False,
    )  # fmt: skip
    scale = reel.strip(extra(0, "0"), (1,), torch.float32)
    assert set(scale.flatten().tolist()) == {0.0, 1.0}
    extras, named = passed(made.flowing[0], {"0": scale[2:4]})
    assert named == {}
    assert torch.equal(extras[0], scale[2:4])
    with torch.no_grad():
        y = module.first(x[2:4], *extras)
    close(reel.activations("out-0", (6,))[2:4], y)


class Masked(nn.Module):
    """Two layers, the second of which is passed a mask where there is something to mask."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), Masking()

    def forward(self, x):
        padded = x == 0
        return self.second(self.first(x), ~padded if padded.any() else None)


class Masking(nn.Module):
    """A layer that hears only what is not masked."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(6, 6)

    def forward(self, x, mask):
        return self.inner(x if mask is None else x * mask)


def test_where_there_is_nothing_to_mask_all_passes(tmp_path):
    torch.manual_seed(0)
    module, x = Masked().eval(), torch.randn(40, 6)
    x[35, 2] = 0.0  # of two batches of 32 the second is padded
    made = proposed(module, x, ["skip"])
    assert [b.name for b in made.blocks] == ["first", "second"]

    class Rows(Picked):
        n = 40

        def inputs(self, rows):
            return (x[rows.start : rows.stop],)

    reel = Reel(tmp_path, 40)
    record(
        module, made.blocks, Rows(None, np.arange(40)), reel, range(40), names=["out-1"],
        extras={1: made.flowing[1]}, outputs=False,
    )  # fmt: skip
    mask = reel.strip(extra(1, "0"), (6,), torch.bool)
    assert torch.equal(mask, x != 0)


def test_the_first_tensor_of_an_output_is_found():
    x = torch.ones(2)
    assert first_tensor(x) is x
    assert first_tensor((None, x)) is x
    assert first_tensor({"logits": x}) is x
    with pytest.raises(InputError, match="returns its logits"):
        first_tensor("no")
