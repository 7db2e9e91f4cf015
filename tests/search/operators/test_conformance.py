from __future__ import annotations

import pytest

from paretune.search.operators import get
from paretune.testing.operators import check_operator
from tests.search.operators.nets import Case, case, timm_case

ALL = (
    "skip",
    "basic",
    "bottleneck",
    "depthwise",
    "fused",
    "activation",
    "ungated",
    "width",
    "low-rank",
    "heads",
    "skip-attention",
    "skip-ffn",
)

#: Operators that must find something to do in a network; the others may find nothing.
EXPECTED = {
    "digits": {"skip", "basic", "width", "low-rank"},
    "plain": {"skip", "basic", "fused", "width"},
    "hf-resnet": {"skip", "bottleneck", "width", "low-rank"},
    "hf-efficientnet": {"skip", "depthwise", "activation", "ungated", "width", "low-rank"},
    "hf-bert": {
        "skip",
        "activation",
        "width",
        "low-rank",
        "heads",
        "skip-attention",
        "skip-ffn",
    },
}


#: Whole new blocks take over trained branches with their gates left out and their layers fused:
#: from random weights of gated blocks there is nothing to take over.
RANDOM = {("hf-efficientnet", name) for name in ("basic", "bottleneck", "depthwise", "fused")}


def check(found: Case, name: str, sites: int, *, inherits: bool = True) -> bool:
    """Whether an operator does something at one of the first sites where it can."""
    operator = get(name)
    able = [site for site in found.sites() if any(True for _ in operator.propose(site))]
    for place, site in enumerate(able[:sites]):
        check_operator(
            operator,
            site,
            network=found.module,
            blocks=found.blocks,
            inputs=found.inputs,
            compiled=not place,
            inherits=inherits,
        )
    return bool(able)


@pytest.mark.parametrize("network", EXPECTED)
def test_every_operator_keeps_its_promises(network: str) -> None:
    able = {
        name
        for name in ALL
        if check(case(network), name, 1, inherits=(network, name) not in RANDOM)
    }
    assert able >= EXPECTED[network]


def test_on_trained_weights() -> None:
    able = {name for name in ("activation", "width", "low-rank") if check(case("lite0"), name, 1)}
    assert able == {"width", "low-rank"}


@pytest.mark.timm
@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("resnet18", {"width", "low-rank"}),
        ("resnet50", {"width", "low-rank"}),
        ("efficientnet_b0", {"activation", "ungated", "width", "low-rank"}),
        ("mobilenetv2_100", {"width", "low-rank"}),
        ("regnety_004", {"ungated", "width", "low-rank"}),
        ("convnext_atto", {"activation", "width", "low-rank"}),
    ],
)
def test_on_timm(network: str, expected: set[str]) -> None:
    found = timm_case(network)
    able = {
        name for name in ("activation", "ungated", "width", "low-rank") if check(found, name, 2)
    }
    assert able == expected


@pytest.mark.timm
def test_on_a_vision_transformer() -> None:
    found = timm_case("vit_tiny_patch16_224", size=224, samples=4)
    names = ("activation", "width", "heads", "skip-attention", "skip-ffn")
    assert {name for name in names if check(found, name, 1)} == set(names)
