"""A found network, written and built again from the user's model."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from paretune.core import InputError, TensorSpec
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


def test_a_file_of_a_newer_schema_says_so(world, tmp_path):
    written(world, ids_of(world[2], 0), tmp_path)
    file = tmp_path / rebuild.DESCRIPTION
    content = json.loads(file.read_text())
    assert content["schema"] == rebuild.SCHEMA
    file.write_text(json.dumps(content | {"schema": 2, "more": 1}))
    with pytest.raises(InputError, match=r"schema 2 and this Paretune reads 1: use the version"):
        rebuild.network(tmp_path)


def renamed(folder, model):
    file = folder / rebuild.DESCRIPTION
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model": model}))


def test_the_weights_that_the_model_came_with_may_be_gone(world, tmp_path):
    network = written(world, ids_of(world[2], 1), tmp_path)
    renamed(tmp_path, "digits-resnet@gone.safetensors")
    x = world[1]
    with torch.no_grad():
        assert torch.allclose(rebuild.network(tmp_path)(x), network(x), atol=1e-6)


def digits_again():
    return load_model("digits-resnet@random").module


def test_code_that_the_file_names_is_not_run(world, tmp_path, monkeypatch):
    network = written(world, ids_of(world[2], 1), tmp_path)
    renamed(tmp_path, "evil:make@w.safetensors")
    (tmp_path / "evil.py").write_text("open('ran', 'w').close()\nmake = None\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"names code, evil:make, .* as to_torch\(make\(\)\)"):
        rebuild.network(tmp_path)
    assert not (tmp_path / "ran").exists()
    x = world[1]
    with torch.no_grad():
        assert torch.allclose(rebuild.network(tmp_path, digits_again())(x), network(x), atol=1e-6)


def test_a_model_that_came_as_a_module_must_be_given(world, tmp_path):
    written(world, ids_of(world[2], 1), tmp_path)
    renamed(tmp_path, "Net")
    with pytest.raises(InputError, match=r"nothing here brings in: give .* as to_torch\(module\)"):
        rebuild.network(tmp_path)


class Answering(nn.Module):
    """Returns a dictionary, as Hugging Face's models do, and takes its inputs in another order."""

    def __init__(self):
        super().__init__()
        self.net = digits_again()

    def forward(self, scale, image):
        return {"logits": scale * self.net(image)}


def test_a_module_that_was_wrapped_to_be_searched_is_taken_as_it_was(tmp_path):
    sizes = {"image": (None, 1, 8, 8), "scale": (None, 1)}
    specs = tuple(TensorSpec(name=n, shape=s, dtype="float32") for n, s in sizes.items())
    model = load_model(Answering(), input_shape=specs)
    x = (torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.ones(16, 1))
    blocks = find(model.module, x)
    proposals = Proposals(model.module, blocks, flows(model.module, blocks, x))
    network = written((model, x, proposals), ids_of(proposals, 3), tmp_path)
    with torch.no_grad():
        again = rebuild.network(tmp_path, Answering())
        assert torch.allclose(again(*x), network(*x), atol=1e-6)
