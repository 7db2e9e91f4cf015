from __future__ import annotations

import openvino as ov
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from paretune.search.network.compose import compose
from paretune.search.network.pieces import bound, example
from paretune.search.operators import get
from paretune.search.operators._sublayers import attentions, feed_forwards
from tests.search.operators.nets import Case, case, case_of


class Fused(nn.Module):
    """As a vision transformer's block: norm first, one layer for queries, keys and values."""

    def __init__(self, *, eager: bool, biased: bool = False) -> None:
        super().__init__()
        self.num_heads, self.all = 4, 32
        self.norm1, self.norm2 = nn.LayerNorm(48), nn.LayerNorm(48)
        self.qkv, self.proj = nn.Linear(48, 96), nn.Linear(32, 48)
        self.fc1, self.act, self.fc2 = nn.Linear(48, 128), nn.GELU(), nn.Linear(128, 48)
        self.eager = eager
        # A bias for every head, which nobody would know how to cut.
        self.bias = nn.Parameter(torch.randn(4, 10, 10)) if biased else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, s, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, s, 3, self.num_heads, 8).permute(2, 0, 3, 1, 4)
        if self.eager:
            scores = q @ k.transpose(-2, -1) / 8**0.5
            scores = scores if self.bias is None else scores + self.bias
            y = scores.softmax(dim=-1) @ v
        else:
            y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.proj(y.transpose(1, 2).reshape(n, s, self.all))
        return x + self.fc2(self.act(self.fc1(self.norm2(x))))


class InPlace(Fused):
    """The same, writing into its input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x += super().forward(x) - x
        return x


def test_a_block_that_writes_into_its_input_leaves_what_is_read_again() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(*(InPlace(eager=True) for _ in range(2)), nn.Linear(48, 4))
    site = case_of(net.eval(), (torch.randn(8, 10, 48),)).site(0)
    before = site.flow.x.clone()
    with torch.no_grad():
        made = bound(site)(site.flow.x)
    assert site.flow.x.equal(before)
    assert torch.allclose(made, site.flow.y, atol=1e-5)
    assert not torch.allclose(made, before, atol=1e-2)


def fused(*, eager: bool, biased: bool = False) -> Case:
    torch.manual_seed(0)
    net = nn.Sequential(*(Fused(eager=eager, biased=biased) for _ in range(2)), nn.Linear(48, 4))
    return case_of(net.eval(), (torch.randn(8, 10, 48),))


@pytest.mark.parametrize("eager", [False, True])
def test_an_attention_is_found_by_what_flows(eager: bool) -> None:
    site = fused(eager=eager).site(0)
    block, x = bound(site), example(site)
    (found,) = attentions(block, x)
    assert found.before == ("run.members.0.qkv",)
    assert (found.output, found.heads, found.width) == ("run.members.0.proj", 4, 8)
    (other,) = feed_forwards(block, x)
    assert (other.before, other.output) == (("run.members.0.fc1",), "run.members.0.fc2")


def test_in_bert_too() -> None:
    site = case("hf-bert").site(0)
    (found,) = attentions(bound(site), example(site))
    assert [name.rpartition(".")[2] for name in found.before] == ["query", "key", "value"]
    assert (found.heads, found.width) == (4, 16)
    (other,) = feed_forwards(bound(site), example(site))
    assert other.before[0].endswith("intermediate.dense")
    assert other.output.endswith("0.output.dense")


def test_a_convolutional_block_has_none() -> None:
    site = case("plain").site(2)
    assert not attentions(bound(site), example(site))
    assert not feed_forwards(bound(site), example(site))


@pytest.mark.parametrize("eager", [False, True])
def test_heads_are_cut_and_the_code_is_told(eager: bool) -> None:
    found = fused(eager=eager)
    operator = get("heads")
    assert [p["heads"] for p in operator.propose(found.site(0))] == [0.75, 0.5, 0.25]
    module = operator.build(found.site(0), {"heads": 0.5}, seed=0)
    inner = module.members[0]
    assert (inner.num_heads, inner.all) == (2, 16)
    assert (inner.qkv.out_features, inner.proj.in_features) == (48, 16)
    assert found.module[0].num_heads == 4


def test_heads_that_cannot_be_cut_are_not_proposed() -> None:
    assert not list(get("heads").propose(fused(eager=True, biased=True).site(0)))
    assert list(get("skip-attention").propose(fused(eager=True, biased=True).site(0))) == [{}]


def test_the_heads_that_matter_stay() -> None:
    found = fused(eager=False)
    with torch.no_grad():
        found.module[0].proj.weight[:, :16] = 0  # the first two heads say nothing
    fresh = case_of(found.module, found.inputs)
    module = get("heads").build(fresh.site(0), {"heads": 0.5}, seed=0)
    made = module(fresh.inputs[0])
    assert torch.allclose(made, fresh.site(0).flow.y, atol=1e-4)


@pytest.mark.parametrize(
    ("network", "operator", "gone"),
    [
        ("hf-bert", "skip-attention", ("query", "key", "value")),
        ("hf-bert", "skip-ffn", ("intermediate.dense",)),
        ("fused", "skip-attention", ("qkv",)),
        ("fused", "skip-ffn", ("fc1",)),
    ],
)
def test_what_is_skipped_is_gone_from_the_compiled_graph(
    network: str, operator: str, gone: tuple[str, ...]
) -> None:
    found = case(network) if network == "hf-bert" else fused(eager=False)
    module = get(operator).build(found.site(0), {}, seed=0)
    composed = compose(found.module, found.blocks, {(0, 0): module})

    def products(net: nn.Module) -> int:
        graph = ov.convert_model(net, example_input=found.inputs)
        graph.reshape({p: x.shape for p, x in zip(graph.inputs, found.inputs, strict=True)})
        running = ov.compile_model(graph, "CPU").get_runtime_model()
        kinds = [op.get_rt_info()["layerType"].astype(str) for op in running.get_ops()]
        return sum(kind in ("FullyConnected", "MatMul") for kind in kinds)

    assert products(composed) <= products(found.module) - len(gone) - 1


def test_what_a_skipped_attention_added_on_average_stays() -> None:
    found = fused(eager=False)
    site = found.site(0)
    module = get("skip-attention").build(site, {}, seed=0)
    block = found.module[0]
    with torch.no_grad():
        made = module(site.flow.x)
        x = site.flow.x
        left_out = x + block.fc2(block.act(block.fc1(block.norm2(x))))
    wanted = site.flow.y
    assert (made - wanted).square().mean() < (left_out - wanted).square().mean()
