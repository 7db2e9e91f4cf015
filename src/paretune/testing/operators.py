"""What every operator must pass: call from a test with a site of a small real network."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

from paretune.search.operators import Operator, Params

if TYPE_CHECKING:
    import torch
    from torch import nn

    from paretune.search.blocks import Block
    from paretune.search.network.site import Site

#: Largest error of the compiled network, as a share of the largest value that PyTorch gives.
TOLERANCE = 1e-3


def check_operator(
    operator: Operator,
    site: Site,
    *,
    network: nn.Module,
    blocks: Sequence[Block],
    inputs: tuple[torch.Tensor, ...],
    seed: int = 0,
    compiled: bool = True,
    most: int = 2,
    inherits: bool = True,
) -> list[Params]:
    """Hold an operator against what it promises, for what it proposes at one site.

    Args:
        operator: the operator.
        site: where it is applied, with flows of real inputs.
        network: the baseline that the site is in, in eval mode.
        blocks: all blocks of the baseline.
        inputs: of the baseline, those that the site's flow was taken from.
        seed: of weights that are not inherited.
        compiled: also export the last proposal's network, and compile it by OpenVINO.
        most: how many proposals are built: the last of them, which change most.
        inherits: whether inherited weights must beat random ones: not where the site's own weights
            are random and the operator counts on what training makes of them.

    Returns:
        What was proposed, so that a test can say what it expects.

    Raises:
        AssertionError: a promise that is not kept.
    """
    import torch

    from paretune.search.network.compose import compose

    before = {name: value.clone() for name, value in network.state_dict().items()}
    proposed = list(operator.propose(site))
    assert proposed == list(operator.propose(site)), "it proposes something else the second time"
    assert len({str(params) for params in proposed}) == len(proposed), "a proposal is made twice"
    span = (site.first.index, site.last.index)
    built = proposed[-most:]
    for params in built:
        assert operator.words(params), f"{params} has no words"
        with torch.no_grad():
            module = operator.build(site, params, seed=seed)
            again = operator.build(site, params, seed=seed)
            _check_same(module, again, params)
            made = _run(module, site)
            assert made.shape == site.flow.y.shape, (
                f"{params} gives {tuple(made.shape)}, not {tuple(site.flow.y.shape)}"
            )
            assert bool(made.isfinite().all()), f"{params} gives numbers that are not finite"
            if inherits:
                _check_inherits(module, site, made, params)
            composed = compose(network, blocks, {span: module})
            answer = composed(*inputs)
            assert _tensor(answer).isfinite().all(), f"the network with {params} fails"
            if compiled and params is built[-1]:
                _check_travels(composed, inputs)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), f"{name} of the baseline was changed"
    return proposed


def _run(module: nn.Module, site: Site) -> torch.Tensor:
    """What a replacement gives at its site."""
    assert not module.training, "a replacement is handed over in eval mode"
    flow = site.flow
    if getattr(module, "takes_extras", False):
        made: torch.Tensor = module(flow.x, *flow.extras, **flow.named)
    else:
        made = module(flow.x)
    return made


def _check_same(one: nn.Module, other: nn.Module, params: Params) -> None:
    """The same seed gives the same weights, in tensors of their own."""
    import torch

    first, second = one.state_dict(), other.state_dict()
    assert list(first) == list(second), f"{params} is built differently the second time"
    for name, value in first.items():
        assert torch.equal(value, second[name]), f"{name} of {params} is another with the same seed"


def _check_inherits(module: nn.Module, site: Site, made: torch.Tensor, params: Params) -> None:
    """What has weights starts nearer to the block that it replaces than with random weights."""
    import torch

    if not any(parameter.numel() for parameter in module.parameters()):
        return
    blank = copy.deepcopy(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for inner in blank.modules():
            again = getattr(inner, "reset_parameters", None)
            if callable(again):
                again()
    error = float((made - site.flow.y).square().mean())
    blind = float((_run(blank.eval(), site) - site.flow.y).square().mean())
    assert error < blind, (
        f"{params} starts with an error of {error:.3g}, random weights with {blind:.3g}"
    )


def _check_travels(network: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """It exports as a whole, and OpenVINO computes the same."""
    import openvino
    import torch

    wanted = _tensor(network(*inputs))
    exported = torch.export.export(network, inputs)
    assert torch.allclose(_tensor(exported.module()(*inputs)), wanted, rtol=1e-3, atol=1e-4)
    converted = openvino.convert_model(network, example_input=inputs)
    compiled = openvino.compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    feeds = {port: x.numpy() for port, x in zip(compiled.inputs, inputs, strict=True)}
    made = torch.from_numpy(compiled(feeds)[0])
    error = float((made - wanted).abs().max() / wanted.abs().max())
    assert error < TOLERANCE, f"compiled, it is off by {error:.2g} of its range"


def _tensor(output: object) -> torch.Tensor:
    """The first tensor of whatever a network gives."""
    import torch

    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, dict):
        return _tensor(next(iter(output.values())))
    assert isinstance(output, list | tuple)
    return _tensor(output[0])
