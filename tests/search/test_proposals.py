from __future__ import annotations

import pytest
import torch
from torch import nn

from paretune.search.blocks import find
from paretune.search.library._record import first_tensor
from paretune.search.network.compose import compose
from paretune.search.network.site import flows
from paretune.search.proposals import Proposals, merges, stages
from paretune.search.space import KEEP, Option
from tests.search.operators.nets import NAMES, Case, answer, case


def proposals(found: Case, *using: str) -> Proposals:
    return Proposals(found.module, found.blocks, found.flowing, using)


def test_nine_blocks_make_a_million_architectures() -> None:
    assert proposals(case("plain")).space.count() >= 10**6


def test_three_layers_of_a_transformer_make_thousands() -> None:
    space = proposals(case("hf-bert")).space
    # Each is kept or skipped, or has its activation, heads, feed-forward or attention changed.
    assert [len(row) for row in space.starting][:3] == [12] * 3
    assert space.count() >= 12**3


def test_stages_end_where_the_shape_changes() -> None:
    blocks = case("plain").blocks
    assert stages(blocks) == [(0, 0), (1, 3), (4, 6), (7, 9), (10, 10)]
    within = {(1, 3), (1, 2), (4, 6), (4, 5), (7, 9), (7, 8)}
    across = {(3, 4), (1, 4), (6, 7), (4, 7)}  # what the first block of the next stage takes along
    assert set(merges(blocks)) == within | across


def test_every_option_says_what_it_is() -> None:
    made = proposals(case("plain"), "skip", "width")
    option = made.space.options[made.space.index["b8:width(width=0.5)"]]
    assert made.words(option) == "hidden width x 0.5"
    kept = made.space.options[made.space.index[f"b0:{KEEP}"]]
    assert made.words(kept) == "kept"
    assert {o.operator for o in made.space.options} == {KEEP, "skip", "width"}


def test_gates_and_activations_go_together_or_not() -> None:
    made = proposals(case("hf-efficientnet"), "ungated")
    ids = [option.id for option in made.space.options if option.first == 3]
    assert ids == ["b3:keep", "b3:ungated(activation=relu)", "b3:ungated(activation=kept)"]


def test_equal_pieces_at_other_places_have_one_signature() -> None:
    made = proposals(case("plain"), "width")
    place = made.space.index
    same = [made.space.options[place[f"b{i}:width(width=0.5)"]].signature for i in (5, 6)]
    assert same[0] == same[1]
    assert made.space.options[place["b8:width(width=0.5)"]].signature != same[0]


def test_random_architectures_run() -> None:
    import numpy as np

    found = case("hf-bert")
    made = proposals(found)
    random = np.random.default_rng(0)
    for choice in made.space.sample(random, 4):
        chosen = made.space.chosen(choice)
        pieces = {(o.first, o.last): made.build(o, seed=0) for o in chosen if o.operator != KEEP}
        assert answer(compose(found.module, found.blocks, pieces), found.inputs).shape == (8, 2)


def test_a_kept_block_is_a_copy() -> None:
    made = proposals(case("plain"), "skip")
    option = made.space.options[made.space.index["b2:keep"]]
    piece = made.build(option, seed=0)
    assert isinstance(piece, nn.Module)
    site = made.site(option)
    assert torch.allclose(piece(site.flow.x), site.flow.y, atol=1e-6)
    own = {id(p) for p in made.module.parameters()}
    assert not any(id(p) in own for p in piece.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_filled_with_the_weights_of_what_was_built_is_the_same(name: str) -> None:
    made = proposals(case(name))
    kinds: dict[tuple[str, int], Option] = {}
    for option in made.space.options:
        kinds.setdefault((option.operator, option.span), option)
    for option in kinds.values():
        if option.operator == KEEP:
            continue
        flow = made.site(option).flow
        built = made.build(option, seed=3).eval()
        filled = made.filled(option, built.state_dict())
        extras = (flow.extras, flow.named) if getattr(built, "takes_extras", False) else ((), {})
        with torch.no_grad():
            wanted, given = [piece(flow.x, *extras[0], **extras[1]) for piece in (built, filled)]
        assert torch.equal(first_tensor(given), first_tensor(wanted)), option.id


class Encoder(nn.Module):
    """PyTorch's own encoder, whose attention passes on the weight of a layer it never calls."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.embed, self.encoder = nn.Linear(6, 16), nn.TransformerEncoder(layer, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.encoder(self.embed(x)).mean(1)
        return made


def test_layers_that_are_never_called_do_not_stand_in_the_way() -> None:
    torch.manual_seed(0)
    module = Encoder().eval()
    blocks = find(module, (torch.randn(5, 7, 6),))
    made = Proposals(module, blocks, flows(module, blocks, (torch.randn(16, 7, 6),)))
    assert [block.kind for block in blocks] == ["Linear", *["TransformerEncoderLayer"] * 2]
    for option in made.space.options:
        piece = made.build(option, seed=0)
        with torch.no_grad():
            assert piece(made.site(option).flow.x).isfinite().all()
