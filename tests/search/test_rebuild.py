"""A found network, written and built again from the user's model."""

import numpy as np
import pytest
import torch

from paretune.core import InputError
from paretune.search import rebuild
from paretune.search.blocks import find
from paretune.search.network.compose import compose
from paretune.search.network.site import flows
from paretune.search.proposals import Proposals
from paretune.search.space import KEEP
from paretune.sources import load_model


@pytest.fixture(scope="module")
def world():
    model = load_model("digits-resnet@random")
    x = torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    blocks = find(model.module, (x,))
    return model, x, Proposals(model.module, blocks, flows(model.module, blocks, (x,)))


def written(world, ids, folder):
    model, _, proposals = world
    options = [proposals.space.options[proposals.space.index[name]] for name in ids]
    pieces = {(o.first, o.last): proposals.build(o, seed=0) for o in options if o.operator != KEEP}
    network = compose(model.module, proposals.blocks, pieces)
    for name, content in rebuild.files(model, proposals, ids, network).items():
        (folder / name).write_bytes(content)
    return network


def ids_of(proposals, seed):
    space = proposals.space
    choice = space.sample(np.random.default_rng(seed), 1)[0]
    return [option.id for option in space.chosen(choice)]


@pytest.mark.parametrize("seed", range(5))
def test_it_answers_as_the_network_did(world, tmp_path, seed):
    _, x, proposals = world
    network = written(world, ids_of(proposals, seed), tmp_path)
    again = rebuild.network(tmp_path)
    assert not again.training
    with torch.no_grad():
        assert torch.allclose(again(x), network(x), atol=1e-6)


def test_the_description_reads_as_words(world, tmp_path):
    ids = [row[0] for row in world[2].space.starting]
    names = [world[2].space.options[place].id for place in ids]
    names[1] = "b1:skip"
    written(world, names, tmp_path)
    description = rebuild.Description.model_validate_json(
        (tmp_path / rebuild.DESCRIPTION).read_text()
    )
    assert description.pieces[1].blocks == ("stages.0",)
    assert description.pieces[1].became == "skipped"
    assert description.model == "digits-resnet@random"


def test_another_model_is_refused(world, tmp_path):
    written(world, ids_of(world[2], 0), tmp_path)
    other = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten())
    with pytest.raises(InputError, match="other blocks than when it was searched"):
        rebuild.network(tmp_path, other)


def test_a_damaged_description_is_refused(world, tmp_path):
    written(world, ids_of(world[2], 0), tmp_path)
    (tmp_path / rebuild.DESCRIPTION).write_text("{")
    with pytest.raises(InputError, match="is no description of an architecture"):
        rebuild.network(tmp_path)


def digits_again():
    return load_model("digits-resnet@random").module


def test_the_weights_that_the_model_came_with_may_be_gone(world, tmp_path):
    network = written(world, ids_of(world[2], 1), tmp_path)
    file = tmp_path / rebuild.DESCRIPTION
    description = rebuild.Description.model_validate_json(file.read_text())
    moved = description.model_copy(update={"model": f"{__name__}:digits_again@gone.safetensors"})
    file.write_text(moved.model_dump_json(by_alias=True))
    x = world[1]
    with torch.no_grad():
        assert torch.allclose(rebuild.network(tmp_path)(x), network(x), atol=1e-6)
